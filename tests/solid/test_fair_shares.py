"""Nobody's turn comes late for what others send, or hold."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from benchmarks.scoreboard.stand import Proxy
from benchmarks.scoreboard.wire import CLOSE, TEXT, Wire, frame, request, wire_upstream
from tests.support import SESSION_CREATED, Websocket, deployment, gateway, upstream

pytestmark = pytest.mark.usefixtures("each_lane")

_log = logging.getLogger(__name__)

NOISY = 10
PAD = "x" * 100_000
LARGE = f'{{"type":"noise","pad":"{PAD}"}}'
MOST_BETWEEN = 30 * NOISY
"""That reach their upstream while a word goes there and back: ten turns of the loop at most, in each of which
asyncio reads up to 256 KiB from every socket."""


async def test_a_small_event_waits_for_a_few_turns_of_its_noisy_neighbours_and_no_more() -> None:
    """Counted in what the others get through meanwhile, not in seconds."""
    taken = 0

    async def behave(websocket: Websocket) -> None:
        nonlocal taken
        await websocket.send_str(SESSION_CREATED)
        async for message in websocket:
            if "noise" in message.data[:20]:
                taken += 1
            else:
                await websocket.send_str(message.data)

    async with upstream(behave) as url, gateway(deployment("a", url)) as gate:
        noisy = [await gate.open() for _ in range(NOISY)]
        quiet = await gate.open()
        await quiet.receive()

        async def flood(client: Any) -> None:
            while True:
                await client.send_str(LARGE)

        floods = [asyncio.create_task(flood(client)) for client in noisy]
        between = []
        for number in range(15):
            before = taken
            await quiet.send_str(f'{{"type":"word","n":{number}}}')
            await quiet.receive()
            between.append(taken - before)
        for flooding in floods:
            flooding.cancel()
        await asyncio.wait(floods)
        for client in (*noisy, quiet):
            client._writer.transport.abort()
        await gate.told.all_closed(NOISY + 1)
    _log.info("between a word and its echo: %s", sorted(between))
    assert taken > NOISY, "nobody made a noise"
    assert sorted(between)[-2] <= MOST_BETWEEN


async def test_a_client_that_floods_before_it_is_answered_is_held_up_and_loses_nothing() -> None:
    dialled, go_on = asyncio.Event(), asyncio.Event()
    heard: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def before() -> None:
        dialled.set()
        await go_on.wait()

    async def behave(wire: Wire) -> None:
        messages, _ = await wire.until_goodbye()
        heard.set_result(len(messages))

    async with wire_upstream(behave, before) as url, gateway(deployment("a", f"{url}/v1")) as gate:
        there = Early(int(gate.url.rpartition(":")[2]), 0, Path("/dev/null"))
        reader, writer = await asyncio.open_connection("127.0.0.1", there.port, limit=2**16)
        writer.transport.set_write_buffer_limits(high=0)
        writer.write(request(there))
        await dialled.wait()
        large, said = frame(TEXT, LARGE.encode(), masked=True), 0
        with suppress(TimeoutError):
            while True:
                writer.write(large)
                said += 1
                async with asyncio.timeout(0.3):
                    await writer.drain()
        assert said * len(large) < 20_000_000, "nothing but the system's buffers held it up"
        go_on.set()
        await reader.readuntil(b"\r\n\r\n")
        await writer.drain()
        writer.write(frame(CLOSE, (1000).to_bytes(2, "big"), masked=True))
        assert await heard == said
        writer.transport.abort()
        await gate.told.all_closed(1)


class Early(Proxy):
    model = "voice"
    path = "/v1/realtime?model=voice"
