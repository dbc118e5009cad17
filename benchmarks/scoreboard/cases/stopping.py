"""A proxy is told to stop while people talk."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
from attrs import define, field

from benchmarks.scoreboard.case import Case, Outcome, Size
from benchmarks.scoreboard.parties import Clients, clients, greet_and_echo, upstream
from benchmarks.scoreboard.stand import Proxy, Stand

__all__ = ["Overstayed", "Stopped"]

TALK_EVERY_S = 0.1
LAST_FIFTH = 0.2
PARTS = 10
GONE_S = 3.0
"""After its last session; a process takes a while to end where others want the cores, too."""


@define(eq=False)
class Caller:
    """One session that says numbers, and hears them again.

    Attributes:
        socket: Its end.
        said: How many it has said.
        heard: What came back.
        told: Codes of the ``error`` events that it got.
        code: How the proxy closed it; None while it did not.
        closed_at_s: When that was.
    """

    socket: aiohttp.ClientWebSocketResponse
    said: int = 0
    heard: list[int] = field(factory=list)
    told: list[str] = field(factory=list)
    code: int | None = None
    closed_at_s: float = 0.0
    _is_leaving: bool = False

    async def talk(self, enough: asyncio.Event) -> None:
        """Talk until it is *enough* and all was heard, then leave; or until it is closed."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._listen())
            while not (enough.is_set() or self.socket.closed):
                self.said += 1
                try:
                    await self.socket.send_json({"type": "x.number", "number": self.said})
                except ConnectionError:
                    break
                await asyncio.sleep(TALK_EVERY_S)

    async def leave(self) -> None:
        """Wait for what was said last, and say goodbye."""
        limit_s = time.monotonic() + 5
        while len(self.heard) < self.said and self.code is None and time.monotonic() < limit_s:
            await asyncio.sleep(0.01)
        self._is_leaving = True
        await self.socket.close()

    async def _listen(self) -> None:
        async for message in self.socket:
            event = message.json()
            if event["type"] == "error":
                self.told.append(event["error"]["code"])
            elif event["type"] == "x.number":
                self.heard.append(event["number"])
        if not self._is_leaving:
            self.code, self.closed_at_s = self.socket.close_code or 1006, time.monotonic()

    @property
    def lost(self) -> int:
        """How many of its numbers did not come back, each once and in their order."""
        return sum(number not in self.heard for number in range(1, self.said + 1))


@asynccontextmanager
async def talking(opener: Clients, count: int, enough: asyncio.Event) -> AsyncIterator[list[Caller]]:
    """Have *count* sessions talk while the block runs, and until it is *enough*."""
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(opener.open()) for _ in range(count)]
        callers = [Caller(socket) for socket in sockets]
        tasks = [asyncio.create_task(caller.talk(enough)) for caller in callers]
        try:
            yield callers
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def ended(proxy: Proxy, within_s: float) -> float:
    """Return how long it took until the proxy's process was over; infinity if longer than *within_s*."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < within_s:
        try:
            state = Path(f"/proc/{proxy.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return passed
        if state == "Z":
            return passed
        await asyncio.sleep(0.02)
    return math.inf


class Stopped(Case):
    """Sessions that end inside the window, and one that begins in it."""

    id = "G1"
    title = "SIGTERM while sessions talk that end inside the window"
    bar = f"0 sessions and 0 messages lost, one more admitted, gone within {GONE_S:g} s of the last"

    async def run(self, stand: Stand, size: Size) -> Outcome:
        count, admit_s, timeout_s = (200, 5.0, 25.0) if size is Size.FULL else (40, 2.0, 30.0)
        server = f"server: {{drain_admit_s: {admit_s}, drain_timeout_s: {timeout_s}}}"
        enough = asyncio.Event()
        async with (
            upstream(greet_and_echo) as url,
            stand.proxy(url, settings=server) as proxy,
            clients(proxy) as opener,
            talking(opener, count, enough) as callers,
        ):
            await asyncio.sleep(1)
            os.kill(proxy.pid, signal.SIGTERM)
            admitted = await _admitted(opener)
            await asyncio.sleep(admit_s + 1)
            enough.set()
            await asyncio.gather(*(caller.leave() for caller in callers))
            left_s = await ended(proxy, timeout_s)
        lost, missing = sum(c.code is not None for c in callers), sum(caller.lost for caller in callers)
        said = sum(caller.said for caller in callers)
        figure = f"{lost} of {count} sessions, {missing:,} of {said:,} messages lost"
        if not admitted:
            figure += ", none admitted"
        if not lost:
            figure += f", gone {left_s:.1f} s after the last"
        return Outcome(figure, holds=admitted and not lost and not missing and left_s <= GONE_S)


async def _admitted(opener: Clients) -> bool:
    try:
        async with asyncio.timeout(5), opener.open() as client:
            return bool((await client.receive_json())["type"] == "session.created")
    except (aiohttp.ClientError, TimeoutError, TypeError):
        return False


class Overstayed(Case):
    """Sessions that go on as if nobody had said anything."""

    id = "G2"
    title = "SIGTERM while sessions talk that outlast the window"
    bar = (
        "each told and closed 1001, a tenth of them in each tenth of the last fifth, gone at the window + 1 s"
    )

    async def run(self, stand: Stand, size: Size) -> Outcome:
        count, admit_s, timeout_s = (200, 5.0, 25.0) if size is Size.FULL else (40, 0.5, 5.0)
        server = f"server: {{drain_admit_s: {admit_s}, drain_timeout_s: {timeout_s}}}"
        async with (
            upstream(greet_and_echo) as url,
            stand.proxy(url, settings=server) as proxy,
            clients(proxy) as opener,
            talking(opener, count, asyncio.Event()) as callers,
        ):
            await asyncio.sleep(1)
            began_s = time.monotonic()
            os.kill(proxy.pid, signal.SIGTERM)
            took_s = await ended(proxy, timeout_s + 5)
            await asyncio.sleep(0.5)  # for clients to see the end
        told = sum("shutting_down" in caller.told for caller in callers)
        codes = Counter(caller.code for caller in callers)
        most = _most_in_a_part(callers, began_s, timeout_s)
        figure = (
            f"{told} told, closed {', '.join(f'{code}: {n}' for code, n in sorted(codes.items(), key=str))}; "
            f"at most {most} of {count} in a tenth; gone after {took_s:.1f} s"
        )
        # A client sees a close some milliseconds late, so one more may fall into a part. The parts of the
        # short form are so small that a busy machine fills them as it likes, and an interpreter that ends
        # on it takes as long again as all the rest.
        most_fit, within_s = (count / PARTS + 1, 1.0) if size is Size.FULL else (count / 2, 2.0)
        holds = told == count and set(codes) == {1001}
        holds = holds and most <= most_fit and took_s <= timeout_s + within_s
        return Outcome(figure, holds=holds)


def _most_in_a_part(callers: Sequence[Caller], began_s: float, timeout_s: float) -> int:
    first_s, part_s = began_s + timeout_s * (1 - LAST_FIFTH), timeout_s * LAST_FIFTH / PARTS
    return max(Counter(math.floor((c.closed_at_s - first_s) / part_s) for c in callers).values())
