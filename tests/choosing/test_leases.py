"""Leases: never one too many, never one left over, whatever is cancelled and whenever."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime_lb import RealtimeRouter, RoutingSettings, Settings
from realtime_lb.abc import Candidate, Pick
from realtime_lb.errors import DialError, HandshakeRefused, RealtimeError, UpstreamUnreachable
from realtime_lb.records import HealthState
from realtime_lb.requests import SessionRequest
from realtime_lb.strategies import STRATEGIES
from tests.choosing.nodes import Answer, Stage, deployment, play
from tests.support import QUIET, Websocket, upstream
from tests.support import deployment as reachable

NEVER = 1e9


def moody(seed: int) -> Answer:
    """Dials of an upstream that does everything: quick, slow, silent, refusing, rate limiting."""
    chance = random.Random(seed)
    ways: tuple[Answer, ...] = (
        lambda: 0.0,
        lambda: chance.uniform(0, 2),
        lambda: NEVER,
        lambda: UpstreamUnreachable("no"),
        lambda: HandshakeRefused(429, retry_after_s=chance.uniform(0, 3)),
        lambda: HandshakeRefused(503),
    )

    def answer() -> float | DialError:
        return chance.choice(ways)()

    return answer


@given(seed=st.integers(0, 2**32), callers=st.integers(1, 25), strategy=st.sampled_from(sorted(STRATEGIES)))
def test_nothing_is_left_over_whatever_is_cancelled_and_when(seed: int, callers: int, strategy: str) -> None:
    """Opens and sessions are cancelled at random moments; `play` then looks for leases and connections."""
    chance = random.Random(seed)

    async def scene(stage: Stage) -> None:
        async def call() -> None:
            await asyncio.sleep(chance.uniform(0, 5))
            with contextlib.suppress(RealtimeError):
                async with stage.router.connect("voice", affinity=chance.choice((None, "x"))):
                    await asyncio.sleep(chance.uniform(0, 5))

        calls = [asyncio.create_task(call()) for _ in range(callers)]
        while not all(call.done() for call in calls):
            await asyncio.sleep(chance.choice((0, 0, 0.001, 0.3)))
            if chance.random() < 0.3:
                chance.choice(calls).cancel()
            assert all(0 <= live <= 4 for live in stage.leases().values())
        await asyncio.wait(calls)

    play(
        scene,
        *(deployment(name, max_sessions=4, warm=warm) for name, warm in (("a", 0), ("b", 1), ("c", 0))),
        deployment("d", model_group="spare", max_sessions=4),
        routing=RoutingSettings(
            strategy=strategy, hedge_after_s=0.2, dial_timeout_s=1.0, fallbacks={"voice": ("spare",)}
        ),
        seed=seed,
        answers={"a": moody(seed), "b": moody(seed + 1), "c": moody(seed + 2)},
    )


class Suspicious:
    """A strategy that looks at what it is offered."""

    def __init__(self, stage: list[RealtimeRouter]) -> None:
        self.stage = stage
        self.picks = 0

    def pick(self, candidates: Sequence[Candidate], request: SessionRequest, /) -> Pick:
        self.picks += 1
        standings = {d.id: d for d in self.stage[0].snapshot().deployments}
        for candidate in candidates:
            seen = standings[candidate.deployment.id]
            usable = {HealthState.ELIGIBLE, HealthState.SLOW_START, HealthState.HALF_OPEN}
            assert seen.standing.state in usable or seen.standing.last_resort
            assert seen.max_sessions is not None
            assert seen.live_sessions < seen.max_sessions
        return Pick(candidate=candidates[0])


@given(seed=st.integers(0, 2**32))
def test_a_strategy_never_sees_who_is_ejected_or_full(seed: int) -> None:
    chance = random.Random(seed)
    routers: list[RealtimeRouter] = []
    strategy = Suspicious(routers)

    async def scene(stage: Stage) -> None:
        routers.append(stage.router)

        async def call() -> None:
            await asyncio.sleep(chance.uniform(0, 60))
            with contextlib.suppress(RealtimeError):
                async with stage.router.connect("voice"):
                    await asyncio.sleep(chance.uniform(0, 20))

        await asyncio.gather(*(call() for _ in range(40)))
        assert strategy.picks > 0

    play(
        scene,
        *(deployment(name, max_sessions=3) for name in "abc"),
        strategy=strategy,
        answers={"a": moody(seed), "b": moody(seed + 1)},
    )


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_the_same_seed_gives_the_same_picks(strategy: str) -> None:
    def story() -> list[object]:
        told: list[object] = []

        async def scene(stage: Stage) -> None:
            for _ in range(60):
                with contextlib.suppress(RealtimeError):
                    async with stage.router.connect("voice"):
                        await asyncio.sleep(0.5)
            told.extend([[(a.deployment, a.outcome) for a in getattr(r, "attempts", ())] for r in stage.told])

        play(
            scene,
            *map(deployment, "abc"),
            routing=RoutingSettings(strategy=strategy),
            answers={"a": moody(1), "b": moody(2)},
        )
        return told

    assert story() == story()


def test_caps_are_exact_under_600_opens_at_once() -> None:
    async def scene(stage: Stage) -> None:
        placed: Counter[bool] = Counter()
        most: Counter[str] = Counter()

        async def call() -> None:
            try:
                async with stage.router.connect("voice"):
                    placed[True] += 1
                    most.update({k: v - most[k] for k, v in stage.leases().items() if v > most[k]})
                    await asyncio.sleep(30)
            except RealtimeError:
                placed[False] += 1

        await asyncio.gather(*(call() for _ in range(600)))
        assert placed == {True: 60, False: 540}
        assert most == {"a": 20, "b": 20, "c": 20}

    chance = random.Random(1)
    play(
        scene,
        *(deployment(name, max_sessions=20) for name in "abc"),
        answers=dict.fromkeys("abc", lambda: chance.uniform(0, 0.5)),
    )


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_3000_cancelled_races_leave_no_socket_and_no_lease() -> None:
    """Over real sockets: dials that hedge each other are cancelled after anything from nothing to 30 ms."""
    chance = random.Random(7)

    async def dithers(websocket: Websocket) -> None:
        await asyncio.sleep(chance.uniform(0, 0.03))
        await websocket.send_str('{"type":"session.created","session":{}}')
        await websocket.receive()

    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(upstream(dithers)) for _ in range(3)]
        pool = tuple(reachable(f"d{number}", url) for number, url in enumerate(urls))
        settings = Settings(deployments=pool, routing=RoutingSettings(hedge_after_s=0.002), logging=QUIET)
        router = await stack.enter_async_context(RealtimeRouter(settings, sinks=[]))

        async def call() -> None:
            async with router.connect("voice"):
                pass

        async def race() -> None:
            task = asyncio.create_task(call())
            await asyncio.sleep(chance.uniform(0, 0.03))
            task.cancel()
            await asyncio.wait({task})

        await asyncio.gather(*(race() for _ in range(30)))
        before = open_files()
        for _ in range(100):
            await asyncio.gather(*(race() for _ in range(30)))
        # Who is cancelled while saying goodbye leaves it to the router; and the far ends are in this process.
        for _ in range(500):
            held = sum(d.live_sessions for d in router.snapshot().deployments)
            if held == 0 and open_files() <= before:
                break
            await asyncio.sleep(0.01)
        assert held == 0
        assert open_files() <= before
