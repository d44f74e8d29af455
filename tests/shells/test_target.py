"""What a target's text means, and what sort of thing it names."""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask

from pepperpy_reload.errors import UsageError, UserCodeError
from pepperpy_reload.importing.footprint import Footprint
from pepperpy_reload.serving.kinds import Kind, as_asgi, kind_of, may_be_factory
from pepperpy_reload.serving.target import load_target, parse_target


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory that comes first on sys.path; what was imported from it is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("myapp", ("myapp", "")),
        ("myapp:main", ("myapp", "main")),
        ("package.module:attr.attr", ("package.module", "attr.attr")),
        ("myapp:create_app()", ("myapp", "create_app")),
        (" größe:änderung ", ("größe", "änderung")),
    ],
)
def test_parse(text: str, parsed: tuple[str, str]) -> None:
    assert parse_target(text) == parsed


@pytest.mark.parametrize("text", ["", ":", "my-app:main", "myapp:", "a:b:c", "1a:b", "a..b:c", "myapp:main(1)", "a b"])
def test_a_malformed_target_is_one_sentence(text: str) -> None:
    with pytest.raises(UsageError, match=r"^.+ is not a target; write module:attribute, as in .+$"):
        parse_target(text)


def test_a_file_name_is_not_a_target() -> None:
    with pytest.raises(UsageError, match=r"as in web\.main:server$"):
        parse_target("./web/main.py:server")


async def asgi_function(scope: Any, receive: Any, send: Any) -> None: ...
def wsgi_function(environ: Any, start_response: Any) -> list[bytes]: ...  # type: ignore[empty-body]
def double(scope: Any) -> Any: ...
def needs_one(argument: int) -> None: ...
def plain() -> None: ...
async def amain() -> None: ...
async def adds(scope: Any, receive: Any, send: Any, extra: int) -> None: ...


class AsgiObject:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


class PlainAsgiObject:
    def __call__(self, scope: Any, receive: Any, send: Any) -> Any: ...


class DoubleClass:
    def __init__(self, scope: Any) -> None: ...
    async def __call__(self, receive: Any, send: Any) -> None: ...


class WsgiObject:
    def __call__(self, environ: Any, start_response: Any) -> Any: ...


class WsgiClass:
    def __init__(self, environ: Any, start_response: Any) -> None: ...


def wrapper(*args: Any, **kwargs: Any) -> Any: ...


@pytest.mark.parametrize(
    ("thing", "kind"),
    [
        (FastAPI(), Kind.ASGI),
        (asgi_function, Kind.ASGI),
        (AsgiObject(), Kind.ASGI),
        (PlainAsgiObject(), Kind.ASGI),
        (functools.partial(adds, extra=1), Kind.ASGI),
        (double, Kind.ASGI),
        (DoubleClass, Kind.ASGI),
        (Flask("x"), Kind.WSGI),
        (wsgi_function, Kind.WSGI),
        (WsgiObject(), Kind.WSGI),
        (WsgiClass, Kind.WSGI),
        (wrapper, Kind.WSGI),
        (plain, Kind.FUNCTION),
        (AsgiObject, Kind.FUNCTION),
        (amain, Kind.COROUTINE),
        (needs_one, None),
        (3, None),
        (sys, None),
    ],
)
def test_kinds(thing: object, kind: Kind | None) -> None:
    assert kind_of(thing) is kind


def test_an_asgi_2_app_is_called_once() -> None:
    seen: list[object] = []

    class Old:
        def __init__(self, scope: Any) -> None:
            self.scope = scope

        async def __call__(self, receive: Any, send: Any) -> None:
            seen.extend([self.scope, receive, send])

    async def call() -> None:
        await as_asgi(Old)("scope", "receive", "send")

    asyncio.run(call())
    assert seen == ["scope", "receive", "send"]


def factory() -> object:
    return AsgiObject()


def main() -> object:
    return factory()


def constant() -> int:
    plain()
    return 3


def test_what_may_be_a_factory() -> None:
    assert may_be_factory(factory)
    assert may_be_factory(AsgiObject)
    assert may_be_factory(functools.partial(needs_one, 1))
    assert not may_be_factory(main)
    assert not may_be_factory(plain)
    assert not may_be_factory(constant)


def test_a_dotted_attribute(project: Path) -> None:
    write(
        project / "dotted" / "web.py",
        "from types import SimpleNamespace as N\nimport fastapi\na = N(b=fastapi.FastAPI())",
    )
    target = load_target("dotted.web:a.b")
    assert (target.kind, target.text) == (Kind.ASGI, "dotted.web:a.b")
    assert target.app is target.resolve() is sys.modules["dotted.web"].a.b


