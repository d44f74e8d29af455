"""WSGI apps, served through a2wsgi by the same server as ASGI apps."""

from __future__ import annotations

from typing import Any

from pepperpy_reload.errors import SurroundingsError

INSTALL = 'pip install "pepperpy-reload[serve]"'


class WsgiAdapter:
    """A WSGI app as an ASGI app: each request runs in a thread of the adapter's own pool."""

    def __init__(self, app: Any) -> None:
        try:
            from a2wsgi import WSGIMiddleware
        except ModuleNotFoundError:
            raise SurroundingsError(f"serving a WSGI app needs a2wsgi: {INSTALL}") from None
        see_to_templates(app)
        self._adapter = WSGIMiddleware(app)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on. The lifespan protocol is not answered: a WSGI app has none."""
        if scope["type"] != "lifespan":
            await self._adapter(scope, receive, send)

    def close(self) -> None:
        """Let the threads go once they are idle."""
        self._adapter.executor.shutdown(wait=False)


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
