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
from realtime_lb.server.admin import create_admin_app
from realtime_lb.server.app import create_app
from realtime_lb.server.runner import Runner
from realtime_lb.transports.lanes import LaneName

__all__ = ["listening", "listening_admin", "wait_for_signal"]

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
    lane: LaneName | None = None,
    reuse_port: bool = False,
) -> AsyncIterator[str]:
    """Serve *router* on a port while the block runs, and close both on leaving it.

    The order of leaving matters: no new connections, then goodbye to live sessions, then the rest. aiohttp's
    own clean-up would stop hearing its clients first. To let live sessions go on for a while, await
    ``router.aclose(drain_admit_s=..., drain_timeout_s=...)`` inside the block: it stops listening as soon as
    the router admits nobody any more.

    Args:
        router: Places the sessions. Closed on leaving the block.
        host: Address or name to listen on.
        port: Port to listen on; 0 takes a free one.
        ssl_context: For ``https`` and ``wss``.
        authenticator: As for `create_app`.
        lane: As for `create_app`.
        reuse_port: Share the port with other processes that listen on it so.

    Yields:
        The root URL, with the port that it really got.

    Raises:
        OSError: The port cannot be had.
        MissingExtra: *lane* is ``fast``, and picows is not installed.
    """
    app = create_app(router, authenticator=authenticator, lane=lane)
    async with _running(app) as runner:
        try:
            async with (
                _bound(runner, host, port, ssl_context, reuse_port=reuse_port) as (site, url),
                _stopped_when_closing(site, router),
            ):
                yield url
        finally:
            await router.aclose()


@asynccontextmanager
async def listening_admin(
    router: RealtimeRouter,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    ssl_context: ssl.SSLContext | None = None,
    authenticator: Authenticator | None = None,
) -> AsyncIterator[str]:
    """Answer operators' questions about *router* on a port while the block runs.

    Around the block of `listening`, it can still be asked while live sessions end.

    Args:
        router: What is asked about. Stays open on leaving the block.
        host: Address or name to listen on. Without a master key, one that only operators reach.
        port: Port to listen on; 0 takes a free one.
        ssl_context: For ``https``.
        authenticator: As for `create_admin_app`.

    Yields:
        The root URL, with the port that it really got.

    Raises:
        OSError: The port cannot be had.
    """
    app = create_admin_app(router, authenticator)
    async with _running(app) as runner, _bound(runner, host, port, ssl_context) as (_, url):
        yield url


@asynccontextmanager
async def _running(app: web.Application) -> AsyncIterator[web.AppRunner]:
    runner = Runner(
        app,
        handle_signals=False,
        access_log=None,  # one line when a session opens and one when it closes say more
        keepalive_timeout=KEEPALIVE_S,
        shutdown_timeout=SHUTDOWN_S,
    )
    await runner.setup()
    try:
        yield runner
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _bound(
    runner: web.AppRunner,
    host: str,
    port: int,
    ssl_context: ssl.SSLContext | None,
    *,
    reuse_port: bool = False,
) -> AsyncIterator[tuple[web.TCPSite, str]]:
    """Take connections until the site is stopped, or the block left; those that are there outlive it."""
    site = web.TCPSite(
        runner, host, port, ssl_context=ssl_context, backlog=BACKLOG, reuse_port=reuse_port or None
    )
    await site.start()
    try:
        bound = runner.addresses[0]
        scheme = "http" if ssl_context is None else "https"
        yield site, f"{scheme}://{_bracketed(bound[0])}:{bound[1]}"
    finally:
        if site in runner.sites:
            await site.stop()


@asynccontextmanager
async def _stopped_when_closing(site: web.TCPSite, router: RealtimeRouter) -> AsyncIterator[None]:
    """Stop *site* as soon as *router* admits nobody any more, if that comes while the block runs."""

    async def watch() -> None:
        await router.until_closing()
        await site.stop()

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait({watching})


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
