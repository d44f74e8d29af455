"""What saving files would do: planned in a fresh interpreter, in a copy of the project."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pepperpy_reload.errors import UsageError
from pepperpy_reload.importing.roots import Roots
from pepperpy_reload.replaying.history import Repository
from pepperpy_reload.replaying.process import Child
from pepperpy_reload.replaying.workspace import Workspace
from pepperpy_reload.serving.target import parse_target


@dataclass(frozen=True, slots=True)
class Question:
    """What would saving `files`, as they are now, do in a process of `target` that was started from `since`?

    `search` is what comes first on `sys.path`, `roots` are the directories of the user's own code; real paths.
    """

    target: str
    files: tuple[str, ...]
    since: str
    search: tuple[str, ...]
    roots: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


@dataclass(frozen=True, slots=True)
class Fault:
    """The user's code cannot be loaded; `before` says that this is so without the change, too."""

    text: str
    file: str = ""
    line: int = 0
    before: bool = False

    def as_json(self) -> dict[str, Any]:
        """A dict of plain values."""
        return {"text": self.text, "file": self.file, "line": self.line, "before": self.before}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The plan. `steps` are `core.plan.Step` as JSON, in their order, each with the functions that it patches.

    There are none if `restart` says why only a new process can have the change.
    """

    question: Question
    restart: str = ""
    steps: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    fault: Fault | None = None

    @property
    def heading(self) -> str:
        """The whole, in one line for a person."""
        names = ", ".join(_short(file) for file in self.question.files)
        said = f"; {'; '.join(self.notes)}" if self.notes else ""
        begin = f"saving {names}, in a process of {self.question.target} as of {self.question.since}"
        if self.restart:
            return f"{begin}: restart, because {self.restart}{said}"
        return f"{begin}{'' if self.steps else ': nothing that runs would change'}{said}"

    def as_json(self) -> dict[str, Any]:
        """A dict of plain values."""
        asked = self.question
        return {
            "target": asked.target,
            "since": asked.since,
            "files": list(asked.files),
            "restart": self.restart,
            "steps": list(self.steps),
            "notes": list(self.notes),
            "error": None if self.fault is None else self.fault.as_json(),
        }


def explain(question: Question) -> Explanation:
    """The answer. Nothing of the user's is written. Raises UsageError and SurroundingsError, one sentence each."""
    module, _ = parse_target(question.target)
    repository = _repository(question)
    then = {file: _content_then(repository, question, file) for file in question.files}
    with tempfile.TemporaryDirectory(prefix="pepperpy-reload-explain-") as folder:
        place = Workspace(Path(folder).resolve(), [os.path.realpath(repository.top), *question.roots])
        for file, content in then.items():
            place.write(file, content)
        with _child(question, place) as child:
            failed = child.ask("load", modules=[module])["failed"]
            if failed:
                return Explanation(question, fault=_fault_before(question, place, module, failed[module]))
            _check_loaded(question, place, child, then)
            for file in question.files:
                place.write(file, Path(file).read_bytes() if Path(file).is_file() else None)
            answer = child.ask("explain", paths=[place.inside(file) for file in question.files])
            return _read(question, place, answer)


def _repository(question: Question) -> Repository:
    """The repository, and the certainty that it has the revision and that the files are the project's own."""
    repository = Repository(question.search[0])
    try:
        repository.git("rev-parse", "--verify", "--quiet", f"{question.since}^{{commit}}")
    except UsageError:
        raise UsageError(f"there is no revision {question.since!r} in {repository.top}") from None
    own = Roots()
    own.narrow(question.roots)
    for file in question.files:
        if Path(file).is_dir():
            raise UsageError(f"{file} is a directory; name the files that are saved")
        if file not in own:
            raise UsageError(f"{file} is not the project's own: that is what lies in {', '.join(question.roots)}")
        if not f"{file}/".startswith(os.path.realpath(repository.top) + os.sep):
            raise UsageError(f"{file} is not in the git repository {repository.top}")
    return repository


def _content_then(repository: Repository, question: Question, file: str) -> bytes | None:
    """What a file held in the revision; None if it was not there."""
    name = os.path.relpath(file, os.path.realpath(repository.top))
    there = repository.git("ls-tree", "-z", "--full-tree", question.since, "--", name)
    if there:
        text = repository.git("cat-file", "--filters", f"{question.since}:{Path(name).as_posix()}")
        return text.encode("utf-8", "surrogateescape")
    if not Path(file).exists():
        raise UsageError(f"there is no file {file}, and there was none in {question.since}")
    return None


def _child(question: Question, place: Workspace) -> Child:
    """An interpreter that searches the copy first, and has the working directory that corresponds to ours."""
    start, here = Path(place.inside(question.search[0])), Path(place.inside(os.path.realpath(Path.cwd())))
    cwd = here if here.is_dir() else start
    child = Child(start, armed=True, cwd=cwd, environment=question.environment)
    try:
        paths, roots = ([place.inside(path) for path in paths] for paths in (question.search, question.roots))
        child.ask("settle_in", paths=paths, roots=roots, copies=place.copies)
    except BaseException:
        child.close()
        raise
    return child


def _fault_before(question: Question, place: Workspace, module: str, text: str) -> Fault:
    parts = module.split(".")
    missing = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
    if text.splitlines()[-1] in [f"ModuleNotFoundError: No module named {name!r}" for name in missing]:
        raise UsageError(f"there is no module {module!r} in {question.search[0]} as of {question.since}")
    return Fault(place.told(text), before=True)


def _check_loaded(question: Question, place: Workspace, child: Child, then: Mapping[str, bytes | None]) -> None:
    """Raise UsageError for a file that was there and did not matter. What a new one matters, the plan tells."""
    loaded = set(child.ask("files")["files"])
    for file, content in then.items():
        if content is not None and place.inside(file) not in loaded:
            raise UsageError(f"{file} is not loaded by {question.target}: saving it would change nothing")


def _read(question: Question, place: Workspace, answer: Mapping[str, Any]) -> Explanation:
    if "error of theirs" in answer:
        text, file, line = answer["error of theirs"]
        return Explanation(question, fault=Fault(place.told(text), place.told(file), line))
    restart = place.told(answer["restart"])
    notes = tuple(place.told(note) for note in answer["notes"])
    if restart:
        return Explanation(question, restart, notes=notes)
    steps = tuple(_shown(step, place) for step in answer["steps"])
    return Explanation(question, "", steps, notes)


def _shown(step: dict[str, Any], place: Workspace) -> dict[str, Any]:
    return step | {"reasons": [place.told(reason) for reason in step["reasons"]]}


def _short(file: str) -> str:
    path = Path(file)
    return os.fspath(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def files_named(files: Sequence[str]) -> tuple[str, ...]:
    """Files as they were named, with their real paths, each once."""
    return tuple(dict.fromkeys(os.path.realpath(file) for file in files))
