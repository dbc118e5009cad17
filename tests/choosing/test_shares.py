"""How few new sessions go to who is no good, from when on: on a clock that jumps, with the usual settings."""

import asyncio
import random
from collections import Counter

from realtime_lb.errors import HandshakeRefused
from tests.choosing.nodes import Answer, Stage, deployment, failing, play

OPENS_PER_S = 5
HOLD_S = 20.0


async def crowd(stage: Stage, callers: asyncio.TaskGroup, seconds: float) -> Counter[str]:
    """Have callers come and go for so long; return how many dials each node got meanwhile."""
    before = {name: node.dials for name, node in stage.nodes.items()}

    async def call() -> None:
        async with stage.router.connect("voice"):
            await asyncio.sleep(HOLD_S)

    for _ in range(int(seconds * OPENS_PER_S)):
        callers.create_task(call())
        await asyncio.sleep(1 / OPENS_PER_S)
    return Counter({name: node.dials - before[name] for name, node in stage.nodes.items()})


def taking(median_s: float, seed: int) -> Answer:
    chance = random.Random(seed)
    return lambda: median_s * chance.lognormvariate(0.0, 0.35)


def test_who_answers_429_at_once_gets_hardly_a_dial_and_nobody_notices() -> None:
    """It is always empty and fails fast, which must not look like being fast."""

    async def scene(stage: Stage) -> None:
        async with asyncio.TaskGroup() as callers:
            dials = await crowd(stage, callers, 120)
        assert 0 < dials["a"] <= 0.05 * dials.total()
        assert dials.total() <= 1.1 * 120 * OPENS_PER_S

    limited = failing(lambda: HandshakeRefused(429))
    play(
        scene,
        *map(deployment, "abc"),
        answers={"a": limited, "b": taking(0.25, 1), "c": taking(0.25, 2)},
    )


def test_who_becomes_ten_times_as_slow_loses_its_new_sessions_within_ten_seconds() -> None:
    async def scene(stage: Stage) -> None:
        async with asyncio.TaskGroup() as callers:
            before = await crowd(stage, callers, 60)
            stage.nodes["a"].answer = taking(2.5, 4)
            await crowd(stage, callers, 10)
            after = await crowd(stage, callers, 60)
        assert before["a"] >= 0.8 * before.total() / 3
        assert after["a"] <= 0.2 * after.total() / 3

    play(scene, *map(deployment, "abc"), answers={name: taking(0.25, n) for n, name in enumerate("abc")})
