"""One run: one story, one contender, one seed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence

from attrs import field, frozen

from benchmarks.choosing.callers import Call, Diary, phone
from benchmarks.choosing.contenders import Contender
from benchmarks.choosing.nodes import Node
from benchmarks.choosing.scenarios import Scenario
from realtime_lb.abc import Connection, ProviderAdapter
from realtime_lb.deployments import Deployment
from realtime_lb.records import Attempt, Record, SessionOpened
from realtime_lb.requests import DialRequest, SessionRequest
from realtime_lb.router import RealtimeRouter
from realtime_lb.settings import LoggingSettings, RehomeSettings, Settings
from realtime_lb.testing.clock import run_jumping
from realtime_lb.typing import Secret

__all__ = ["Sample", "World", "crowd", "played", "settings"]

SAMPLE_S = 1.0
"""How often it is looked at who has how many sessions."""


class _Provider(ProviderAdapter):
    """Addresses a node by its name."""

    name = "node"

    def __init__(self) -> None:
        self._dials: dict[str, DialRequest] = {}

    def dial(self, deployment: Deployment, _request: SessionRequest) -> DialRequest:
        """Return the same dial each time."""
        return self._dials.setdefault(deployment.id, DialRequest(url=f"ws://{deployment.id}"))

    async def credentials(self, _deployment: Deployment) -> dict[str, Secret]:
        """Return none: nobody asks."""
        return {}


@frozen
class _Transport:
    """Reaches nodes."""

    nodes: Mapping[str, Node]

    async def connect(self, dial: DialRequest, timeout_s: float) -> Connection:  # the engine watches it
        """Dial the node that is named."""
        return await self.nodes[dial.url.removeprefix("ws://")].dialled()

    async def aclose(self) -> None:
        """Nothing is kept."""


@frozen
class Sample:
    """Live sessions by node at one moment."""

    now_s: float
    live: Mapping[str, int]


@frozen
class World:
    """What is left of a run.

    Attributes:
        scenario: The story.
        nodes: The upstreams, with what they have seen.
        diary: What the callers have seen.
        samples: Who had how many sessions, each second.
        placed: When which node got a session.
        hedge_delays_s: After how long a hedge was begun, of those that won.
    """

    scenario: Scenario
    nodes: Mapping[str, Node]
    diary: Diary = field(factory=Diary)
    samples: list[Sample] = field(factory=list)
    placed: list[tuple[float, str]] = field(factory=list)
    hedge_delays_s: list[float] = field(factory=list)

    def note(self, record: Record) -> None:
        """Take what the router tells."""
        if isinstance(record, SessionOpened):
            self.placed.append((asyncio.get_running_loop().time(), record.deployment))
            self.hedge_delays_s.extend(_hedge_delays_s(record.attempts))

    def is_anybody_well(self, start_s: float) -> bool:
        """Say whether some node has been well since *start_s*, and has room now."""
        return any(node.well_since(start_s) for node in self.nodes.values())

    def look(self) -> None:
        """See who has how many sessions now."""
        live = {name: node.live_sessions for name, node in self.nodes.items()}
        self.samples.append(Sample(asyncio.get_running_loop().time(), live))


def _hedge_delays_s(attempts: Sequence[Attempt]) -> list[float]:
    """Return how long the slower one was ahead, where a hedge has won: both end at one moment."""
    winner = next((a for a in attempts if a.hedge and a.outcome == "accepted"), None)
    slower = next((a for a in attempts if a.outcome == "outpaced"), None)
    return [slower.duration_s - winner.duration_s] if winner and slower else []


def played(scenario: Scenario, contender: Contender, seed: int) -> World:
    """Run one story. The same arguments give the same world."""
    return run_jumping(_play(scenario, contender, seed))


async def _play(scenario: Scenario, contender: Contender, seed: int) -> World:
    nodes = {spec.name: Node(spec, random.Random(f"{seed} {spec.name}")) for spec in scenario.nodes}
    world = World(scenario, nodes)
    rng = random.Random(f"{seed} strategy")
    router = RealtimeRouter(
        contender.tune(settings(scenario, [spec.deployment("node") for spec in scenario.nodes])),
        strategy=contender.make(rng, nodes),
        transport=_Transport(nodes),
        providers=(_Provider(),),
        sinks=(world.note,),
        rng=rng,
        clock=asyncio.get_running_loop().time,
    )
    for node in nodes.values():
        node.begin()
    async with router:
        await crowd(router, world, scenario.traffic.calls(random.Random(f"{seed} callers")))
    return world


def settings(scenario: Scenario, deployments: Sequence[Deployment]) -> Settings:
    """Return a router's settings for *scenario*.

    Sessions are not re-homed: who loses one calls again, and the choice is seen by itself.
    """
    return Settings(
        deployments=tuple(deployments),
        routing=scenario.routing,
        rehome=RehomeSettings(enabled=False),
        logging=LoggingSettings(event_types=frozenset()),
    )


async def crowd(router: RealtimeRouter, world: World, calls: Sequence[Call]) -> None:
    """Have everybody call, and hang up on all who are left at the end."""
    loop, traffic = asyncio.get_running_loop(), world.scenario.traffic
    began_s = loop.time()
    async with asyncio.TaskGroup() as people:
        watching = people.create_task(_watch(world))
        for call in calls:
            await asyncio.sleep(began_s + call.start_s - loop.time())
            people.create_task(phone(router, call, traffic, world.diary, world.is_anybody_well))
        await asyncio.sleep(began_s + traffic.until_s - loop.time())
        watching.cancel()
        await router.aclose()


async def _watch(world: World) -> None:
    while True:
        await asyncio.sleep(SAMPLE_S)
        world.look()
