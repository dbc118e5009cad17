"""A router that is given other configurations under load: it goes by all of one, or by all of another."""

import asyncio
import gc
import logging
import os
import random
from urllib.parse import parse_qs, urlsplit

import pytest
from attrs import define, field

from realtime_lb import Deployment, LoggingSettings, RealtimeRouter, RoutingSettings, Secret, Settings
from realtime_lb.abc import Connection
from realtime_lb.errors import ConfigError, HandshakeRefused, RealtimeError
from realtime_lb.frames import Frame, Opcode
from realtime_lb.requests import DialRequest
from realtime_lb.testing import run_jumping
from realtime_lb.transports.memory import MemoryTransport
from tests.support import SESSION_CREATED

RELOADS = 10_000 if "SOLID_FULL" in os.environ else 1_000
WARM_UP = 500
DEPLOYMENTS = 4
CALLERS = 10

_figures = logging.getLogger("figures")


def version(number: int) -> Settings:
    """Everything in it says which one it is: groups, ids, hosts, models, keys and names."""
    deployments = tuple(
        Deployment(
            id=f"v{number}-{member}",
            model_group=f"group-{number}",
            model=f"model-v{number}",
            provider="openai_compatible",
            api_base=f"http://v{number}.test/v1",
            api_key=Secret(f"key-v{number}" if member else f"bad-v{number}"),
            warm=member % 2,
        )
        for member in range(DEPLOYMENTS)
    )
    strategy = ("adaptive", "least-busy", "round-robin", "simple-shuffle")[number % 4]
    routing = RoutingSettings(
        strategy=strategy, group_aliases={"voice": f"group-{number}"}, default_model=f"group-{number}"
    )
    return Settings(
        deployments=deployments, routing=routing, logging=LoggingSettings(event_types=frozenset())
    )


class Transport(MemoryTransport):
    """Refuses bad keys."""

    async def connect(self, dial: DialRequest, timeout_s: float) -> Connection:
        if _key(dial).startswith("bad-"):
            raise HandshakeRefused(401)
        return await super().connect(dial, timeout_s)


def _key(dial: DialRequest) -> str:
    shown = dial.headers["Authorization"]
    return (shown.reveal() if isinstance(shown, Secret) else shown).removeprefix("Bearer ")


@define
class Upstreams:
    """Greets after a moment, echoes, and notes what is not all of one version."""

    dials: int = 0
    mixed: list[str] = field(factory=list)

    async def serve(self, dial: DialRequest, connection: Connection) -> None:
        self.dials += 1
        where = urlsplit(dial.url)
        host = (where.hostname or "").removesuffix(".test")
        (model,) = parse_qs(where.query)["model"]
        if {host, _key(dial).removeprefix("key-")} != {model.removeprefix("model-")}:
            self.mixed.append(f"{host} {model}")
        await asyncio.sleep(0.01 * (self.dials % 7))
        connection.write(Frame(Opcode.TEXT, SESSION_CREATED.encode()))
        await connection.pump(connection.write)


def resident_bytes() -> int:
    statm = os.open("/proc/self/statm", os.O_RDONLY)  # which nothing waits for
    try:
        return int(os.pread(statm, 100, 0).split()[1]) * os.sysconf("SC_PAGE_SIZE")
    finally:
        os.close(statm)


def test_a_thousand_reloads_under_load_are_each_all_or_nothing_and_leave_nothing_behind() -> None:
    """One in ten cannot be used, and one key of each is refused. Calls go on meanwhile, each to its end."""
    upstreams, served, refused, resident, kept = Upstreams(), 0, 0, [], []

    async def call(router: RealtimeRouter, rng: random.Random) -> None:
        nonlocal served
        async with router.connect(rng.choice(("voice", None))) as session:
            await session.recv()
            for number in range(rng.randrange(1, 6)):
                await session.send({"type": "n", "n": number})
                assert (await session.recv())["n"] == number
                await asyncio.sleep(rng.random() * 0.1)
        served += 1

    async def come_again(router: RealtimeRouter, rng: random.Random) -> None:
        while True:
            await call(router, rng)

    async def main() -> None:
        nonlocal refused
        rng = random.Random(5)
        clock = asyncio.get_running_loop().time
        transport = Transport(upstreams.serve)
        async with RealtimeRouter(version(0), transport=transport, sinks=(), rng=rng, clock=clock) as router:
            calls = [asyncio.create_task(come_again(router, random.Random(seed))) for seed in range(CALLERS)]
            for number in range(1, RELOADS + 1):
                await asyncio.sleep(rng.random() * 0.05)
                if rng.random() < 0.1:
                    before = router.settings
                    with pytest.raises(ConfigError):
                        router.reconfigure(_unusable(number))
                    assert router.settings is before
                    refused += 1
                else:
                    router.reconfigure(version(number))
                    assert {d.model_group for d in router.snapshot().deployments} == {f"group-{number}"}
                if number in {WARM_UP, RELOADS}:
                    gc.collect()
                    resident.append(resident_bytes())
                    kept.append(len(gc.get_objects()))
                assert not any(task.done() for task in calls), "a call failed"
            for task in calls:
                task.cancel()
            await asyncio.wait(calls)

    run_jumping(main())
    assert upstreams.mixed == []
    assert served > RELOADS / 2
    assert refused > RELOADS / 20
    assert kept[1] <= kept[0] * 1.02, "objects stay behind"
    assert resident[1] <= resident[0] * 1.02
    grown = (resident[1] / resident[0] - 1) * 100
    text = (
        f"{RELOADS:,} reloads, {refused} of them refused, under {served:,} calls: 0 mixed, RSS {grown:+.1f} %"
    )
    _figures.info("figure: G5 %s", text)


def _unusable(number: int) -> Settings:
    """Its last deployment has a provider that nobody knows; all before it is new, and good."""
    good = version(number)
    last = Deployment(id="x", model_group="voice", model="m", provider="nobody")
    return Settings(deployments=(*good.deployments, last), routing=good.routing)


def test_a_call_that_is_being_placed_goes_where_it_is_known() -> None:
    """It was dialling when its deployment went: it is accepted there, and moves, or is placed elsewhere."""
    upstreams = Upstreams()

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        transport = Transport(upstreams.serve)
        async with RealtimeRouter(version(0), transport=transport, sinks=(), clock=clock) as router:
            for number in range(1, 50):
                opening = asyncio.create_task(router.connect("voice").__aenter__())
                for _ in range(number % 12):
                    await asyncio.sleep(0)
                router.reconfigure(version(number))
                try:
                    session = await opening
                except RealtimeError as error:  # pragma: no cover  # it would say which
                    raise AssertionError(number) from error
                assert (await session.recv())["type"] == "session.created"

    run_jumping(main())
    assert upstreams.mixed == []
