"""The whole gateway as an aiohttp application."""

from __future__ import annotations

from aiohttp import web

from realtime_lb.abc import Authenticator
from realtime_lb.router import RealtimeRouter
from realtime_lb.server.door import close_refused, realtime_handler
from realtime_lb.server.pages import add_pages
from realtime_lb.transports.lanes import LaneName

__all__ = ["create_app"]

REALTIME_PATHS = (
    "/v1/realtime",  # OpenAI's SDKs with a base URL that ends in /v1
    "/realtime",  # and with one that does not
    "/openai/v1/realtime",  # Azure's GA shape
    "/openai/realtime",  # Azure's preview shape: api-version=, deployment=
)


def create_app(
    router: RealtimeRouter, *, authenticator: Authenticator | None = None, lane: LaneName | None = None
) -> web.Application:
    """Return an application with the realtime routes, health and model lists.

    Mount it with ``add_subapp`` or run it as you run yours; `listening` runs it by itself.

    Args:
        router: Places the sessions. Yours to close.
        authenticator: Tells who calls; None means the settings' ``master_key``, or everybody without one.
        lane: As for `realtime_handler`.

    Raises:
        MissingExtra: *lane* is ``fast``, and picows is not installed.
    """
    app = web.Application()
    app.on_response_prepare.append(close_refused)
    handler = realtime_handler(router, authenticator=authenticator, lane=lane)
    for path in REALTIME_PATHS:
        app.router.add_get(path, handler, allow_head=False)
    add_pages(app, router, authenticator)
    return app
