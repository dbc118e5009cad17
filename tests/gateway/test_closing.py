"""However one end leaves, the other hears of it in legal words, and nothing stays behind."""

import asyncio
import json
import socket
import struct
from typing import Any

import aiohttp
import pytest

from realtime_lb import LimitSettings, RehomeSettings
from realtime_lb.records import Fault
from tests.support import SESSION_CREATED, Websocket, deployment, gateway, greet_and_echo, upstream

pytestmark = pytest.mark.usefixtures("each_lane")


def close_with(code: int, reason: str) -> Any:
    async def behave(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        await websocket.send_str("last words")
        await websocket.close(code=code, message=reason.encode())

    return behave


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1012, 1013, 3000, 4000, 4999])
async def test_the_upstreams_close_reaches_the_client_as_it_is(code: int) -> None:
    async with (
        upstream(close_with(code, "why, indeed")) as url,
        gateway(deployment("a", url), rehome=RehomeSettings(enabled=False)) as gate,
        gate.open() as client,
    ):
        assert [(await client.receive()).data for _ in range(2)] == [SESSION_CREATED, "last words"]
        end = await client.receive()
        assert (end.type, end.data, end.extra) == (aiohttp.WSMsgType.CLOSE, code, "why, indeed")
        (record,) = await gate.told.all_closed(1)
    assert (record.close_code, record.close_reason) == (code, "why, indeed")
    assert record.fault is (Fault.NOBODY if code in {1000, 1001} else Fault.UPSTREAM)


@pytest.mark.parametrize("code", [1000, 1001, 1008, 3000, 4000, 4999])
async def test_the_clients_close_reaches_the_upstream_as_it_is(code: int) -> None:
    heard: asyncio.Future[tuple[int | None, str]] = asyncio.get_running_loop().create_future()

    async def behave(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        message = await websocket.receive()
        heard.set_result((websocket.close_code, message.extra or ""))

    async with (
        upstream(behave) as url,
        gateway(deployment("a", url)) as gate,
        gate.open(autoclose=False) as client,
    ):
        await client.receive()
        await client.close(code=code, message=b"enough")
        assert (await heard)[0] == code
        (record,) = await gate.told.all_closed(1)
    assert (record.close_code, record.close_reason) == (code, "enough")
    assert (record.from_client.frames, record.from_upstream.frames) == (0, 1)


def reset(websocket: Any) -> None:
    """End a connection as a crash does: RST, no goodbye."""
    raw = websocket.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer = websocket._writer
    writer.transport.abort()


async def test_a_client_whose_upstream_crashes_gets_an_error_event_and_1011() -> None:
    async def behave(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        await websocket.receive()
        reset(websocket)

    async with (
        upstream(behave) as url,
        gateway(deployment("a", url)) as gate,
        gate.open() as client,
    ):
        await client.receive()
        await client.send_str('{"type":"response.create"}')
        event = json.loads((await client.receive()).data)
        assert (event["type"], event["error"]["code"]) == ("error", "upstream_lost")
        end = await client.receive()
        assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 1011)
        (record,) = await gate.told.all_closed(1)
    assert (record.fault, record.error, record.close_code) == (Fault.UPSTREAM, "upstream_lost", 1011)


async def test_an_opaque_client_is_not_told_in_a_language_that_it_may_not_speak() -> None:
    async def behave(websocket: Websocket) -> None:
        await websocket.receive()
        reset(websocket)

    async with (
        upstream(behave) as url,
        gateway(deployment("a", url, opaque=True)) as gate,
        gate.open() as client,
    ):
        await client.send_bytes(b"\x00")
        end = await client.receive()
    assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 1011)


async def test_a_client_that_crashes_leaves_no_upstream_behind() -> None:
    heard: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def behave(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        async for _ in websocket:
            pass
        heard.set_result(websocket.close_code)

    async with upstream(behave) as url, gateway(deployment("a", url)) as gate:
        client = await gate.open()
        await client.receive()
        reset(client)
        assert await heard == 1000
        (record,) = await gate.told.all_closed(1)
        await client.close()
    assert record.fault is Fault.CLIENT
    assert [d.live_sessions for d in gate.router.snapshot().deployments] == [0]


async def test_a_message_over_the_limit_is_1009() -> None:
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url), limits=LimitSettings(max_message_bytes=1_000)) as gate,
        gate.open() as client,
    ):
        await client.receive()
        await client.send_str("x" * 1_001)
        end = await client.receive()
        assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 1009)
        (record,) = await gate.told.all_closed(1)
    assert (record.close_code, record.fault) == (1009, Fault.CLIENT)


async def test_a_router_that_closes_says_1001_to_both_ends() -> None:
    heard: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def behave(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        await websocket.receive()
        heard.set_result(websocket.close_code)

    async with upstream(behave) as url, gateway(deployment("a", url)) as gate:
        client = await gate.open()
        await client.receive()
        async with gate.http.get(gate.url + "/health/readiness") as response:
            assert response.status == 200
        closing = asyncio.create_task(gate.router.aclose())
        assert (await client.receive_json())["error"]["code"] == "shutting_down"
        end = await client.receive()
        assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 1001)
        await closing
        assert await heard == 1001
        async with gate.http.get(gate.url + "/health/readiness") as response:
            assert response.status == 503
        (record,) = gate.told.closed
        await client.close()
    assert record.fault is Fault.GATEWAY


async def test_a_client_that_leaves_during_the_dial_ends_the_dial() -> None:
    """The upstream is let go and its lease given back, though aiohttp tells a handler nothing of it."""
    dialled, left = asyncio.Event(), asyncio.Event()

    async def behave(websocket: Websocket) -> None:
        dialled.set()
        await websocket.receive()
        left.set()

    async with upstream(behave) as url, gateway(deployment("a", url)) as gate:
        opening = asyncio.create_task(gate.open().__aenter__())
        await dialled.wait()
        assert [d.live_sessions for d in gate.router.snapshot().deployments] == [1]
        opening.cancel()
        await left.wait()
        (record,) = await gate.told.all_closed(1)
    assert (record.error, record.fault, record.deployment) == ("client_closed", Fault.NOBODY, None)
    assert [d.live_sessions for d in gate.router.snapshot().deployments] == [0]


async def test_frames_sent_before_the_upstream_is_ready_arrive_in_order() -> None:
    """A client may speak at once: what comes with its handshake waits for the upstream."""
    dialled, go_on = asyncio.Event(), asyncio.Event()
    heard: list[str] = []

    async def behave(websocket: Websocket) -> None:
        dialled.set()
        await go_on.wait()
        await websocket.send_str(SESSION_CREATED)
        heard.extend([message.data async for message in websocket])

    async with upstream(behave) as url, gateway(deployment("a", url)) as gate:
        host, port = gate.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"GET /v1/realtime?model=voice HTTP/1.1\r\n"
            b"Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            + masked(event(0))
        )
        await dialled.wait()
        for number in range(1, 200):
            writer.write(masked(event(number)))
        await writer.drain()
        go_on.set()
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        writer.write(bytes([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8]))
        await gate.told.all_closed(1)
        writer.close()
    assert heard == [event(number) for number in range(200)]


def event(number: int) -> str:
    return f'{{"type":"n","n":{number}}}'


def masked(text: str) -> bytes:
    """A client's text frame, masked with zeros."""
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text.encode()