def test_a_bare_module_has_an_attribute_of_a_usual_name(project: Path) -> None:
    write(project / "bare.py", "import flask\napplication = flask.Flask('x')\ndef main(): pass")
    target = load_target("bare")
    assert (target.kind, target.text) == (Kind.WSGI, "bare:application")


def test_a_bare_module_without_one(project: Path) -> None:
    write(project / "empty.py", "app = None")
    with pytest.raises(UsageError, match=r"empty\.py has none of app, application, .* as in empty:server$"):
        load_target("empty")


def test_a_missing_module_offers_close_ones(project: Path) -> None:
    write(project / "backend.py", "")
    write(project / "shop" / "__init__.py", "")
    write(project / "shop" / "views.py", "")
    with pytest.raises(UsageError, match=rf"^there is no module 'backand' in {project}; did you mean backend:app\?$"):
        load_target("backand:app")
    with pytest.raises(UsageError, match=r"^there is no module 'shop\.vews' in .*; did you mean shop\.views:app\?$"):
        load_target("shop.vews:app")
    with pytest.raises(UsageError, match=r"^there is no module 'backend\.web'"):
        load_target("backend.web:app")


def test_a_module_that_a_module_misses_is_the_users_error(project: Path) -> None:
    write(project / "broken.py", "\nimport missing_from_broken\n")
    with pytest.raises(UserCodeError, match="No module named 'missing_from_broken'") as raised:
        load_target("broken:app")
    assert (raised.value.file, raised.value.line) == (str(project / "broken.py"), 2)


def test_a_missing_attribute_offers_close_ones(project: Path) -> None:
    write(project / "near.py", "Application = application = aplication = print\n")
    with pytest.raises(
        UsageError, match=r"^near \(.*near\.py\) has no attribute 'aplicatoin'; did you mean aplication"
    ):
        load_target("near:aplicatoin")
    with pytest.raises(UsageError, match=r"near:application \(a builtin_function_or_method\) has no attribute 'x'$"):
        load_target("near:application.x")


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("app = 3", r"^wrong:app is an int, which cannot be called"),
        ("app = None", r"^wrong:app is None, which cannot be called"),
        ("import sys as app", r"^wrong:app is a module, which cannot be called"),
        ("def app(one): pass", r"^wrong:app is a function that needs arguments"),
    ],
)
def test_what_is_no_app(project: Path, source: str, problem: str) -> None:
    write(project / "wrong.py", source)
    with pytest.raises(UsageError, match=problem):
        load_target("wrong:app")


def test_a_module_that_exits_is_the_users_error(project: Path) -> None:
    write(project / "exits.py", "import sys\nsys.exit(3)")
    with pytest.raises(UserCodeError, match="SystemExit: 3"):
        load_target("exits:app")


def test_a_factory_is_called_and_its_app_taken(project: Path) -> None:
    write(project / "made.py", "import flask\ndef create_app():\n    return flask.Flask('x')")
    target = load_target("made:create_app")
    assert (target.kind, target.is_factory) == (Kind.FUNCTION, False)
    app = target.call()
    assert (target.kind, target.is_factory, target.app) == (Kind.WSGI, True, app)


def test_a_forced_factory_must_give_an_app(project: Path) -> None:
    write(project / "forced.py", "def build():\n    return 3\n")
    with pytest.raises(UsageError, match="was to be a factory, but it returned an int"):
        load_target("forced:build", factory=True).call()


def test_a_factory_is_called_again_when_what_it_ran_was_touched(project: Path) -> None:
    write(project / "helper.py", "def name():\n    return 'x'\n")
    write(project / "again.py", "import flask, helper\ndef create_app():\n    return flask.Flask(helper.name())")
    target = load_target("again:create_app")
    first = target.call()
    assert target.renew() is target.build
    ran: set[str] = set()

    def touches(footprint: Footprint) -> bool:
        ran.update(key.qualname for key in footprint.functions)
        return True

    target.touches = touches
    renewed = target.renew()
    assert renewed.made is not first
    assert ran == {"create_app", "name"}
    target.adopt(renewed)
    assert target.app is renewed.made


def test_an_app_that_was_replaced_is_found(project: Path) -> None:
    write(project / "swapped.py", "import flask\napp = flask.Flask('x')")
    target = load_target("swapped:app")
    assert target.renew().made is target.app
    other = FastAPI()
    vars(sys.modules["swapped"])["app"] = other
    assert target.renew().made is other
    vars(sys.modules["swapped"])["app"] = 3
    with pytest.raises(UsageError, match="is an int"):
        target.renew()
