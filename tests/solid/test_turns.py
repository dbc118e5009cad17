"""No more of a client is taken at once, or before it is answered, than is said, whatever loop runs."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aiohttp import web

from benchmarks.scoreboard.raw import masked
from benchmarks.scoreboard.wire import BINARY, CONTINUATION, TEXT, Wire, request, wire_upstream
from realtime_lb.server.running import MOST_EARLY_BYTES
from realtime_lb.transports.aiohttp_pace import MOST_EARLY_READ_BYTES
from realtime_lb.transports.room import MOST_READ_BYTES
from tests import support
from tests.solid.raw_client import raw
from tests.solid.test_fair_shares import Early
from tests.support import deployment, gateway, greet_and_echo, upstream

Loop = Callable[[], asyncio.AbstractEventLoop]
on_each_loop = pytest.mark.parametrize(
    "loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)


def told_on(loop: Loop, story: Callable[[], Awaitable[None]]) -> None:
    async def tell() -> None:
        await story()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(tell())


@on_each_loop
def test_of_fragments_without_end_so_many_bytes_are_read_in_a_turn(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where aiohttp reads: it stops by itself where it has whole messages only."""
    monkeypatch.setattr(support, "LANE", "aiohttp")
    turns = [0]
    data_received = web.RequestHandler.data_received

    def counted(handler: web.RequestHandler, data: bytes) -> None:
        if not turns[-1]:
            asyncio.get_running_loop().call_soon(turns.append, 0)
        turns[-1] += len(data)
        data_received(handler, data)

    monkeypatch.setattr(web.RequestHandler, "data_received", counted)
    monkeypatch.setattr("realtime_lb.transports.turns.LONGEST_TURN_S", 0.0)

    async def story() -> None:
        async with (
            upstream(greet_and_echo) as url,
            gateway(deployment("a", url)) as gate,
            raw(gate) as attacker,
        ):
            fragments = masked(CONTINUATION, b"x", flags=0) * 100_000
            await attacker.say(masked(TEXT, b"{", flags=0), *[fragments] * 4, masked(CONTINUATION, b"}"))
            assert await attacker.hears() is not None  # session.created
            async with asyncio.timeout(30):
                await attacker.hears()  # that it was no event

    told_on(loop, story)
    assert sum(turns) > 2_800_000
    assert max(turns) <= MOST_READ_BYTES


@pytest.mark.usefixtures("each_lane")
@on_each_loop
def test_before_a_client_is_answered_64_kib_of_it_are_held_and_one_read(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    set_parser = web.RequestHandler.set_parser

    def looked_at(handler: web.RequestHandler, *arguments: Any, **named: Any) -> None:
        held.append(len(handler._message_tail))
        set_parser(handler, *arguments, **named)

    monkeypatch.setattr(web.RequestHandler, "set_parser", looked_at)

    async def story() -> None:
        dialled, go_on = asyncio.Event(), asyncio.Event()

        async def before() -> None:
            dialled.set()
            await go_on.wait()

        async with (
            wire_upstream(Wire.until_end, before) as url,
            gateway(deployment("a", f"{url}/v1")) as gate,
        ):
            there = Early(int(gate.url.rpartition(":")[2]), 0, Path("/dev/null"))
            reader, writer = await asyncio.open_connection("127.0.0.1", there.port)
            writer.transport.set_write_buffer_limits(high=0)
            writer.write(request(there))
            await dialled.wait()
            writer.write(masked(BINARY, b"{}" * 2_000_000))
            with suppress(TimeoutError):
                async with asyncio.timeout(0.3):
                    await writer.drain()
            go_on.set()
            await reader.readuntil(b"\r\n\r\n")
            async with asyncio.timeout(10):
                await writer.drain()
            writer.transport.abort()
            await gate.told.all_closed(1)

    told_on(loop, story)
    (bytes_held,) = held
    assert 0 < bytes_held < MOST_EARLY_BYTES + MOST_EARLY_READ_BYTES
