"""Both ends of a session do something at the same moment, or nearly."""

from __future__ import annotations

import asyncio
import random

from benchmarks.scoreboard.case import Case, Outcome, Size
from benchmarks.scoreboard.races import RACES, Upstream, during_the_dial
from benchmarks.scoreboard.stand import Stand
from benchmarks.scoreboard.wire import wire_upstream

__all__ = ["CloseRaces"]

RUNS = {Size.SHORT: 20, Size.FULL: 1_000}
FOR_SLOW = 100
AT_ONCE = 20
PATIENCE_S = 3.0
SETTINGS = "{rehome: {enabled: false}, health: {enabled: false}, routing: {hedge: false}}"


class CloseRaces(Case):
    """Goodbyes of both at once, in the dial, behind data from either end; data before the upgrade."""

    id = "B4"
    title = "Five races at the end or the beginning of a session, each run with other moments"
    bar = "nothing that was said is lost, no upstream is left behind"
    limit_s = 600.0

    async def run(self, stand: Stand, size: Size) -> Outcome:
        runs = FOR_SLOW if size is Size.FULL and stand.subject.is_slow else RUNS[size]
        part, at_once = Upstream(random.Random(1)), asyncio.Semaphore(AT_ONCE)
        wrong = {race.__name__: 0 for race in RACES}

        async with (
            wire_upstream(part.behave, part.before) as url,
            stand.proxy(url, settings=SETTINGS) as proxy,
        ):

            async def one(number: int) -> None:
                race = RACES[number % len(RACES)]
                took = part.took[number] = asyncio.get_running_loop().create_future()
                try:
                    async with at_once, asyncio.timeout(PATIENCE_S):
                        right = await race(proxy, number, random.Random(number))
                        right = right and (race is during_the_dial or await took)
                except (OSError, asyncio.IncompleteReadError, TimeoutError):
                    right = False
                wrong[race.__name__] += not right

            async with asyncio.TaskGroup() as group:
                for number in range(runs * len(RACES)):
                    group.create_task(one(number))
            orphans = await _orphans(part)
        lost = sum(wrong.values())
        worst = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in wrong.items() if count)
        figure = f"{lost:,} of {runs * len(RACES):,} runs wrong{f' ({worst})' if worst else ''}"
        return Outcome(f"{figure}, {orphans} upstreams left behind", holds=lost == orphans == 0)


async def _orphans(part: Upstream) -> int:
    """Return how many connections are still open a second later."""
    for _ in range(100):
        if part.open == 0:
            break
        await asyncio.sleep(0.01)
    return part.open
