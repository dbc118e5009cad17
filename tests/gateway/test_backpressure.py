"""A slow reader slows its sender down; a dead one ends its session. Nothing piles up in between."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import define, field

from realtime_lb import LimitSettings, RehomeSettings
from realtime_lb.abc import Splice
from realtime_lb.frames import Frame, Opcode
from realtime_lb.records import Fault
from realtime_lb.relay import Lane, Way
from realtime_lb.shortcut import Backlog, Shortcut
from tests.support import SESSION_CREATED, Websocket, deployment, gateway, upstream

pytestmark = pytest.mark.usefixtures("each_lane")

CHUNK = '{"type":"chunk","pad":"%s"}' % ("x" * 65_510)  # 64 KiB, as a large event
CHUNKS = 2_048  # 128 MiB: far more than all socket buffers on the way hold
HELD_AT_MOST = 400  # 25 MiB: what Linux grants three pairs of loopback sockets
PATIENT = LimitSettings(stall_timeout_s=60.0)


@define
class Flood:
    """Sends all chunks, and knows how far it has come."""

    sent: int = 0
    moving: asyncio.Event = field(factory=asyncio.Event)

    async def run(self, websocket: Any) -> None:
        for _ in range(CHUNKS):
            await websocket.send_str(CHUNK)
            self.sent += 1
            self.moving.set()

    async def is_held_up(self) -> None:
        """Return once nothing has moved for a while."""
        await self.moving.wait()
        before = -1
        while before != self.sent:
            before = self.sent
            await asyncio.sleep(0.3)  # there is no event for "nothing happens"


async def drain(websocket: Any) -> int:
    received = 0
    while received < CHUNKS:
        received += len((await websocket.receive()).data) // len(CHUNK)
    return received


async def test_a_client_that_reads_slowly_holds_its_upstream_up_and_loses_nothing() -> None:
    flood = Flood()

    async def behave(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        await flood.run(websocket)
        await websocket.receive()

    async with (
        upstream(behave) as url,
        gateway(deployment("a", url), limits=PATIENT) as gate,
        gate.open() as client,
    ):
        await client.receive()
        await flood.is_held_up()
        assert 0 < flood.sent < HELD_AT_MOST
        assert await drain(client) == CHUNKS


async def test_an_upstream_that_reads_slowly_holds_its_client_up_and_loses_nothing() -> None:
    flood, read_on = Flood(), asyncio.Event()
    received: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def behave(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        await read_on.wait()
        received.set_result(await drain(websocket))
        await websocket.receive()

    async with (
        upstream(behave) as url,
        gateway(deployment("a", url), limits=PATIENT) as gate,
        gate.open() as client,
    ):
        await client.receive()
        sending = asyncio.create_task(flood.run(client))
        await flood.is_held_up()
        assert 0 < flood.sent < HELD_AT_MOST
        read_on.set()
        assert await received == CHUNKS
        await sending


@pytest.mark.parametrize("talking", [False, True], ids=["silent", "sending all the while"])
async def test_a_client_that_takes_nothing_any_more_is_let_go(talking: bool) -> None:
    """Even one that keeps sending, which looks alive to every heartbeat."""
    gone: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def behave(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        flooding = asyncio.create_task(Flood().run(websocket))
        async for _ in websocket:
            pass
        gone.set_result(websocket.close_code)
        flooding.cancel()
        await asyncio.wait({flooding})

    limits = LimitSettings(stall_timeout_s=0.5, close_timeout_s=0.2)
    async with upstream(behave) as url, gateway(deployment("a", url), limits=limits) as gate:
        client = await gate.open()
        await client.receive()
        if talking:
            for _ in range(50):
                await client.send_str("still here")
        assert await gone == 1001
        (record,) = await gate.told.all_closed(1)
        await client.close()
    assert (record.error, record.fault, record.close_code) == ("slow_consumer", Fault.CLIENT, 1008)


async def test_an_upstream_that_takes_nothing_any_more_is_its_own_fault() -> None:
    over = asyncio.Event()

    async def behave(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        await over.wait()

    limits = LimitSettings(stall_timeout_s=0.5, close_timeout_s=0.2)
    nowhere = RehomeSettings(timeout_s=0.2)
    async with upstream(behave) as url, gateway(deployment("a", url), limits=limits, rehome=nowhere) as gate:
        client = await gate.open()
        await client.receive()
        flooding = asyncio.create_task(Flood().run(client))
        assert "upstream_lost" in (await client.receive()).data
        assert (await client.receive()).data == 1011
        (record,) = await gate.told.all_closed(1)
        over.set()
        flooding.cancel()
        await asyncio.wait({flooding})
    assert (record.error, record.fault) == ("upstream_lost", Fault.UPSTREAM)


class SlowPeer:
    """A connection whose peer takes what the test lets it take."""

    def __init__(self, taken: list[int]) -> None:
        self.on_writable: Callable[[], None] = lambda: None
        self.paused = False
        self._taken = taken

    def write(self, _frame: Frame) -> bool:
        return False

    @property
    def taken_bytes(self) -> int:
        return self._taken.pop(0) if len(self._taken) > 1 else self._taken[0]

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False


async def test_a_reader_that_is_slow_but_reads_is_not_taken_for_a_dead_one() -> None:
    """Three looks find progress, the fourth finds none."""
    source, sink = SlowPeer([0]), SlowPeer([100, 300, 300, 600, 600, 900, 900, 900])
    stalled = asyncio.Event()
    lane = Lane(SimpleNamespace(connection=source), sink, Way(), 0.001, stalled.set)  # type: ignore[arg-type]
    lane.forward(Frame(Opcode.TEXT, b"x"))
    assert source.paused
    await stalled.wait()
    assert sink._taken == [900]
    sink.on_writable()
    assert not source.paused


async def test_a_reader_that_a_splice_has_filled_is_watched_and_its_source_is_held() -> None:
    source, sink, stalled = SlowPeer([0]), SlowPeer([900]), asyncio.Event()
    told: list[Splice | None] = []
    leg = SimpleNamespace(connection=source, redirect=lambda _on_frame, splice=None: told.append(splice))
    way = Way(shortcut=Shortcut(frozenset({"sound"}), None))
    lane = Lane(leg, sink, way, 0.001, stalled.set)  # type: ignore[arg-type]
    lane.begin()
    (splice,) = filter(None, told)
    splice.on_full()
    assert source.paused
    await stalled.wait()
    sink.on_writable()
    assert not source.paused


async def test_what_a_splice_has_kept_is_looked_at_each_time_that_it_has_become_much() -> None:
    told: list[Splice | None] = []
    looks: list[int] = []
    leg = SimpleNamespace(redirect=lambda _on_frame, splice=None: told.append(splice))
    kept: list[bytes] = []
    backlog = Backlog(kept.append, 100, lambda: looks.append(way.count.bytes))
    way = Way(shortcut=Shortcut(frozenset({"sound"}), print, backlog))
    Lane(leg, SlowPeer([0]), way, 60.0, lambda: None).begin()  # type: ignore[arg-type]
    (splice,) = filter(None, told)
    assert (splice.seen, splice.seen_view) == (backlog.keep, print)
    looks.clear()
    for _ in range(30):  # as a transport does
        splice.count.bytes += 9
        if splice.count.bytes >= splice.count.due_bytes:
            splice.on_due()
    assert looks == [108, 216]


async def test_who_causes_an_answer_that_does_not_fit_is_not_read_on() -> None:
    """A client that sends nonsense and reads no answers holds up itself, not the upstream."""
    upstream_end, client = SlowPeer([0]), SlowPeer([900])
    source = SimpleNamespace(connection=upstream_end)
    down = Lane(source, client, Way(), 60.0, lambda: None)  # type: ignore[arg-type]
    down.put(Frame(Opcode.TEXT, b"an answer"), client)  # type: ignore[arg-type]
    assert (client.paused, upstream_end.paused) == (True, False)
    client.on_writable()
    assert not client.paused
    down.stop_watching()
