"""What live sessions show of their upstreams decides where the next ones go."""

import asyncio
from collections import Counter
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from attrs import define

from realtime_lb import RealtimeRouter, Secret, Settings
from realtime_lb.deployments import Deployment
from realtime_lb.records import HealthChanged, HealthState
from realtime_lb.settings import HealthSettings, RehomeSettings
from realtime_lb.simulator import Simulator
from tests.support import QUIET, Records, Websocket, deployment, gateway, upstream


@define
class Clock:
    now_s: float = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def simulated(name: str, simulator: Simulator, **more: Any) -> Deployment:
    return Deployment(
        id=name,
        model_group="voice",
        provider="openai_compatible",
        model="gpt-realtime",
        api_base=simulator.base_url,
        api_key=Secret("sk-sim"),
        **more,
    )


@pytest.mark.parametrize(
    ("words", "delay_s"),
    [
        ("Rate limit reached for gpt-realtime. Please try again in 6.9s.", 6.9),
        ("Rate limit reached. Please try again in 1h2m.", 3720.0),
        ("Please retry after 20 seconds.", 20.0),
    ],
)
async def test_a_rate_limit_inside_an_answer_cools_its_deployment_for_exactly_that_long(
    words: str, delay_s: float
) -> None:
    """The socket stays open and the session goes on; new ones go elsewhere until the delay is over."""
    clock, told = Clock(), Records()
    async with (
        Simulator(faults=f'fail-response rate_limit_exceeded "{words}" count=1') as limited,
        Simulator() as well,
        RealtimeRouter(
            Settings(
                deployments=(simulated("limited", limited, order=1), simulated("well", well, order=2)),
                health=HealthSettings(slow_start_s=0),
                rehome=RehomeSettings(enabled=False),  # it would have the answer given elsewhere
                logging=QUIET,
            ),
            sinks=[told],
            clock=clock,
        ) as router,
        router.connect("voice") as session,
    ):
        await session.send({"type": "response.create"})
        while (event := await session.recv())["type"] != "response.done":
            pass
        assert event["response"]["status"] == "failed"
        (standing,) = (d.standing for d in router.snapshot().deployments if d.id == "limited")
        assert standing.state is HealthState.COOLDOWN
        assert standing.left_s == pytest.approx(delay_s)
        assert router.explain("voice").picked == "well"
        clock.now_s += delay_s - 0.01
        assert router.explain("voice").picked == "well"
        clock.now_s += 0.02
        assert router.explain("voice").picked == "limited"
        (change,) = (record for record in told.all if isinstance(record, HealthChanged))
        assert change.standing.state is HealthState.COOLDOWN
        assert change.deployment == "limited"


async def test_a_clients_own_mistakes_say_nothing_about_its_deployment() -> None:
    """Ten refused events, an empty commit, a cancel of nothing: everybody stays eligible."""
    told = Records()
    async with (
        Simulator() as well,
        RealtimeRouter(
            Settings(deployments=(simulated("only", well),), logging=QUIET), sinks=[told]
        ) as router,
        router.connect("voice") as session,
    ):
        errors = 0
        for _ in range(10):
            await session.send({"type": "session.update", "session": {"type": "realtime", "nonsense": 1}})
            await session.send({"type": "input_audio_buffer.commit"})
            await session.send({"type": "response.cancel"})
        while errors < 30:
            errors += (await session.recv())["type"] == "error"
        assert not [record for record in told.all if isinstance(record, HealthChanged)]
        (only,) = router.snapshot().deployments
        assert only.standing.state is HealthState.ELIGIBLE


async def test_an_upstream_that_answers_no_turn_is_left_though_it_takes_every_session() -> None:
    """Its dials succeed and its responses fail: that is no health."""
    async with (
        Simulator(faults="fail-response server_error") as ill,
        Simulator() as well,
        RealtimeRouter(
            Settings(
                deployments=(simulated("ill", ill, order=1), simulated("well", well, order=2)), logging=QUIET
            ),
            sinks=[],
        ) as router,
    ):
        for _ in range(6):
            async with router.connect("voice") as session:
                await session.send({"type": "response.create"})
                while (await session.recv())["type"] != "response.done":
                    pass
        standing = {d.id: d.standing.state for d in router.snapshot().deployments}
        assert standing == {"ill": HealthState.EJECTED, "well": HealthState.ELIGIBLE}


async def test_a_slow_upstream_loses_nearly_all_new_sessions() -> None:
    """Far slower than the others, on a busy machine too: soon it gets less than a fifth of its share."""

    def after(delay_s: float) -> AbstractAsyncContextManager[str]:
        async def behave(websocket: Websocket) -> None:
            await asyncio.sleep(delay_s)
            await websocket.send_str('{"type":"session.created","session":{}}')
            await websocket.receive()

        return upstream(behave)

    async with (
        after(0.02) as quick,
        after(2.0) as slow,
        gateway(deployment("slow", slow), deployment("a", quick), deployment("b", quick)) as gate,
    ):
        for _ in range(30):
            async with gate.open() as client:
                await client.receive()
        learnt = len(gate.told.opened)

        async def call() -> None:
            async with gate.open() as client:
                await client.receive()
                await asyncio.sleep(0.05)

        for _ in range(60):
            await asyncio.gather(*(call() for _ in range(5)))
        await gate.told.until(lambda: len(gate.told.opened) >= learnt + 300)
        shares = Counter(record.deployment for record in gate.told.opened[learnt:])
    assert shares["slow"] <= 300 / 3 * 0.2
