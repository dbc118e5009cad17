"""A server process: listen, serve until told to stop, leave in good order."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from realtime_lb.abc import Authenticator
from realtime_lb.router import RealtimeRouter
from realtime_lb.server.app import create_app

__all__ = ["listening", "wait_for_signal"]

BACKLOG = 4096
"""Connections that may wait while the loop is busy. At aiohttp's 128, 2,000 dials at once wait a second."""

KEEPALIVE_S = 15.0
"""Also how long a socket may take to finish a request's head."""

SHUTDOWN_S = 1.0
"""For requests under way when all sessions have ended. aiohttp waits twice as long as it is told."""


@asynccontextmanager
async def listening(
    router: RealtimeRouter,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    ssl_context: ssl.SSLContext | None = None,
    authenticator: Authenticator | None = None,
) -> AsyncIterator[str]:
    """Serve *router* on a port while the block runs, and close both on leaving it.

    The order of leaving matters: no new connections, then goodbye to live sessions, then the rest. aiohttp's
    own clean-up would stop hearing its clients first.

    Args:
        router: Places the sessions. Closed on leaving the block.
        host: Address or name to listen on.
        port: Port to listen on; 0 takes a free one.
        ssl_context: For ``https`` and ``wss``.
        authenticator: As for `create_app`.

    Yields:
        The root URL, with the port that it really got.

    Raises:
        OSError: The port cannot be had.
    """
    runner = web.AppRunner(
        create_app(router, authenticator=authenticator),
        handle_signals=False,
        access_log=None,  # one line when a session opens and one when it closes say more
        keepalive_timeout=KEEPALIVE_S,
        shutdown_timeout=SHUTDOWN_S,
    )
    await runner.setup()
    site = web.TCPSite(runner, host, port, ssl_context=ssl_context, backlog=BACKLOG)
    try:
        await site.start()
        try:
            bound = runner.addresses[0]
            scheme = "http" if ssl_context is None else "https"
            yield f"{scheme}://{_bracketed(bound[0])}:{bound[1]}"
        finally:
            await site.stop()
    finally:
        try:
            await router.aclose()
        finally:
            await runner.cleanup()


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


async def wait_for_signal() -> None:
    """Return on SIGTERM or SIGINT. Only a process of its own calls this, never a library's user."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    try:
        await told.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
