"""An upstream dies, or freezes, in the middle of its calls, and nobody is there to go on with them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import aiohttp
from attrs import frozen

from benchmarks.scoreboard.case import Case, Outcome, Size
from benchmarks.scoreboard.figures import percentile
from benchmarks.scoreboard.parties import Clients, clients, greet_and_echo, upstream
from benchmarks.scoreboard.stand import Stand
from realtime_lb.testing import FaultProxy

__all__ = ["Death", "Freeze"]

SESSIONS = {Size.SHORT: 20, Size.FULL: 60}
HEARTBEAT_S = {Size.SHORT: 0.4, Size.FULL: 2.0}
SETTINGS = "{rehome: {enabled: false}, limits: {heartbeat_s: %g}}"


@frozen
class Notice:
    """How a client learned of it.

    Attributes:
        after_s: How long that took; infinity where it did not.
        code: The close code; 1006 stands for none.
        was_told: An ``error`` event came before.
    """

    after_s: float
    code: int
    was_told: bool


class Death(Case):
    """A third of the connections by RST, the others by FIN without a goodbye, as of a killed process."""

    id = "A6"
    title = "An upstream dies in the middle of its calls"
    bar = "clients get an error event and a legal close, 99 of 100 within 250 ms; none is just cut"

    async def run(self, stand: Stand, size: Size) -> Outcome:
        def strike(network: FaultProxy) -> None:
            for connection in network.connections:
                connection.cut(fin=connection.number % 3 != 0)

        seen = await _struck(stand, SESSIONS[size], SETTINGS % 20, strike, patience_s=5.0)
        late_s = percentile([each.after_s for each in seen], 99)
        cut = sum(each.code == 1006 for each in seen)
        told = sum(each.was_told for each in seen)
        figure = f"{cut} of {len(seen)} cut off, {told} told why, p99 after {late_s * 1000:,.0f} ms"
        return Outcome(figure, holds=cut == 0 and told == len(seen) and late_s <= 0.25)


class Freeze(Case):
    """The upstream's host stands still, as under SIGSTOP or behind a network that has gone."""

    id = "A7"
    title = "An upstream freezes in the middle of its calls"
    bar = "clients get an error event and a legal close within 1.5 heartbeats + 0.5 s"

    async def run(self, stand: Stand, size: Size) -> Outcome:
        heartbeat_s = HEARTBEAT_S[size]
        most_s = 1.5 * heartbeat_s + 0.5
        seen = await _struck(
            stand, SESSIONS[size], SETTINGS % heartbeat_s, FaultProxy.freeze, patience_s=most_s + 2
        )
        still = sum(each.after_s == math.inf for each in seen)
        told = sum(each.was_told and each.code != 1006 for each in seen)
        slowest_s = max(each.after_s for each in seen)
        when = f", the last after {slowest_s:.2f} s" if still == 0 else ""
        figure = f"{still} of {len(seen)} still open, {told} told why{when}"
        return Outcome(figure, holds=told == len(seen) and slowest_s <= most_s)


async def _struck(
    stand: Stand,
    sessions: int,
    settings: str,
    strike: Callable[[FaultProxy], None],
    *,
    patience_s: float,
) -> list[Notice]:
    """Open sessions, have the way to their upstream struck, and return what each client saw."""
    async with (
        upstream(greet_and_echo) as url,
        FaultProxy(url) as network,
        stand.proxy(network.url, settings=settings) as proxy,
        clients(proxy) as crowd,
    ):
        talking, struck = asyncio.Semaphore(0), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_witness(crowd, talking, struck, patience_s)) for _ in range(sessions)]
            for _ in range(sessions):
                await talking.acquire()
            strike(network)
            struck.set()
        return [task.result() for task in tasks]


async def _witness(
    crowd: Clients, talking: asyncio.Semaphore, struck: asyncio.Event, patience_s: float
) -> Notice:
    loop, was_told = asyncio.get_running_loop(), False
    client = await crowd.open(autoclose=False)
    try:
        await client.receive()
        await client.send_str('{"type":"hello"}')
        await client.receive()
        talking.release()
        await struck.wait()
        began_s = loop.time()
        while True:
            message = await client.receive(patience_s)
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            was_told = was_told or '"error"' in message.data
        code = message.data if message.type is aiohttp.WSMsgType.CLOSE else 1006
        return Notice(loop.time() - began_s, code or 1005, was_told)
    except TimeoutError:
        return Notice(math.inf, 1006, was_told)
    finally:
        async with asyncio.timeout(1):
            await client.close()
