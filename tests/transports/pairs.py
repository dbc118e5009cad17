"""Connected pairs of connections, one maker for each transport."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import partial
from typing import Any

import trustme
from aiohttp import web

from realtime_lb import Tls
from realtime_lb.abc import Connection, Transport
from realtime_lb.requests import DialRequest
from realtime_lb.settings import LimitSettings
from realtime_lb.transports.aiohttp_transport import AiohttpTransport
from realtime_lb.transports.aiohttp_upgrade import accept_websocket
from realtime_lb.transports.memory import memory_pair
from realtime_lb.transports.picows_transport import PicowsTransport
from realtime_lb.transports.picows_upgrade import accept_and_take_over

MIB = 1024 * 1024
LIMITS = LimitSettings(max_message_bytes=MIB, close_timeout_s=0.5)

Pair = tuple[Connection, Connection]
Dials = Callable[[LimitSettings], Transport]
Accepts = Callable[[web.Request, LimitSettings], Awaitable[tuple[web.StreamResponse, Any]]]


@asynccontextmanager
async def memory() -> AsyncIterator[Pair]:
    yield memory_pair(max_message_bytes=MIB)


@asynccontextmanager
async def served(
    accepts: Accepts, limits: LimitSettings, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, asyncio.Queue[Any]]]:
    """A server's port, and the connections that it has accepted; nothing is kept of those that are taken."""
    accepted: asyncio.Queue[Any] = asyncio.Queue()
    over = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response, connection = await accepts(request, limits)
        accepted.put_nowait(connection)
        del connection
        await over.wait()
        return response

    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        yield runner.addresses[0][1], accepted
    finally:
        over.set()
        await runner.cleanup()


@asynccontextmanager
async def socket_pair(
    dials: Dials, accepts: Accepts, limits: LimitSettings = LIMITS, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Pair]:
    """A dialled connection and the server's end of the same socket."""
    async with served(accepts, limits, tls) as (port, accepted), aclosing(dials(limits)) as transport:
        url = f"{'ws' if tls is None else 'wss'}://127.0.0.1:{port}/"
        dialled = await transport.connect(DialRequest(url=url, tls=Tls(verify=tls is None)), 5.0)
        ends = [dialled, await accepted.get()]
        del dialled
        yield ends.pop(0), ends.pop()


aiohttp_pair = partial(socket_pair, AiohttpTransport, accept_websocket)
picows_pair = partial(socket_pair, PicowsTransport, accept_and_take_over)
picows_dialled = partial(socket_pair, PicowsTransport, accept_websocket)
picows_accepted = partial(socket_pair, AiohttpTransport, accept_and_take_over)


def tls_server() -> ssl.SSLContext:
    """For a server that nobody has reason to trust."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


@asynccontextmanager
async def over_tls(pair: Callable[..., AbstractAsyncContextManager[Pair]]) -> AsyncIterator[Pair]:
    """The same through TLS, which has buffers of its own."""
    async with pair(tls=tls_server()) as ends:
        yield ends


@asynccontextmanager
async def seen_from_the_server(pair: Callable[..., AbstractAsyncContextManager[Pair]]) -> AsyncIterator[Pair]:
    async with pair() as (dialled, accepted):
        yield accepted, dialled


PAIRS: dict[str, Callable[[], AbstractAsyncContextManager[Pair]]] = {
    "memory": memory,
    "aiohttp dialled": aiohttp_pair,
    "aiohttp accepted": partial(seen_from_the_server, aiohttp_pair),
    "aiohttp over tls": partial(over_tls, aiohttp_pair),
    "picows dialled, aiohttp accepted": picows_dialled,
    "aiohttp accepted, picows dialled": partial(seen_from_the_server, picows_dialled),
    "aiohttp dialled, picows accepted": picows_accepted,
    "picows accepted, aiohttp dialled": partial(seen_from_the_server, picows_accepted),
    "picows dialled": picows_pair,
    "picows accepted": partial(seen_from_the_server, picows_pair),
    "picows over tls": partial(over_tls, picows_pair),
    "picows accepted over tls": partial(seen_from_the_server, partial(over_tls, picows_pair)),
}
