"""Moments that hardly ever come, one by one: nobody is blamed, forgotten or kept waiting for them."""

import asyncio
import contextlib

import pytest
from attrs import evolve

from realtime_lb import RoutingSettings
from realtime_lb.errors import HandshakeRefused, RealtimeError
from realtime_lb.records import HealthState, PanicChanged
from realtime_lb.settings import HealthSettings
from tests.choosing.nodes import Stage, deployment, failing, in_time, play

NEVER = 1e9
HEDGED = RoutingSettings(hedge_after_s=0.1)


def state(stage: Stage, name: str) -> HealthState:
    return next(d.standing.state for d in stage.router.snapshot().deployments if d.id == name)


@pytest.mark.parametrize("turns", range(30))
def test_an_open_may_be_cancelled_at_any_turn_after_its_race_was_won(turns: int) -> None:
    """The winner is nobody's while the loser is let go: `play` looks for what is left over."""

    async def scene(stage: Stage) -> None:
        async def call() -> None:
            async with stage.router.connect("voice"):
                pass

        task = asyncio.create_task(call())
        await asyncio.sleep(0.3)
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})

    pool = (deployment("a", order=1), deployment("b", order=2))
    play(scene, *pool, routing=HEDGED, answers={"a": in_time(4.0), "b": in_time(0.2)})


def test_a_hedge_that_the_first_dial_beats_is_not_slow() -> None:
    async def scene(stage: Stage) -> None:
        for _ in range(10):
            async with stage.router.connect("voice"):
                pass
        assert state(stage, "b") is HealthState.ELIGIBLE

    routing = RoutingSettings(hedge_after_s=0.9)
    pool = (deployment("a", order=1), deployment("b", order=2))
    play(scene, *pool, routing=routing, answers={"a": in_time(1.0), "b": in_time(0.2)})


def test_what_a_client_brings_ejects_nobody() -> None:
    """A header that upstreams refuse, and names that no wildcard's upstream knows."""

    async def scene(stage: Stage) -> None:
        headers = {"OpenAI-Safety-Identifier": "nonsense"}
        for number in range(12):
            for model, given in (("voice", headers), (f"x-{number}", {})):
                with contextlib.suppress(RealtimeError):
                    async with stage.router.connect(model, headers=given):
                        pass
        assert {state(stage, name) for name in "abx"} == {HealthState.ELIGIBLE}

    pool = (deployment("a"), deployment("b"), evolve(deployment("x", model_group="x-*"), model="*"))
    refused = failing(lambda: HandshakeRefused(400))
    play(scene, *pool, answers={"a": refused, "b": refused, "x": failing(lambda: HandshakeRefused(404))})


def test_a_warm_connection_proves_nothing_and_holds_nobody_up() -> None:
    async def scene(stage: Stage) -> None:
        node = stage.nodes["a"]
        await asyncio.sleep(3)
        node.answer = failing(lambda: HandshakeRefused(429, retry_after_s=2))
        with contextlib.suppress(RealtimeError):
            async with stage.router.connect("voice", headers={"OpenAI-Safety-Identifier": "x"}):
                pass
        node.answer = in_time(0.1)
        await asyncio.sleep(3)
        for _ in range(5):
            async with stage.router.connect("voice"):
                pass
            await asyncio.sleep(0.5)

    play(scene, deployment("a", warm=1), answers={"a": in_time(0.1)})


def test_a_warm_connection_that_does_not_fit_gives_its_place_up() -> None:
    async def scene(stage: Stage) -> None:
        await asyncio.sleep(3)
        assert stage.leases() == {"a": 1}
        async with stage.router.connect("voice", headers={"OpenAI-Safety-Identifier": "x"}):
            await asyncio.sleep(1)
            assert stage.leases() == {"a": 1}
            assert stage.nodes["a"].open_now == 1

    play(scene, deployment("a", warm=1, max_sessions=1), answers={"a": in_time(0.1)})


def test_an_upstream_that_drops_idle_sessions_is_not_dialled_without_end() -> None:
    async def scene(stage: Stage) -> None:
        node = stage.nodes["a"]

        def drop() -> None:
            for far in node.live:
                far.abort()

        def drops_it_soon() -> float:
            asyncio.get_running_loop().call_later(0.05, drop)
            return 0.01

        node.answer = drops_it_soon
        await asyncio.sleep(60)
        assert 2 <= node.dials <= 10

    play(scene, deployment("a", warm=1), answers={"a": in_time(0.01)})


def test_a_probe_does_not_keep_an_empty_quota_from_being_proven() -> None:
    async def scene(stage: Stage) -> None:
        outage = HandshakeRefused(402)
        stage.nodes["a"].answer = failing(lambda: outage)
        with contextlib.suppress(RealtimeError):
            async with stage.router.connect("voice"):
                pass
        stage.nodes["a"].answer = in_time(0.0)
        assert state(stage, "a") is HealthState.COOLDOWN
        await asyncio.sleep(301)
        for _ in range(4):
            async with stage.router.connect("voice"):
                pass
            await asyncio.sleep(16)

    health = HealthSettings(probe_interval_s=15)
    play(scene, deployment("a"), health=health)


def test_a_panic_is_told_once_for_a_wildcard_and_is_over_when_it_is() -> None:
    async def scene(stage: Stage) -> None:
        flaky = iter(range(10**6))
        stage.nodes["a"].answer = lambda: (
            0.0 if next(flaky) % 2 else HandshakeRefused(503)  # every other dial fails
        )
        for number in range(60):
            with contextlib.suppress(RealtimeError):
                async with stage.router.connect(f"x-{number}"):
                    pass
            await asyncio.sleep(0.1)
        stage.nodes["a"].answer = in_time(0.0)
        await asyncio.sleep(400)
        for number in range(10):
            async with stage.router.connect(f"y-{number}".replace("y", "x")):
                await asyncio.sleep(10)
        told = [record for record in stage.told if isinstance(record, PanicChanged)]
        assert {record.model_group for record in told} == {"x-*"}
        assert not told[-1].panic

    play(scene, evolve(deployment("a", model_group="x-*"), model="*"))


def test_hedges_of_a_herd_stay_on_their_budget() -> None:
    async def scene(stage: Stage) -> None:
        async def call() -> None:
            async with stage.router.connect("voice"):
                pass

        await asyncio.gather(*(call() for _ in range(200)))
        dials = sum(node.dials for node in stage.nodes.values())
        assert dials <= 200 * 1.25 + 4

    pool = [deployment(name) for name in "ab"]
    play(scene, *pool, routing=HEDGED, answers=dict.fromkeys("ab", in_time(1.0)))


def test_who_waited_for_room_and_met_a_failure_goes_on_to_the_next() -> None:
    async def scene(stage: Stage) -> None:
        async def holds(seconds: float) -> None:
            async with stage.router.connect("voice"):
                await asyncio.sleep(seconds)

        async with asyncio.TaskGroup() as calls:
            calls.create_task(holds(0.5))
            calls.create_task(holds(0.5))
            await asyncio.sleep(0.1)
            stage.nodes["a"].answer = failing(lambda: HandshakeRefused(500))
            calls.create_task(holds(0.0))

    play(scene, deployment("a", max_sessions=1), deployment("b", max_sessions=1))
