"""A server process: listen, serve until told to stop, leave in good order."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from realtime_lb.abc import Authenticator
from realtime_lb.accepting import Accepting
from realtime_lb.router import RealtimeRouter
from realtime_lb.server.admin import create_admin_app
from realtime_lb.server.app import create_app
from realtime_lb.server.listener import Arrivals, bound_sockets, taking
from realtime_lb.server.runner import Runner
from realtime_lb.transports.aiohttp_pace import MOST_EARLY_READ_BYTES, Sips
from realtime_lb.transports.lanes import LaneName

__all__ = ["listening", "listening_admin", "wait_for_signal"]

SHUTDOWN_S = 1.0
"""For requests under way when all sessions have ended. aiohttp waits twice as long as it is told."""

MOST_EARLY_BYTES = 64 * 1024
"""Held of what a client says before it is answered; behind the read that passes that, it is not read on."""


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

    Needs a loop that watches sockets: every one but what Windows has by default.

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
    async with _running(app, router) as runner:
        try:
            async with (
                _bound(runner, router, host, port, ssl_context, reuse_port=reuse_port) as (listener, url),
                _stopped_when_closing(listener, router),
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
    async with (
        _running(app, router) as runner,
        _bound(runner, router, host, port, ssl_context) as (_, url),
    ):
        yield url


@asynccontextmanager
async def _running(app: web.Application, router: RealtimeRouter) -> AsyncIterator[web.AppRunner]:
    runner = Runner(
        app,
        handle_signals=False,
        access_log=None,  # one line when a session opens and one when it closes say more
        tcp_keepalive=False,  # who listens has it, and so has whoever is taken
        keepalive_timeout=router.settings.server.head_timeout_s,
        lingering_time=router.settings.server.head_timeout_s,  # for a body that nobody reads
        shutdown_timeout=SHUTDOWN_S,
        read_bufsize=MOST_EARLY_BYTES,
    )
    await runner.setup()
    try:
        yield runner
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _bound(
    runner: web.AppRunner,
    router: RealtimeRouter,
    host: str,
    port: int,
    ssl_context: ssl.SSLContext | None,
    *,
    reuse_port: bool = False,
) -> AsyncIterator[tuple[Accepting, str]]:
    """Take connections until the listener is stopped, or the block left; those that are there outlive it."""
    server = runner.server
    assert server is not None  # noqa: S101  # it is set up
    settings = router.settings
    arrivals = Arrivals(
        protocol=lambda: Sips(server(), MOST_EARLY_READ_BYTES),
        tls=ssl_context,
        head_timeout_s=settings.server.head_timeout_s,
        stall_timeout_s=settings.limits.stall_timeout_s,
    )
    sockets = await bound_sockets(host, port, reuse_port=reuse_port)
    address, number = sockets[0].getsockname()[:2]
    async with taking(sockets, arrivals) as listener:
        scheme = "http" if ssl_context is None else "https"
        yield listener, f"{scheme}://{_bracketed(address)}:{number}"


@asynccontextmanager
async def _stopped_when_closing(listener: Accepting, router: RealtimeRouter) -> AsyncIterator[None]:
    """Stop *listener* as soon as *router* admits nobody any more, if that comes while the block runs."""

    async def watch() -> None:
        await router.until_closing()
        listener.stop()

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
