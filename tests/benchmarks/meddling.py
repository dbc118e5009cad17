"""A relay that does to the ninth uplink frame what no proxy may do."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestServer

Meddle = Callable[[int, str], list[str]]
"""Takes an uplink frame's number and text; returns what to send on."""

Socket = web.WebSocketResponse[Any] | ClientWebSocketResponse[Any]

NINTH = 8


def nothing(_number: int, text: str) -> list[str]:
    return [text]


def drop(number: int, text: str) -> list[str]:
    return [] if number == NINTH else [text]


def repeat(number: int, text: str) -> list[str]:
    return [text, text] if number == NINTH else [text]


def damage(number: int, text: str) -> list[str]:
    return [text.replace('"audio":"', '"audio":"AAAA', 1)] if number == NINTH else [text]


def rewrite(number: int, text: str) -> list[str]:
    return [json.dumps(json.loads(text))] if number == NINTH else [text]


class Swap:
    """Holds the ninth frame back until the tenth has gone."""

    def __init__(self) -> None:
        self.held: list[str] = []

    def __call__(self, number: int, text: str) -> list[str]:
        if number == NINTH:
            self.held = [text]
            return []
        held, self.held = self.held, []
        return [text, *held]


@asynccontextmanager
async def meddling(meddle: Meddle, upstream_port: int) -> AsyncIterator[str]:
    """Relay while the block runs; yield the URL."""

    async def relay(request: web.Request) -> web.StreamResponse:
        url = f"http://127.0.0.1:{upstream_port}/v1/realtime"
        async with ClientSession() as session, session.ws_connect(url) as upstream:
            downstream = web.WebSocketResponse()
            await downstream.prepare(request)
            ways = [copy(downstream, upstream, meddle), copy(upstream, downstream, nothing)]
            await asyncio.gather(*ways)
        return downstream

    application = web.Application()
    application.router.add_get("/v1/realtime", relay)
    async with TestServer(application) as server:
        yield f"ws://127.0.0.1:{server.port}/v1/realtime"


async def copy(source: Socket, sink: Socket, meddle: Meddle) -> None:
    number = 0
    async for message in source:
        assert message.type is WSMsgType.TEXT
        for text in meddle(number, message.data):
            await sink.send_str(text)
        number += 1
    await sink.close()
