"""What is served when nobody said it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pepperpy_reload.errors import UsageError
from pepperpy_reload.serving.discovery import discover, search_path

FLASK = "from flask import Flask\n"
MANAGE = 'import os\ndef main():\n    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_one.settings.dev")\n'


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"main.py": FLASK + "app = Flask('x')"}, "main:app"),
        ({"app.py": "def create_app(): ..."}, "app:create_app"),
        ({"wsgi.py": "from shop.web import make as application"}, "wsgi:application"),
        ({"asgi.py": "import x\napplication: object = x.y()"}, "asgi:application"),
        ({"main.py": "def main(): ...", "app.py": FLASK + "app = Flask('x')"}, "app:app"),
        ({"main.py": "async def main(): ..."}, "main:main"),
        ({"main.py": "def create_app(name): ...\ndef make_app(name='x'): ..."}, "main:make_app"),
        ({"main.py": FLASK + "app = None\nserver = Flask('x')"}, "main:server"),
        ({"main.py": "import flask\napplication = flask.Flask('x')\napp = 3"}, "main:application"),
        ({"main.py": "try:\n    import x\nexcept ImportError:\n    app = 1"}, "main:app"),
        ({"main.py": "if __name__ == '__main__':\n    app = 1", "app.py": "app = 1"}, "app:app"),
        ({"main.py": "def f():\n    app = 1\n", "app.py": "app = 1"}, "app:app"),
        ({"main.py": "from fastapi import FastAPI\napp = FastAPI(\n"}, "main:app"),
        ({"main.py": "def create_app():\n    return (\n"}, "main:create_app"),
        ({"manage.py": MANAGE, "site_one/asgi.py": "", "site_one/wsgi.py": ""}, "site_one.asgi:application"),
        ({"manage.py": MANAGE, "site_one/wsgi.py": ""}, "site_one.wsgi:application"),
        ({"my_shop/__init__.py": "def create_app(): ..."}, "my_shop:create_app"),
        ({"my_shop/__init__.py": "", "my_shop/app.py": "app = 1"}, "my_shop.app:app"),
        ({"src/my_shop/main.py": "app = 1", "main.py": "def main(): ..."}, "my_shop.main:app"),
    ],
)
def test_what_is_found(tmp_path: Path, files: dict[str, str], found: str) -> None:
    base = tmp_path / "My-Shop"
    for name, text in files.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(text)
    before = set(sys.modules)
    assert discover(str(base)) == found
    assert set(sys.modules) == before


def test_nothing_found_names_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_bytes(b"\xff\xfe\x00 = \x00")
    with pytest.raises(UsageError) as raised:
        discover(str(tmp_path))
    text = str(raised.value)
    assert "\n" not in text
    for word in (str(tmp_path), "create_app", "main.py", "asgi.py", "manage.py", "pepperpy-reload serve myapp:app"):
        assert word in text


def test_src_comes_after_the_directory(tmp_path: Path) -> None:
    assert search_path(str(tmp_path)) == [str(tmp_path)]
    (tmp_path / "src").mkdir()
    assert search_path(str(tmp_path)) == [str(tmp_path), str(tmp_path / "src")]
    (tmp_path / "src" / "__init__.py").touch()
    assert search_path(str(tmp_path)) == [str(tmp_path)]
