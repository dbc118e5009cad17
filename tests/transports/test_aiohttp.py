"""aiohttp's reader and writer, without its tasks and queues where nothing need wait."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from realtime_lb.frames import Frame, Opcode
from realtime_lb.transports import aiohttp_connection
from realtime_lb.transports.aiohttp_connection import AiohttpConnection
from realtime_lb.transports.aiohttp_messages import MOST_AT_ONCE
from realtime_lb.transports.aiohttp_upgrade import accept_websocket
from tests.circles import kept_in_circles
from tests.transports.pairs import aiohttp_pair
from tests.transports.raw import CLOSE, TEXT, Looks, masked, raw


async def test_a_message_is_delivered_as_it_is_read_and_waits_for_no_task() -> None:
    """The first one waits: what comes while nobody takes it is queued."""
    tasks: list[asyncio.Task[object] | None] = []
    async with raw(accepts=accept_websocket) as client:
        client.say(masked(TEXT, b"first"))
        await client.news.wait()
        client.connection.redirect(lambda _frame: tasks.append(asyncio.current_task()))
        client.say(masked(TEXT, b"second"), masked(TEXT, b"third"), masked(CLOSE))
        await client.ended
    assert tasks == [None, None]


async def test_of_a_heap_others_have_their_turns_in_between() -> None:
    """However many came with one read, and although each goes past the queue while it may."""
    at_once = [0]

    def take(_frame: Frame) -> None:
        if not at_once[-1]:
            asyncio.get_running_loop().call_soon(at_once.append, 0)
        at_once[-1] += 1

    async with raw(accepts=accept_websocket) as client:
        client.say(masked(TEXT, b"first"))
        await client.news.wait()
        client.connection.redirect(take)
        client.say(*[masked(TEXT, b"small")] * 1_000, masked(CLOSE))
        await client.ended
    assert sum(at_once) == 1_000
    assert max(at_once) == MOST_AT_ONCE


def test_an_upstream_of_large_messages_lets_others_have_their_turns_too() -> None:
    """uvloop reads on while a read fills its buffer, up to 32 times before anybody else is looked at."""
    at_once, number = [0], 400

    def take(_frame: Frame) -> None:
        if not at_once[-1]:
            asyncio.get_running_loop().call_soon(at_once.append, 0)
        at_once[-1] += 1

    async def story() -> None:
        async with aiohttp_pair() as (dialled, accepted):
            pumping = asyncio.create_task(dialled.pump(take))
            sending = asyncio.create_task(accepted.pump(take))
            room = asyncio.Event()
            accepted.on_writable = room.set
            for _ in range(number):
                room.clear()
                if not accepted.write(Frame(Opcode.TEXT, bytes(13_000))):
                    await room.wait()
            closing = asyncio.create_task(accepted.close())
            await pumping
            await dialled.close()
            await asyncio.wait({closing, sending})

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(story())
    assert sum(at_once) == number
    assert max(at_once) <= 2 * MOST_AT_ONCE


async def test_a_message_that_comes_too_late_is_not_delivered_nor_what_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Although our goodbye has to wait: the client does not read, either."""
    monkeypatch.setattr(aiohttp_connection, "Assembly", Looks)
    Looks.seen.clear()
    async with raw(accepts=accept_websocket) as client:
        client.say(masked(TEXT, b"first"))
        await client.news.wait()
        while client.connection.write(Frame(Opcode.TEXT, bytes(60_000))):
            pass
        Looks.seen[0].on_late()
        read_at_s = client.connection._messages.read_at_s
        client.say(masked(TEXT, b"late"), masked(TEXT, b"later"))
        async with asyncio.timeout(5):
            while client.connection._messages.read_at_s == read_at_s:  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0)
        while (heard := await client.hears())[0] != CLOSE:
            pass
        assert int.from_bytes(heard[1], "big") == 1008
        client.say(masked(CLOSE))
        assert (await client.ended).code == 1008
        assert [frame.payload for frame in client.messages] == [b"first"]


async def aborted(near: AiohttpConnection, far: AiohttpConnection) -> None:
    near.abort()


async def never_answered(near: AiohttpConnection, far: AiohttpConnection) -> None:
    """Its goodbye, that is: the deadline passes."""
    far.pause()
    await near.close()


async def broken_and_closed(near: AiohttpConnection, far: AiohttpConnection) -> None:
    await broken(near, far)
    await near.close()


async def broken_and_aborted(near: AiohttpConnection, far: AiohttpConnection) -> None:
    await broken(near, far)
    near.abort()


async def broken(near: AiohttpConnection, far: AiohttpConnection) -> None:
    """By its peer."""
    far._transport.write(b"\xf7\x00")
    async with asyncio.timeout(5):
        while near._messages.exception() is None and not near.is_mute:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0)


async def failed(near: AiohttpConnection, far: AiohttpConnection) -> None:
    far.write(Frame(Opcode.TEXT, b"!"))
    async with asyncio.timeout(5):
        while not (near.is_mute or near._messages._size):  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0)
    near.abort()


@pytest.mark.parametrize("end", [aborted, never_answered, broken_and_closed, broken_and_aborted, failed])
@pytest.mark.parametrize("pumped", [True, False])
@pytest.mark.parametrize("dialled", [True, False])
async def test_however_it_ends_nothing_of_it_is_left_to_the_collector(
    end: Callable[[Any, Any], Any], pumped: bool, dialled: bool, no_collector: None
) -> None:
    def take(_frame: Frame) -> None:
        raise LookupError("the receiver's own")

    async with aiohttp_pair() as pair:
        near, far = pair if dialled else pair[::-1]
        del pair
        others = asyncio.create_task(far.pump(lambda _frame: None))
        pumping = asyncio.create_task(near.pump(take) if pumped else asyncio.sleep(0))
        await asyncio.sleep(0)
        await end(near, far)
        await asyncio.gather(pumping, return_exceptions=True)
        far.abort()
        await others
        del near, far, others, pumping
    assert kept_in_circles() & {"AiohttpConnection", "Messages", "_Websocket", "Heartbeat"} == set()
