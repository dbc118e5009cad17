"""Connected pairs of connections, one maker for each transport."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from realtime_lb.abc import Connection
from realtime_lb.requests import DialRequest
from realtime_lb.settings import LimitSettings
from realtime_lb.transports.aiohttp_connection import accept_websocket
from realtime_lb.transports.aiohttp_transport import AiohttpTransport
from realtime_lb.transports.memory import memory_pair

MIB = 1024 * 1024
LIMITS = LimitSettings(max_message_bytes=MIB, close_timeout_s=0.5)


@asynccontextmanager
async def memory() -> AsyncIterator[tuple[Connection, Connection]]:
    yield memory_pair(max_message_bytes=MIB)


@asynccontextmanager
async def aiohttp_pair(limits: LimitSettings = LIMITS) -> AsyncIterator[tuple[Connection, Connection]]:
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
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    transport = AiohttpTransport(limits)
    try:
        dialled = await transport.connect(DialRequest(url=f"ws://127.0.0.1:{runner.addresses[0][1]}/"), 5.0)
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


PAIRS = {"memory": memory, "aiohttp dialled": aiohttp_pair, "aiohttp accepted": aiohttp_pair_reversed}
