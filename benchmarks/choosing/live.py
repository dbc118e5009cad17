"""The same stories on real sockets: simulated Realtime APIs that listen, and real seconds."""

from __future__ import annotations

import asyncio
import math
import random
import selectors
from contextlib import AsyncExitStack

from attrs import define, evolve, field, frozen

from benchmarks.choosing.callers import Traffic
from benchmarks.choosing.contenders import Contender
from benchmarks.choosing.nodes import Node, NodeSpec
from benchmarks.choosing.phases import Mood, Phase
from benchmarks.choosing.scenarios import Scenario
from benchmarks.choosing.world import World, crowd, settings
from realtime_lb.records import Record, SessionClosed
from realtime_lb.router import RealtimeRouter
from realtime_lb.simulator import Delay, Fault, Refuse, Simulator, Stage

__all__ = ["LIVE_TRAFFIC", "played_live"]

LIVE_TRAFFIC = Traffic(per_s=10.0, until_s=30.0, fill_s=5.0, median_hold_s=6.0, pause_s=3.0)
"""Scaled down: half a minute, calls of seconds."""

TICK_S = 0.02
"""How often a simulator is told what to be like."""


class _FromZero(asyncio.SelectorEventLoop):
    """An ordinary loop whose time starts at 0, as the stories do."""

    def __init__(self) -> None:
        self._began_s = 0.0
        super().__init__(selectors.DefaultSelector())
        self._began_s = super().time()

    def time(self) -> float:
        return super().time() - self._began_s


@define(eq=False)
class _LiveNode(Node):
    """A node whose sessions are a simulator's, which it tells what to do."""

    simulator: Simulator = field(factory=Simulator, kw_only=True)
    _phase: Phase = field(factory=Phase)

    @property
    def live_sessions(self) -> int:
        return len(self.simulator.sessions)

    async def drive(self) -> None:
        """Have the simulator follow the script."""
        while True:
            phase = self.phase()
            self._count()
            if phase is not self._phase and phase.cuts is not None:
                self.simulator.cut() if phase.cuts == 1006 else self.simulator.close_all(phase.cuts)
            self._phase = phase
            self.simulator.faults = self._faults(phase)
            await asyncio.sleep(TICK_S)

    def _count(self) -> None:
        """Note the dials since the last look, and let them stand in line."""
        now_s, mood = asyncio.get_running_loop().time(), self._phase.mood
        for _ in range(len(self.simulator.dials) - len(self.dials)):
            self.dials.append(now_s)
            self._in_line_s(self._phase)
            if mood is not Mood.UP:
                self.failed_dials.append(now_s)

    def _faults(self, phase: Phase) -> list[Fault]:
        if phase.mood is Mood.REFUSING:
            return [Refuse(status=503)]
        if phase.mood is Mood.LIMITING:
            return [Refuse(status=429, retry_after_s=phase.retry_after_s)]
        if phase.mood is Mood.HANGING:
            return [Delay(stage=Stage.FIRST_EVENT), Delay(stage=Stage.RESPONSE)]
        in_line_s = max(self._busy_until_s - asyncio.get_running_loop().time(), 0.0)
        first_event_s = (
            math.inf if self.rng.random() < phase.hang_share else self.noisy(self.spec.first_event_s)
        )
        return [
            Delay(stage=Stage.FIRST_EVENT, delay_s=in_line_s + first_event_s),
            Delay(stage=Stage.RESPONSE, delay_s=self.noisy(self.spec.first_audio_s)),
        ]


@frozen
class _LiveWorld(World):
    """A world whose answers are known from closing records only."""

    def note(self, record: Record) -> None:
        """Take what the router tells."""
        super().note(record)
        if isinstance(record, SessionClosed) and record.deployment is not None:
            self.nodes[record.deployment].answers += record.usage.responses


def played_live(scenario: Scenario, contender: Contender, seed: int) -> World:
    """Run one story in real time."""
    with asyncio.Runner(loop_factory=_FromZero) as runner:
        return runner.run(_play(scenario, contender, seed))


async def _play(scenario: Scenario, contender: Contender, seed: int) -> World:
    async with AsyncExitStack() as stack:
        nodes: dict[str, _LiveNode] = {}
        for spec in scenario.nodes:
            simulator = await stack.enter_async_context(Simulator(seed=seed))
            node = _LiveNode(_without_tokens(spec), random.Random(f"{seed} {spec.name}"), simulator=simulator)
            nodes[spec.name] = node
        world = _LiveWorld(scenario, nodes)
        rng = random.Random(f"{seed} strategy")
        deployments = [
            node.spec.deployment("openai_compatible", f"{node.simulator.base_url}/v1")
            for node in nodes.values()
        ]
        router = RealtimeRouter(
            contender.tune(settings(scenario, deployments)),
            strategy=contender.make(rng, nodes),
            sinks=(world.note,),
            rng=rng,
            clock=asyncio.get_running_loop().time,
        )
        driving = [asyncio.create_task(node.drive()) for node in nodes.values()]
        async with router:
            await crowd(router, world, scenario.traffic.calls(random.Random(f"{seed} callers")))
        for task in driving:
            task.cancel()
        await asyncio.wait(driving)
    return world


def _without_tokens(spec: NodeSpec) -> NodeSpec:
    """Leave out what a simulator cannot do: count the tokens of a minute."""
    return evolve(spec, tokens_per_minute=None)
