"""A git repository's history: which commits, and their files written to a directory of our own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pepperpy_reload.errors import SurroundingsError, UsageError

_NOTHING = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # git's name for the empty tree
_LINK, _SUBMODULE = "120000", "160000"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit, the one before it (in its own line), and the first line of its message."""

    name: str
    parent: str
    subject: str


class Repository:
    """A repository that is only read."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            is_bare = self.git("rev-parse", "--is-bare-repository").strip() == "true"
            self.top = path if is_bare else self.git("rev-parse", "--show-toplevel").strip()
        except UsageError:
            raise UsageError(f"{path} is not in a git repository") from None

    def git(self, *arguments: str) -> str:
        """What a git command prints. Raises UsageError with git's words if it fails."""
        try:
            done = subprocess.run(["git", "-C", self.path, *arguments], capture_output=True, check=False)
        except OSError as error:
            raise SurroundingsError(f"git cannot be run: {error}") from None
        if done.returncode:
            raise UsageError(f"git {arguments[0]}: {done.stderr.decode('utf-8', 'replace').strip()}")
        return done.stdout.decode("utf-8", "surrogateescape")

    def commits(self, last: int, folders: Sequence[str], *, skip: int = 0) -> list[Commit]:
        """The newest commits, oldest first, that change Python files in `folders`, or modules of these names.

        Merges are left out.
        """
        ends = ("/*.py", ".py")
        where = [f":(top){folder}{end}" for folder in folders for end in ends] if all(folders) else [":(top)*.py"]
        form = "--format=%H%x00%P%x00%s"
        text = self.git("log", "--no-merges", f"-{last}", f"--skip={skip}", form, "HEAD", "--", *where)
        found = []
        for line in reversed(text.splitlines()):
            name, parents, subject = line.split("\0", 2)
            if parents:
                found.append(Commit(name, parents.split()[0], subject))
        return found

    def generated(self, folder: str) -> list[str]:
        """The paths of Python files in a folder of the working tree that git ignores: tools have made them."""
        try:
            where = f":(top,glob){folder}/**/*.py"
            text = self.git("ls-files", "-z", "--full-name", "--others", "--ignored", "--exclude-standard", "--", where)
        except UsageError:  # there is no working tree
            return []
        return [path for path in text.split("\0") if path]

    def files(self, commit: str) -> list[str]:
        """All paths of a commit."""
        return [
            path for path in self.git("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit).split("\0") if path
        ]


class Tree:
    """A directory that holds one commit's files after the other."""

    def __init__(self, repository: Repository, path: Path) -> None:
        self.path = path
        self._repository = repository
        self._at = _NOTHING
        path.mkdir(parents=True, exist_ok=True)

    def show(self, commit: str) -> list[str]:
        """Write a commit's files over what is there; the paths of all that were written or removed.

        Only files whose content differs are touched, as when a branch is checked out.
        """
        if commit == self._at:
            return []
        text = self._repository.git("diff-tree", "-r", "-z", "--no-renames", self._at, commit)
        fields = iter(text.split("\0"))
        changes = [(entry.split(), name) for entry, name in zip(fields, fields, strict=False)]
        written = [change for change in changes if change[0][4] != "D" and change[0][1] != _SUBMODULE]
        touched = []
        for (_, _, _, _, kind), name in changes:
            path = self.path / name
            if kind in ("D", "T") and (path.is_symlink() or path.is_file()):
                path.unlink()
                touched.append(path)
        for path in touched:
            self._prune(path.parent)
        blobs = self._blobs([fields[3] for fields, _ in written])
        for ((_, mode, _, _, _), name), blob in zip(written, blobs, strict=True):
            if blob is None:
                continue
            _write(self.path / name, mode, blob)
            touched.append(self.path / name)
        self._at = commit
        return [os.fspath(path) for path in touched]

    def complete(self, folder: str) -> None:
        """Have the files of a folder that tools make, and no commit holds, as they are in the user's tree."""
        for name in self._repository.generated(folder):
            path = self.path / name
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(Path(self._repository.top, name), path)

    def _prune(self, folder: Path) -> None:
        while folder != self.path and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent

    def _blobs(self, names: Sequence[str]) -> list[bytes | None]:
        """The contents; None for what the repository does not have (a partial clone lacks large files)."""
        done = subprocess.run(
            ["git", "-C", self._repository.path, "cat-file", "--batch"],
            input="".join(f"{name}\n" for name in names).encode(),
            capture_output=True,
            check=True,
        )
        found: list[bytes | None] = []
        data, position = done.stdout, 0
        for _ in names:
            end = data.index(b"\n", position)
            if data.endswith(b" missing", position, end):
                found.append(None)
                position = end + 1
                continue
            size = int(data[position:end].split()[2])
            found.append(data[end + 1 : end + 1 + size])
            position = end + 2 + size
        return found


def _write(path: Path, mode: str, blob: bytes) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == _LINK:
        path.unlink(missing_ok=True)
        path.symlink_to(os.fsdecode(blob))
    else:
        path.write_bytes(blob)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a package's sources are in a commit: the directory for `sys.path`, relative to the top, and the modules."""

    root: str
    package: str
    modules: tuple[str, ...]

    @classmethod
    def find(cls, files: Sequence[str], package: str, roots: Sequence[str] = ()) -> Layout | None:
        """Where `package` is among a commit's files, in one of `roots` or anywhere near the top; None if it is not."""
        wanted = [f"{package}/__init__.py", f"{package}.py"]
        homes = [path[: -len(end)].rstrip("/") for path in files for end in wanted if f"/{path}".endswith(f"/{end}")]
        homes = [home for home in homes if home in roots] if roots else [home for home in homes if home.count("/") < 2]
        if not homes:
            return None
        root = min(homes, key=lambda home: (home.count("/") + bool(home), home))
        prefix = f"{root}/" if root else ""
        inside = [path.removeprefix(prefix) for path in files if path.startswith(prefix) and path.endswith(".py")]
        chosen = [path for path in inside if path == f"{package}.py" or path.startswith(f"{package}/")]
        names = sorted(name for path in chosen if (name := _module(path)))
        return cls(root, package, tuple(names))

    def modules_in(self, files: Iterable[str]) -> list[str]:
        """The modules that are in some of these files."""
        prefix = f"{self.root}/" if self.root else ""
        inside = [path.removeprefix(prefix) for path in files if path.startswith(prefix) and path.endswith(".py")]
        names = set(map(_module, inside))
        return [name for name in self.modules if name in names]


def guess_package(files: Sequence[str], repository: str = "") -> str:
    """The package that a commit's files are mostly about, or the module if it is called like the repository.

    Raises UsageError if there is none.
    """
    sizes: dict[str, int] = {}
    packages = {path.removesuffix("/__init__.py") for path in files if path.endswith("/__init__.py")}
    for package in packages:
        top = package.removeprefix("src/")
        if "/" not in top and top.isidentifier() and top not in ("tests", "test", "docs", "examples", "scripts"):
            sizes[top] = sum(1 for path in files if path.startswith(f"{package}/") and path.endswith(".py"))
    if not sizes and any(f"{folder}{repository}.py" in files for folder in ("", "src/")):
        return repository
    if not sizes:
        raise UsageError("no package was found at the top of the repository or in src/; name one with --package")
    return max(sizes, key=lambda name: (sizes[name], name))


def _module(path: str) -> str:
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts) if parts[-1] != "__main__" and all(part.isidentifier() for part in parts) else ""
