"""aiohttp's reader and writer, without its tasks and queues where nothing need wait."""

import asyncio

from realtime_lb.frames import Frame
from realtime_lb.transports.aiohttp_messages import MOST_AT_ONCE
from realtime_lb.transports.aiohttp_upgrade import accept_websocket
from tests.transports.raw import CLOSE, TEXT, masked, raw


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
