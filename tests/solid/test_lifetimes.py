"""A session that is over is forgotten: its tasks, its files, its leases, and itself."""

import asyncio
import gc
import logging
import os
import random
import socket
import ssl
import struct
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest
import trustme
import uvloop

from realtime_lb import RehomeSettings
from realtime_lb.attempts import Upstream
from realtime_lb.deployments import Tls
from realtime_lb.frames import Frame
from realtime_lb.session import Session
from tests.circles import kept_in_circles
from tests.solid.test_every_wait import STORIES, told
from tests.support import Gateway, deployment, gateway, greet_and_echo, upstream

pytestmark = pytest.mark.usefixtures("each_lane")

figures = logging.getLogger("figures")

T = TypeVar("T")

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}

SESSIONS = 1_000 if os.environ.get("SOLID_FULL") == "1" else 200
AT_ONCE = 20
ABRUPT = 0.1


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[Session]]:
    """Every session of this test, as long as somebody else holds it."""
    seen: list[weakref.ref[Session]] = []

    def make(**attributes: Any) -> Session:
        session = Session(**attributes)
        seen.append(weakref.ref(session))
        return session

    monkeypatch.setattr("realtime_lb.router.Session", make)
    return seen


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def reset(websocket: aiohttp.ClientWebSocketResponse) -> None:
    """End it as a machine does that fails."""
    transport = websocket._response.connection.transport  # type: ignore[union-attr]
    plug = transport.get_extra_info("socket")  # type: ignore[union-attr]
    plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()  # type: ignore[union-attr]


async def talk(gate: Gateway, *, abruptly: bool) -> None:
    async with gate.open() as websocket:
        await websocket.receive()
        for number in range(5):
            await websocket.send_str(f'{{"type":"input_audio_buffer.append","audio":"AAAA","n":{number}}}')
            await websocket.receive()
        if abruptly:
            reset(websocket)


async def come_and_go(gate: Gateway, count: int, chance: random.Random) -> None:
    free = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with free:
            await talk(gate, abruptly=chance.random() < ABRUPT)

    closed = len(gate.told.closed)
    async with asyncio.TaskGroup() as crowd:
        for _ in range(count):
            crowd.create_task(one())
    await gate.told.all_closed(closed + count)


LARGE = {"Session", "Home", "TakeOver", "Meter", "Passage", "Items", "Tail"}
"""Who holds what is kept of a session, or whoever does."""


@pytest.mark.usefixtures("no_collector")
async def test_sessions_come_and_go_and_leave_nothing(sessions: list[weakref.ref[Session]]) -> None:
    """One in ten is cut off by a reset. The collector has nothing to do."""
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url)) as gate:
        chance = random.Random(1)
        await come_and_go(gate, AT_ONCE, chance)
        await settled(lambda: len(asyncio.all_tasks()) == 2)
        gc.collect()
        files = open_files()
        await come_and_go(gate, SESSIONS, chance)
        await settled(lambda: len(asyncio.all_tasks()) == 2)
        await settled(lambda: open_files() == files)
        snapshot = gate.router.snapshot()
        assert (snapshot.live_sessions, snapshot.deployments[0].live_sessions) == (0, 0)
        alive = sum(ref() is not None for ref in sessions)
        uncollectable = sum(generation["uncollectable"] for generation in gc.get_stats())
        assert kept_in_circles() & LARGE == set()
    assert (len(sessions), alive, uncollectable) == (AT_ONCE + SESSIONS, 0, 0)
    figures.info("figure: H6 without the collector %d of %d sessions outlive their end", alive, len(sessions))


SMALL = {"Journal", "Continuity", "Telling", "Names"}
"""What is left of a journal that has let go of all that it kept. All else is free when its session ends."""


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("over_tls", [False, True], ids=["ws", "wss"])
@pytest.mark.usefixtures("no_collector")
def test_whatever_the_loop_the_collector_finds_next_to_nothing(
    loop: str, over_tls: bool, tmp_path: Path
) -> None:
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("127.0.0.1").configure_cert(context)
    tls = Tls(ca_file=tmp_path / "ca.pem")

    async def story() -> set[str]:
        async with (
            upstream(greet_and_echo, tls=context if over_tls else None) as url,
            gateway(deployment("a", url, tls=tls)) as gate,
        ):
            gc.collect()
            await come_and_go(gate, AT_ONCE, random.Random(1))
            await settled(lambda: len(asyncio.all_tasks()) == 2)
            return kept_in_circles()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        assert runner.run(story()) <= SMALL


@pytest.mark.parametrize("name", ["an upstream dies", "a deployment is drained", "an app talks and leaves"])
@pytest.mark.usefixtures("no_collector")
def test_a_session_that_moved_is_forgotten_as_well(name: str, sessions: list[weakref.ref[Session]]) -> None:
    told(STORIES[name])
    assert [ref() for ref in sessions] == [None]
    assert kept_in_circles() & LARGE == set()


@pytest.mark.usefixtures("no_collector")
async def test_a_session_that_never_began_is_forgotten_as_well(sessions: list[weakref.ref[Session]]) -> None:
    """Refused for what dials came to, for what is known of all upstreams, and for its model."""
    async with gateway(deployment("a", "http://127.0.0.1:1")) as gate:
        for model in ["voice"] * 10 + ["nobody's"] * 2:
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await gate.open(f"/v1/realtime?model={model}")
        codes = {closed.error for closed in gate.told.closed}
        assert [ref() for ref in sessions] == [None] * 12
        assert kept_in_circles() & LARGE == set()
    assert codes == {"all_upstreams_failed", "upstreams_down", "model_not_found"}


@pytest.mark.parametrize("moves", [False, True])
async def test_what_an_upstream_says_first_is_not_kept(moves: bool) -> None:
    """It has passed; nobody needs it while the session lives."""
    alone, before = RehomeSettings(enabled=moves), [*alive(Upstream), *alive(Frame)]
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url), rehome=alone) as gate,
        gate.open() as websocket,
    ):
        await websocket.receive()
        assert [held.held for held in alive(Upstream, before)] == [[]]
        assert alive(Frame, before) == []


def alive(kind: type[T], before: Sequence[object] = ()) -> list[T]:
    """Every such object that was not there before."""
    gc.collect()
    known = {id(thing) for thing in before}
    return [thing for thing in gc.get_objects() if isinstance(thing, kind) and id(thing) not in known]


async def settled(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110  # nobody tells of a task that is over, or of a file
            await asyncio.sleep(0.01)
