"""What to serve when nobody said it: found by reading source, never by importing it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pepperpy_reload.errors import UsageError

FILES = ("main.py", "app.py", "wsgi.py", "asgi.py")
NAMES = ("app", "application", "create_app", "make_app", "main")
_FACTORIES = frozenset({"create_app", "make_app", "main"})
_FRAMEWORKS = frozenset(
    {
        "FastAPI", "Flask", "Starlette", "Quart", "Litestar", "Sanic", "Bottle", "Falcon", "FastMCP", "BlackSheep",
        "APIFlask", "Dash", "NinjaAPI", "Connexion", "FlaskApp", "AsyncApp", "ASGIApp", "WSGIApp", "Robyn", "FastHTML",
        "get_asgi_application", "get_wsgi_application", "make_wsgi_app", "fast_app",
    }
)  # fmt: skip
_SETTINGS = re.compile(r"""DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']""")
_BINDING = re.compile(r"^(?:(?:async )?def )?(\w+)\s*(?:\(\s*\)|:[^=]*=|=(?!=))", re.MULTILINE)


@dataclass(slots=True)
class _Names:
    """The names that a module binds at its top level: those of apps made by a known framework, and all."""

    made: list[str] = field(default_factory=list)
    bound: list[str] = field(default_factory=list)

    def best(self) -> str:
        """The name that is an app for sure, or the best of the usual names, or ""."""
        return _first(self.made) or (self.made[0] if self.made else _first(self.bound))


def discover(directory: str) -> str:
    """The target in `directory`, such as `main:app`; UsageError that names what was looked for if there is none.

    A module with an app or a factory goes before one that only has a `main`.
    """
    base = Path(directory)
    mains: list[str] = []
    for module, path in _candidates(base):
        if path.name == "manage.py":
            if target := _django(path):
                return target
            continue
        name = _names(path).best()
        if name == "main":
            mains.append(f"{module}:{name}")
        elif name:
            return f"{module}:{name}"
    if mains:
        return mains[0]
    package = _package(base)
    raise UsageError(
        f"there is nothing to serve in {base.resolve()}: looked for {', '.join(NAMES[:-1])} or {NAMES[-1]} in "
        f"{', '.join(FILES)}, manage.py and the package {package}; say what it is, as in: "
        "pepperpy-reload serve myapp:app"
    )


def search_path(directory: str) -> list[str]:
    """What has to come first on `sys.path` for what `discover` finds: the directory, and its `src` if it has one."""
    base = Path(directory).resolve()
    source = base / "src"
    is_layout = source.is_dir() and not (source / "__init__.py").exists()
    return [str(base), str(source)] if is_layout else [str(base)]


def _candidates(base: Path) -> Iterator[tuple[str, Path]]:
    """Modules that may hold the app, as name and file, in the order in which they are looked at."""
    for file in (*FILES, "manage.py"):
        yield file.removesuffix(".py"), base / file
    name = _package(base)
    for package in (base / name, base / "src" / name):
        for file in ("__init__.py", "main.py", "app.py"):
            yield name if file == "__init__.py" else f"{name}.{file.removesuffix('.py')}", package / file


def _package(base: Path) -> str:
    return re.sub(r"\W", "_", base.resolve().name.lower())


def _django(manage: Path) -> str:
    settings = _SETTINGS.search(_read(manage))
    if settings is None:
        return ""
    package = settings[1].split(".settings")[0]
    for kind in ("asgi", "wsgi"):
        if manage.parent.joinpath(*package.split("."), f"{kind}.py").is_file():
            return f"{package}.{kind}:application"
    return ""


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", errors="replace") if path.is_file() else ""
    except OSError:
        return ""


def _names(path: Path) -> _Names:
    source = _read(path)
    found = _Names()
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        # A file that is broken today is still the one that is meant.
        found.bound = _BINDING.findall(source)
        return found
    for statement in _statements(body):
        _note(statement, found)
    return found


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run at import time, also those in `if`, `try` and `with`, in their order."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If) and "__name__" in ast.dump(statement.test):
            continue
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for part in ("body", "handlers", "orelse", "finalbody"):
                for inner in getattr(statement, part, []):
                    yield from _statements(inner.body if isinstance(inner, ast.ExceptHandler) else [inner])


def _note(statement: ast.stmt, found: _Names) -> None:
    match statement:
        case ast.FunctionDef(name=name, args=arguments) | ast.AsyncFunctionDef(name=name, args=arguments):
            if name not in _FACTORIES or _needs_nothing(arguments):
                found.bound.append(name)
        case ast.ImportFrom(names=aliases):
            found.bound += [alias.asname or alias.name for alias in aliases]
        case ast.Assign(targets=targets, value=value):
            _note_value([t.id for target in targets for t in ast.walk(target) if isinstance(t, ast.Name)], value, found)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            _note_value([name], value, found)
        case _:
            pass


def _note_value(names: list[str], value: ast.expr, found: _Names) -> None:
    found.bound += names
    if isinstance(value, ast.Call):
        called = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        if called in _FRAMEWORKS:
            found.made += names


def _needs_nothing(arguments: ast.arguments) -> bool:
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return positional == 0 and all(default is not None for default in arguments.kw_defaults)


def _first(names: list[str]) -> str:
    return next((name for name in NAMES if name in names), "")
