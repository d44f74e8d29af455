"""The projects that are edited: a FastAPI and a Flask app of seven modules each, with a database session and state."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

SHARED = {
    "settings.py": "RATE = 0\n",
    "state.py": "hits = {'n': 0}\n",
    "database.py": """
        import sqlite3

        connection = sqlite3.connect(":memory:", check_same_thread=False)
        connection.execute("create table visits (id integer primary key)")


        class Session:
            def visits(self):
                return connection.execute("select count(*) from visits").fetchone()[0]

            def visit(self):
                connection.execute("insert into visits default values")
    """,
    "models.py": """
        from settings import RATE


        class Price:
            def __init__(self, net):
                self.net = net

            def label(self):
                return "label 0"

            def gross(self):
                return self.net + FACTOR


        FACTOR = RATE * 2
        live = Price(1)
    """,
    "news.py": """
        import os

        import database
        import models
        import state

        session = database.Session()


        def news():
            state.hits["n"] += 1
            session.visit()
            return {
                "body": 0,
                "gross": models.live.gross(),
                "label": models.live.label(),
                "hits": state.hits["n"],
                "visits": session.visits(),
                "connection": id(database.connection),
                "pid": os.getpid(),
            }
    """,
    "templates/page.html": "<p>page 0 of {{ name }}</p>\n",
}
FASTAPI = {
    "main.py": """
        from contextlib import asynccontextmanager

        from fastapi import FastAPI

        import state
        from routes import router


        @asynccontextmanager
        async def lifespan(app):
            state.hits.setdefault("starts", 0)
            state.hits["starts"] += 1
            yield


        app = FastAPI(lifespan=lifespan)
        app.include_router(router)
    """,
    "routes.py": """
        from fastapi import APIRouter, Request
        from fastapi.templating import Jinja2Templates

        from news import news

        router = APIRouter()
        templates = Jinja2Templates("templates")


        @router.get("/")
        async def index():
            return {**news(), "handler": 0}


        @router.get("/page")
        def page(request: Request):
            return templates.TemplateResponse(request, "page.html", {"name": "FastAPI"})
    """,
}
FLASK = {
    "main.py": """
        from flask import Flask

        from routes import pages

        app = Flask(__name__)
        app.register_blueprint(pages)
    """,
    "routes.py": """
        from flask import Blueprint, render_template

        from news import news

        pages = Blueprint("pages", __name__)


        @pages.get("/")
        def index():
            return {**news(), "handler": 0}


        @pages.get("/page")
        def page():
            return render_template("page.html", name="Flask")
    """,
}
PROJECTS = {"FastAPI": FASTAPI, "Flask": FLASK}
DECORATOR = {"FastAPI": "router", "Flask": "pages"}


@dataclass(frozen=True)
class Edit:
    """A save, and how its having been served is seen: `field` of the answer to `path` is `wanted`."""

    kind: str
    file: str
    old: str
    new: str
    path: str
    wanted: object
    field: str = ""


def write(framework: str, folder: Path) -> Path:
    """Write the project of that framework."""
    for name, text in {**SHARED, **PROJECTS[framework]}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip())
    return folder


def edits(framework: str, number: int) -> list[Edit]:
    """The `number`th edit of each kind."""
    before, n = number - 1, number
    route = f'\n\n@{DECORATOR[framework]}.get("/added{n}")\ndef added{n}():\n    return {{"added": {n}}}\n'
    handler, label, page = f'"handler": {n}', f"label {n}", f"page {n} of"
    return [
        Edit("handler body", "routes.py", f'"handler": {before}', handler, "/", n, "handler"),
        Edit("constant imported by name", "settings.py", f"RATE = {before}", f"RATE = {n}", "/", 1 + 2 * n, "gross"),
        Edit("class method", "models.py", f"label {before}", label, "/", label, "label"),
        Edit("new route", "routes.py", "", route, f"/added{n}", n, "added"),
        Edit("template", "templates/page.html", f"page {before} of", page, "/page", page),
    ]
