"""The tools that reload an app, ours and those of others, each started as its own documentation says."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from tests.bench.served import HOST, Served

PLAIN = "uvicorn"
"""What reloads nothing, and is what throughput is compared with."""
HMR = "import uvicorn_hmr; uvicorn_hmr.app()"
HUPPER = "import hupper.cli; hupper.cli.main()"
FLASK = """
import sys

import flask
import main

app = flask.Flask(__name__)


@app.get("/")
def index():
    return flask.jsonify(main.answer())


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]), use_reloader=True, reloader_type="stat", threaded=True)
"""
DJANGO = """
import main
from django.http import JsonResponse
from django.urls import path

ALLOWED_HOSTS = ["*"]
DEBUG = True
ROOT_URLCONF = "served_by_django"
SECRET_KEY = "bench"
urlpatterns = [path("", lambda request: JsonResponse(main.answer()))]
"""


def _uvicorn(folder: Path, *before: str) -> Served:
    return Served(
        folder, *before, "uvicorn", "main:app", "--no-access-log", "--log-level", "warning", "--port", "{port}"
    )


def _hmr(folder: Path) -> Served:
    return Served(folder, "-c", HMR, "main:app", "--host", HOST, "--port", "{port}", "--log-level", "warning")


def _granian(folder: Path) -> Served:
    return Served(folder, *"-m granian --interface asgi --reload --log-level warning main:app --port {port}".split())


def _watchfiles(folder: Path) -> Served:
    command = "-m uvicorn main:app --no-access-log --log-level warning --port {port}"
    return Served(folder, "-m", "watchfiles", f"{shlex.quote(sys.executable)} {command}", ".")


def _flask(folder: Path) -> Served:
    """With its reloader that looks at times: the one over watchdog sees nothing with watchdog 7.1."""
    (folder / "served_by_flask.py").write_text(FLASK)
    return Served(folder, "served_by_flask.py", "{port}")


def _django(folder: Path) -> Served:
    (folder / "served_by_django.py").write_text(DJANGO)
    return Served(folder, *"-m django runserver --skip-checks --settings served_by_django {port}".split())


TOOLS: dict[str, Callable[[Path], Served]] = {
    "pepperpy-reload": lambda folder: Served.tool(folder, "main:app"),
    "jurigged": lambda folder: _uvicorn(folder, "-m", "jurigged", "-m"),
    "uvicorn-hmr": _hmr,
    "granian --reload": _granian,
    "uvicorn --reload": lambda folder: Served.uvicorn(folder, "main:app", "--reload"),
    "hupper": lambda folder: _uvicorn(folder, "-c", HUPPER, "-m"),
    "watchfiles": _watchfiles,
    "Flask's reloader (stat)": _flask,
    "django runserver": _django,
    PLAIN: lambda folder: Served.uvicorn(folder, "main:app"),
}
"""Each in an environment that has it; `granian`, the module's name, tells whether it is there."""
MODULES = {"Flask's reloader (stat)": "flask", "django runserver": "django"}


def installed() -> list[str]:
    """The tools that this environment has."""
    return [name for name in TOOLS if find_spec(MODULES.get(name, name.split()[0].replace("-", "_")))]
