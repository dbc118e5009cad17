"""Connected pairs of connections, one maker for each transport."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trustme
from aiohttp import web

from realtime_lb import Tls
from realtime_lb.abc import Connection
from realtime_lb.requests import DialRequest
from realtime_lb.settings import LimitSettings
from realtime_lb.transports.aiohttp_transport import AiohttpTransport
from realtime_lb.transports.aiohttp_upgrade import accept_websocket
from realtime_lb.transports.memory import memory_pair

MIB = 1024 * 1024
LIMITS = LimitSettings(max_message_bytes=MIB, close_timeout_s=0.5)


@asynccontextmanager
async def memory() -> AsyncIterator[tuple[Connection, Connection]]:
    yield memory_pair(max_message_bytes=MIB)


@asynccontextmanager
async def aiohttp_pair(
    limits: LimitSettings = LIMITS, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Connection, Connection]]:
    """A dialled connection and the server's end of the same socket."""
    accepted: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        websocket, connection = await accept_websocket(request, limits)
        accepted.set_result(connection)
        await over.wait()
        return websocket

    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    transport = AiohttpTransport(limits)
    try:
        scheme = "ws" if tls is None else "wss"
        url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}/"
        dialled = await transport.connect(DialRequest(url=url, tls=Tls(verify=tls is None)), 5.0)
        yield dialled, await accepted
    finally:
        over.set()
        await transport.aclose()
        await runner.cleanup()


@asynccontextmanager
async def aiohttp_pair_reversed() -> AsyncIterator[tuple[Connection, Connection]]:
    """The same, seen from the server."""
    async with aiohttp_pair() as (dialled, accepted):
        yield accepted, dialled


@asynccontextmanager
async def aiohttp_pair_over_tls() -> AsyncIterator[tuple[Connection, Connection]]:
    """The same through TLS, which has buffers of its own."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with aiohttp_pair(tls=context) as pair:
        yield pair


PAIRS = {
    "memory": memory,
    "aiohttp dialled": aiohttp_pair,
    "aiohttp accepted": aiohttp_pair_reversed,
    "aiohttp over tls": aiohttp_pair_over_tls,
}
