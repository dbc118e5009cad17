"""Both ends of a case: upstreams of a few lines, and clients, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import aiohttp
from aiohttp import web

from benchmarks.rig.events import CREATED
from benchmarks.scoreboard.stand import Proxy

__all__ = ["Behaviour", "Clients", "Websocket", "clients", "greet_and_echo", "upstream"]

Websocket: TypeAlias = web.WebSocketResponse[Any]
Behaviour: TypeAlias = Callable[[Websocket], Awaitable[None]]


@asynccontextmanager
async def upstream(behave: Behaviour, *, port: int = 0) -> AsyncIterator[str]:
    """Serve websockets, each treated with *behave*, while the block runs; yield the root address."""

    async def handler(request: web.Request) -> web.StreamResponse:
        websocket = web.WebSocketResponse(compress=False, max_msg_size=0)
        try:
            await websocket.prepare(request)
        except ConnectionResetError:  # a proxy that dials elsewhere, too, has left
            return web.Response()
        await behave(websocket)
        return websocket

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def greet_and_echo(websocket: Websocket) -> None:
    """Open the session, then send everything back."""
    await websocket.send_str(CREATED.decode())
    async for message in websocket:
        if message.type is aiohttp.WSMsgType.TEXT:
            await websocket.send_str(message.data)
        else:
            await websocket.send_bytes(message.data)


class Clients:
    """Opens sessions at a proxy.

    Args:
        http: What dials.
        proxy: What is dialled.
    """

    def __init__(self, http: aiohttp.ClientSession, proxy: Proxy) -> None:
        self.http = http
        self.proxy = proxy

    def open(self, **options: Any) -> Any:
        """Return aiohttp's context of one websocket."""
        return self.http.ws_connect(
            self.proxy.url + self.proxy.path, headers=self.proxy.headers, max_msg_size=0, **options
        )


@asynccontextmanager
async def clients(proxy: Proxy) -> AsyncIterator[Clients]:
    """Yield what opens sessions; without a limit on how many."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        yield Clients(http, proxy)
