"""Upstreams in memory whose dials take as long, and end, as a test says; for a loop whose time jumps."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import urlsplit

from attrs import define, field

from realtime_lb import Deployment, RealtimeRouter, RoutingSettings, Secret, Settings
from realtime_lb.abc import Connection, Strategy
from realtime_lb.errors import DialError
from realtime_lb.frames import Frame, Opcode
from realtime_lb.records import Record
from realtime_lb.requests import DialRequest
from realtime_lb.settings import HealthSettings
from realtime_lb.testing import run_jumping
from realtime_lb.transports.memory import MemoryConnection, memory_pair

HELLO = Frame(Opcode.TEXT, b'{"type":"session.created","event_id":"event_1","session":{"type":"realtime"}}')

Answer = Callable[[], float | DialError]
"""How long a dial takes to its first event, or why it fails."""


def in_time(delay_s: float = 0.0) -> Answer:
    return lambda: delay_s


def failing(make: Callable[[], DialError]) -> Answer:
    return make


@define(eq=False)
class Node:
    """One upstream. It counts what it is asked."""

    answer: Answer = field(factory=in_time)
    dials: int = 0
    live: list[MemoryConnection] = field(factory=list)
    open_now: int = 0

    async def dialled(self) -> Connection:
        self.dials += 1
        outcome = self.answer()
        if isinstance(outcome, DialError):
            raise outcome
        near, far = memory_pair()
        self.open_now += 1
        near_ended = asyncio.ensure_future(self._until_it_ends(far))
        near_ended.add_done_callback(lambda _: None)
        if outcome > 0:
            asyncio.get_running_loop().call_later(outcome, far.write, HELLO)
        else:
            far.write(HELLO)
        self.live.append(far)
        return near

    async def _until_it_ends(self, far: MemoryConnection) -> None:
        await far.pump(lambda _frame: None)
        self.open_now -= 1
        self.live.remove(far)


@define(eq=False)
class Pool:
    """A `Transport` to nodes by host name."""

    nodes: dict[str, Node]
    closed: bool = False

    async def connect(self, dial: DialRequest, timeout_s: float) -> Connection:
        return await self.nodes[urlsplit(dial.url).hostname or ""].dialled()

    async def aclose(self) -> None:
        self.closed = True


def deployment(name: str, **attributes: Any) -> Deployment:
    return Deployment(
        id=name,
        model_group=attributes.pop("model_group", "voice"),
        model="gpt-realtime",
        provider="openai_compatible",
        api_base=f"http://{name}.test/v1",
        api_key=Secret(f"key-of-{name}"),
        **attributes,
    )


@define(eq=False)
class Stage:
    """A router over a pool, and all that it told."""

    router: RealtimeRouter
    nodes: dict[str, Node]
    told: list[Record]

    def leases(self) -> dict[str, int]:
        return {d.id: d.live_sessions for d in self.router.snapshot().deployments}

    def now(self) -> float:
        return asyncio.get_running_loop().time()


def play(
    scene: Callable[[Stage], Coroutine[Any, Any, None]],
    *deployments: Deployment,
    routing: RoutingSettings | None = None,
    health: HealthSettings | None = None,
    strategy: Strategy | None = None,
    seed: int = 1,
    answers: Mapping[str, Answer] | None = None,
) -> None:
    """Run *scene* on a loop whose time jumps; afterwards nothing may be left open or held."""

    async def main() -> None:
        pool = Pool({f"{d.id}.test": Node() for d in deployments})
        by_id = {d.id: pool.nodes[f"{d.id}.test"] for d in deployments}
        for name, answer in (answers or {}).items():
            by_id[name].answer = answer
        told: list[Record] = []
        settings = Settings(
            deployments=deployments,
            routing=routing or RoutingSettings(),
            health=health or HealthSettings(),
        )
        clock = asyncio.get_running_loop().time
        router = RealtimeRouter(
            settings,
            strategy=strategy,
            transport=pool,
            sinks=[told.append],
            rng=random.Random(seed),
            clock=clock,
        )
        stage = Stage(router, by_id, told)
        async with router:
            await scene(stage)
        await asyncio.sleep(1)
        assert set(stage.leases().values()) == {0}
        assert {name: node.open_now for name, node in by_id.items()} == dict.fromkeys(by_id, 0)

    run_jumping(main())
