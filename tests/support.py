"""A stage for the stories: upstreams of a few lines, and a gateway in front of them, over real sockets."""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from attrs import define, evolve

from realtime_lb import Deployment, LoggingSettings, RealtimeRouter, Secret, Settings
from realtime_lb.records import Record, SessionClosed, SessionOpened
from realtime_lb.server import listening
from realtime_lb.transports.lanes import LaneName, transport_for

SESSION_CREATED = '{"type":"session.created","event_id":"event_1","session":{"type":"realtime"}}'
LANE: LaneName = "fast"
"""Of the gateways on this stage; the fixture ``each_lane`` has a story told on both."""

QUIET = LoggingSettings(event_types=frozenset())

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}

Websocket = web.WebSocketResponse[Any]
Behaviour = Callable[[Websocket], Awaitable[None]]


@asynccontextmanager
async def upstream(
    behave: Behaviour, *, decode_text: bool = True, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """A websocket server that treats each connection with *behave*; yields its base URL."""

    async def handler(request: web.Request) -> web.StreamResponse:
        websocket = web.WebSocketResponse(compress=False, max_msg_size=0, decode_text=decode_text)
        try:
            await websocket.prepare(request)
        except ConnectionResetError:  # a gateway whose client has left is gone, too
            return web.Response()
        await behave(websocket)
        return websocket

    async with http_server(handler, tls) as url:
        yield url


@asynccontextmanager
async def http_server(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096, ssl_context=tls).start()
        scheme = "http" if tls is None else "https"
        yield f"{scheme}://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


async def greet_and_echo(websocket: Websocket) -> None:
    """Open the session, then send everything back."""
    await websocket.send_str(SESSION_CREATED)
    async for message in websocket:
        if message.type is aiohttp.WSMsgType.TEXT:
            await websocket.send_str(message.data)
        else:
            await websocket.send_bytes(message.data)


def deployment(name: str, url: str, **attributes: Any) -> Deployment:
    return Deployment(
        id=name,
        model_group=attributes.pop("model_group", "voice"),
        model="gpt-realtime",
        provider="openai_compatible",
        api_base=url,
        api_key=Secret("upstream-key"),
        **attributes,
    )


class Records:
    """A sink that can be waited on."""

    def __init__(self) -> None:
        self.all: list[Record] = []
        self._news = asyncio.Event()

    def __call__(self, record: Record) -> None:
        self.all.append(record)
        self._news.set()

    @property
    def opened(self) -> list[SessionOpened]:
        return [record for record in self.all if isinstance(record, SessionOpened)]

    @property
    def closed(self) -> list[SessionClosed]:
        return [record for record in self.all if isinstance(record, SessionClosed)]

    async def until(self, happened: Callable[[], bool]) -> None:
        """Wait for the record after which *happened* is true."""
        while not happened():
            self._news.clear()
            await self._news.wait()

    async def all_closed(self, count: int) -> list[SessionClosed]:
        """Wait for *count* closing records, and return them."""
        await self.until(lambda: len(self.closed) >= count)
        return self.closed


@define
class Gateway:
    """A listening gateway, what it told, and the means to open sessions to it."""

    router: RealtimeRouter
    url: str
    http: aiohttp.ClientSession
    told: Records

    def open(self, path: str = "/v1/realtime?model=voice", **options: Any) -> Any:
        return self.http.ws_connect(self.url + path, max_msg_size=0, **options)


@asynccontextmanager
async def gateway(
    *deployments: Deployment, seed: int = 1, told: Records | None = None, **settings: Any
) -> AsyncIterator[Gateway]:
    """A router with *deployments* behind a server on a free port."""
    given = evolve(Settings(deployments=deployments, logging=QUIET), **settings)
    async with AsyncExitStack() as stack:
        told = told or Records()
        transport = transport_for(LANE, given.limits)
        router = RealtimeRouter(given, transport=transport, sinks=[told], rng=random.Random(seed))
        url = await stack.enter_async_context(listening(router, lane=LANE))
        connector = aiohttp.TCPConnector(limit=0)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        yield Gateway(router, url, http, told)
