"""Nothing lost, nothing doubled, nothing out of order, nothing changed."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from attrs import define

from benchmarks.scoreboard.case import Case, Outcome, Size
from benchmarks.scoreboard.parties import Websocket, clients, upstream
from benchmarks.scoreboard.stand import Stand

__all__ = ["Exactness", "events"]

MESSAGES = {Size.SHORT: 4_000, Size.FULL: 1_000_000}
FOR_SLOW = 100_000
LARGEST_BYTES = 2**20
SMALL_BYTES = 4_096
ONE_LARGE_IN = 100
"""So many stay below `SMALL_BYTES`: else a million would be 150 GB."""

LETTERS = random.Random(3).randbytes(LARGEST_BYTES).hex()
CREATED = '{"type":"session.created","event_id":"event_1","session":{"type":"realtime"}}'

Send = Callable[[str], Awaitable[None]]


def events(count: int, seed: int) -> Iterator[str]:
    """Yield so many events, numbered, their sizes log-uniform, one in a hundred of them up to 1 MiB."""
    rng = random.Random(seed)
    for number in range(count):
        largest = LARGEST_BYTES if number % ONE_LARGE_IN == 0 else SMALL_BYTES
        size = round(math.exp(rng.uniform(0, math.log(largest))))
        begin = rng.randrange(LARGEST_BYTES)
        yield f'{{"type":"test.event","n":{number},"pad":"{LETTERS[begin : begin + size]}"}}'


@define
class Listener:
    """Compares what comes with what was sent."""

    expected: Iterator[str]
    right: int = 0
    wrong: int = 0

    def hear(self, said: str) -> None:
        """Take one message."""
        if said == next(self.expected, None):
            self.right += 1
        else:
            self.wrong += 1


class Exactness(Case):
    """Both ways at once, each end as fast as it is read."""

    id = "B1"
    title = "Messages of 1 B to 1 MiB, both ways at once"
    bar = "0 lost, doubled, out of order or changed"
    limit_s = 1_800.0

    async def run(self, stand: Stand, size: Size) -> Outcome:
        count = FOR_SLOW if size is Size.FULL and stand.subject.is_slow else MESSAGES[size]
        up, down = Listener(events(count, 1)), Listener(events(count, 2))
        heard_all = asyncio.Event()

        async def behave(websocket: Websocket) -> None:
            await websocket.send_str(CREATED)
            async with asyncio.TaskGroup() as both:
                both.create_task(_say(websocket.send_str, count, 2))
                await _listen(websocket, up, count)
            heard_all.set()
            await websocket.receive()

        async with (
            upstream(behave) as url,
            stand.proxy(url) as proxy,
            clients(proxy) as crowd,
            crowd.open() as client,
        ):
            await client.receive()
            async with asyncio.TaskGroup() as both:
                both.create_task(_say(client.send_str, count, 1))
                await _listen(client, down, count)
            async with asyncio.timeout(10):
                await heard_all.wait()
        missing = 2 * count - up.right - down.right
        return Outcome(f"{missing:,} of {2 * count:,} wrong or missing", holds=missing == up.wrong == 0)


async def _say(send: Send, count: int, seed: int) -> None:
    for event in events(count, seed):
        await send(event)


async def _listen(websocket: Any, listener: Listener, count: int) -> None:
    for _ in range(count):
        listener.hear(await websocket.receive_str())
