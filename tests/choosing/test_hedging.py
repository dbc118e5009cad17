"""A dial that lags is overtaken: when, by whom, at what price, and what is left of the loser."""

import asyncio
import random

from attrs import evolve

from realtime_lb import RoutingSettings
from realtime_lb.records import SessionOpened
from realtime_lb.verdicts import Meaning
from tests.choosing.nodes import Stage, deployment, in_time, play

NEVER = 1e9


def opened(stage: Stage) -> list[SessionOpened]:
    return [record for record in stage.told if isinstance(record, SessionOpened)]


def test_a_dial_that_hangs_is_overtaken_after_the_time_that_was_set() -> None:
    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            assert stage.now() == 0.4 + 0.1
        await asyncio.sleep(0)
        (record,) = opened(stage)
        assert [(a.deployment, a.outcome, a.hedge) for a in record.attempts] == [
            ("b", "accepted", True),
            ("a", "outpaced", False),
        ]

    play(
        scene,
        deployment("a", order=1),
        deployment("b", order=2),
        routing=RoutingSettings(hedge_after_s=0.4),
        answers={"a": in_time(NEVER), "b": in_time(0.1)},
    )


def test_the_loser_is_closed_at_once_and_booked_as_slow() -> None:
    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            assert stage.nodes["a"].open_now == 0
            assert stage.leases() == {"a": 0, "b": 1}
        closed = stage.router.explain("voice")
        slow = next(c for c in closed.candidates if c.deployment == "a")
        assert slow.first_event_s is not None
        assert slow.first_event_s > 0.3

    play(
        scene,
        deployment("a", order=1),
        deployment("b", order=2),
        routing=RoutingSettings(hedge_after_s=0.4),
        answers={"a": in_time(NEVER), "b": in_time(0.1)},
    )


def test_a_hedge_goes_to_another_address_or_nowhere() -> None:
    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            assert stage.now() == 2.0
        assert stage.nodes["a"].dials == 1

    play(
        scene,
        deployment("a", order=1),
        evolve(deployment("twin", order=2), api_base="http://a.test/v1"),
        routing=RoutingSettings(hedge_after_s=0.4),
        answers={"a": in_time(2.0)},
    )


def test_without_a_set_time_the_95th_percentile_of_its_own_dials_decides() -> None:
    """Twenty dials of 1 to 20 hundredths of a second: the 19th is its 95th percentile."""

    async def scene(stage: Stage) -> None:
        times = iter([number / 100 for number in range(1, 21)])
        stage.nodes["a"].answer = lambda: next(times, NEVER)
        for _ in range(20):
            async with stage.router.connect("voice"):
                pass
        began_s = stage.now()
        async with stage.router.connect("voice"):
            waited_s = stage.now() - began_s
        assert 0.19 * 1.1 <= waited_s <= 0.21 * 1.1
        assert stage.nodes["b"].dials == 1

    play(scene, deployment("a", order=1), deployment("b", order=2))


def test_hedges_keep_the_tail_short_and_cost_little() -> None:
    """One dial in twenty hangs, wherever it goes: nobody waits for it, and few dials are made in vain."""
    chance = random.Random(4)
    healthy: list[float] = []

    def latency() -> float:
        if chance.random() < 0.05:
            return NEVER
        healthy.append(chance.lognormvariate(-1.2, 0.25))
        return healthy[-1]

    async def scene(stage: Stage) -> None:
        waited: list[float] = []

        async def call() -> None:
            began_s = stage.now()
            async with stage.router.connect("voice"):
                waited.append(stage.now() - began_s)

        for _ in range(100):  # history, before anything hangs
            async with stage.router.connect("voice"):
                pass
        for node in stage.nodes.values():
            node.answer = latency
            node.dials = 0
        for _ in range(2_000):
            async with asyncio.TaskGroup() as two:
                two.create_task(call())
                two.create_task(call())
        p95_s = sorted(healthy)[int(0.95 * len(healthy))]
        p99_s = sorted(waited)[int(0.99 * len(waited))]
        dials = sum(node.dials for node in stage.nodes.values())
        assert p99_s <= 1.3 * (p95_s + p95_s)
        assert dials / len(waited) <= 1.1

    names = ("a", "b", "c", "d")
    ordinary = random.Random(5)
    play(
        scene,
        *map(deployment, names),
        answers={name: lambda: ordinary.lognormvariate(-1.2, 0.25) for name in names},
    )


def test_while_all_lag_one_more_is_asked_and_each_is_told_of() -> None:
    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            assert stage.now() == 0.4 + 0.4
        await asyncio.sleep(0)
        (record,) = opened(stage)
        assert {a.deployment: (a.outcome, a.verdict, a.hedge) for a in record.attempts} == {
            "a": ("outpaced", Meaning.SLOW, False),
            "b": ("outpaced", Meaning.SLOW, True),
            "c": ("accepted", Meaning.OK, True),
        }

    play(
        scene,
        *(deployment(name, order=order) for order, name in enumerate("abc")),
        routing=RoutingSettings(hedge_after_s=0.4),
        answers={"a": in_time(NEVER), "b": in_time(NEVER)},
    )


def test_a_dial_that_fails_while_it_is_hedged_leaves_the_race_to_the_other() -> None:
    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice"):
            assert stage.now() == 0.4 + 0.9
        await asyncio.sleep(0)
        (record,) = opened(stage)
        assert [(a.deployment, a.verdict) for a in record.attempts] == [
            ("a", Meaning.UNREACHABLE),
            ("b", Meaning.OK),
        ]

    play(
        scene,
        deployment("a", order=1),
        deployment("b", order=2),
        routing=RoutingSettings(hedge_after_s=0.4, dial_timeout_s=1.0),
        answers={"a": in_time(NEVER), "b": in_time(0.9)},
    )
