"""WSGI apps, served through a2wsgi by the same server as ASGI apps."""

from __future__ import annotations

from typing import Any

from pepperpy_reload.errors import SurroundingsError
from pepperpy_reload.serving.kinds import AsgiApp

INSTALL = 'pip install "pepperpy-reload[serve]"'


def from_wsgi(app: Any) -> AsgiApp:
    """`app` as an ASGI app that runs each request in a thread; SurroundingsError without a2wsgi."""
    try:
        from a2wsgi import WSGIMiddleware
    except ModuleNotFoundError:
        raise SurroundingsError(f"serving a WSGI app needs a2wsgi: {INSTALL}") from None
    see_to_templates(app)
    adapter: AsgiApp = WSGIMiddleware(app)

    async def without_lifespan(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":  # the adapter would answer for an app that has none
            await adapter(scope, receive, send)

    return without_lifespan


def see_to_templates(app: Any) -> None:
    """Have a Flask app look at its templates' files: it trusts its cache for ever unless it is in debug mode."""
    config = getattr(app, "config", None)
    if not isinstance(config, dict) or "TEMPLATES_AUTO_RELOAD" not in config:
        return
    if config["TEMPLATES_AUTO_RELOAD"] is None:
        config["TEMPLATES_AUTO_RELOAD"] = True
        environment = vars(app).get("jinja_env")  # made at its first use, with the setting of that moment
        if environment is not None:
            environment.auto_reload = True
