"""However a session is broken off, nothing of it stays: no lease, no task, no upstream."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from realtime_lb import LimitSettings, RealtimeRouter, RoutingSettings, SessionRequest, Settings
from realtime_lb.abc import Connection, ProviderAdapter
from realtime_lb.errors import AllUpstreamsFailed, DownstreamClosed, InternalError, ShuttingDown
from realtime_lb.frames import Close, Frame, Opcode
from realtime_lb.legs import Leg
from realtime_lb.records import Fault
from realtime_lb.relay import Way, relay
from realtime_lb.requests import DialRequest
from realtime_lb.transports.memory import MemoryTransport, memory_pair
from tests.support import QUIET, SESSION_CREATED, Records, deployment

REQUEST = SessionRequest(model="voice")
LIMITS = LimitSettings(close_timeout_s=0.2)


class Upstreams:
    """Upstreams in memory that greet and echo, and remember how each was left."""

    def __init__(self) -> None:
        self.ends: list[Close] = []
        self.dialled = asyncio.Event()

    async def serve(self, _dial: DialRequest, connection: Connection) -> None:
        self.dialled.set()
        connection.write(Frame(Opcode.TEXT, SESSION_CREATED.encode()))
        self.ends.append(await connection.pump(connection.write))


def router_over(serve: Any, told: Records, **settings: Any) -> RealtimeRouter:
    pool = settings.pop("deployments", (deployment("a", "http://memory"),))
    given = Settings(deployments=pool, logging=QUIET, **{"limits": LIMITS, **settings})
    return RealtimeRouter(given, transport=MemoryTransport(serve), sinks=[told])


def leases(router: RealtimeRouter) -> int:
    return sum(d.live_sessions for d in router.snapshot().deployments)


async def stepped(steps: int) -> None:
    for _ in range(steps):
        await asyncio.sleep(0)


@pytest.mark.parametrize("steps", range(40))
async def test_a_session_may_be_cancelled_at_any_step(steps: int) -> None:
    upstreams, told = Upstreams(), Records()
    before = asyncio.all_tasks()
    near, far = memory_pair()

    async def accept() -> Connection:
        return far

    async with router_over(upstreams.serve, told) as router:
        serving = asyncio.create_task(router.serve(REQUEST, accept))
        await stepped(steps)
        serving.cancel()
        await asyncio.wait({serving})
        assert serving.cancelled()
        assert leases(router) == 0
        assert router.snapshot().live_sessions == 0
    near.abort()
    assert asyncio.all_tasks() == before
    assert len(told.closed) == min(steps, 1)
    assert {end.code for end in upstreams.ends} <= {1001, 1006}


@pytest.mark.parametrize("steps", range(25))
async def test_an_app_may_be_cancelled_at_any_step_of_opening(steps: int) -> None:
    upstreams, told = Upstreams(), Records()
    before = asyncio.all_tasks()

    async def use(router: RealtimeRouter) -> None:
        async with router.connect("voice") as session:
            async for _ in session:
                pass

    async with router_over(upstreams.serve, told) as router:
        using = asyncio.create_task(use(router))
        await stepped(steps)
        using.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait({using})
            await told.all_closed(min(steps, 1))
        assert leases(router) == 0
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (ConnectionResetError(), DownstreamClosed),
        (TimeoutError(), DownstreamClosed),
        (LookupError(), InternalError),
    ],
)
async def test_an_upstream_whose_client_cannot_be_accepted_is_let_go(
    failure: Exception, raised: type[Exception]
) -> None:
    upstreams, told = Upstreams(), Records()

    async def accept() -> Connection:
        raise failure

    async with router_over(upstreams.serve, told) as router:
        with pytest.raises(raised):
            await router.serve(REQUEST, accept)
        assert leases(router) == 0
        assert [end.code for end in upstreams.ends] == [1001]
    assert told.closed[0].close_code is None


async def test_who_is_cancelled_after_the_upgrade_says_1001_to_both_ends() -> None:
    upstreams, told = Upstreams(), Records()
    near, far = memory_pair()
    heard = asyncio.create_task(near.pump(lambda _frame: None))

    async def accept() -> Connection:
        return far

    async with router_over(upstreams.serve, told) as router:
        serving = asyncio.create_task(router.serve(REQUEST, accept))
        await told.until(lambda: bool(told.opened))
        serving.cancel()
        await asyncio.wait({serving})
        assert (await heard).code == 1001
        assert [end.code for end in upstreams.ends] == [1001]
    (record,) = told.closed
    assert (record.close_code, record.fault) == (1001, Fault.GATEWAY)


async def test_a_defect_while_relaying_is_told_to_both_ends_and_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The client hears an error event and 1011, and the record says the same."""
    upstreams, told = Upstreams(), Records()
    near, far = memory_pair()
    frames: list[bytes] = []
    heard = asyncio.create_task(near.pump(lambda frame: frames.append(bytes(frame.payload))))

    async def accept() -> Connection:
        return far

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    async with router_over(upstreams.serve, told) as router:
        serving = asyncio.create_task(router.serve(REQUEST, accept))
        await told.until(lambda: bool(told.opened))
        monkeypatch.setattr("realtime_lb.meter.event_of", broken)
        near.write(Frame(Opcode.TEXT, b'{"type":"response.done"}'))
        await asyncio.wait({serving})
        assert isinstance(serving.exception(), InternalError)
        assert (await heard).code == 1011
    assert b"internal_error" in frames[-1]
    assert (told.closed[0].close_code, told.closed[0].error) == (1011, "internal_error")


async def test_a_stuck_dial_gives_its_lease_back() -> None:
    async def stuck(_dial: DialRequest, _connection: Connection) -> None:
        await asyncio.Event().wait()

    told = Records()
    pool = (deployment("a", "http://memory", dial_timeout_s=0.05), deployment("b", "http://memory"))
    routing = RoutingSettings(dial_timeout_s=0.06)
    async with router_over(stuck, told, deployments=pool, routing=routing) as router:
        with pytest.raises(AllUpstreamsFailed):
            async with router.connect("voice"):
                pass
        assert leases(router) == 0
    assert {attempt.outcome for attempt in told.closed[0].attempts} == {"upstream_timeout"}
    assert sorted(attempt.deployment for attempt in told.closed[0].attempts) == ["a", "b"]


async def test_no_try_is_begun_that_has_no_time_left() -> None:
    """Three stuck upstreams and time for one: the others are not blamed for what they could not do."""

    async def stuck(_dial: DialRequest, _connection: Connection) -> None:
        await asyncio.Event().wait()

    told = Records()
    pool = tuple(deployment(name, "http://memory") for name in "abc")
    routing = RoutingSettings(dial_timeout_s=0.1, open_timeout_s=0.3)
    async with router_over(stuck, told, deployments=pool, routing=routing) as router:
        with pytest.raises(AllUpstreamsFailed):
            async with router.connect("voice"):
                pass
    assert len(told.closed[0].attempts) == 1


async def test_an_upstream_that_talks_before_its_client_is_there_is_held_up() -> None:
    """What it says meanwhile is bounded by the buffers on the way, and arrives in order."""
    sent = 0
    room = asyncio.Event()

    async def eager(_dial: DialRequest, connection: Connection) -> None:
        nonlocal sent
        connection.on_writable = room.set
        connection.write(Frame(Opcode.TEXT, SESSION_CREATED.encode()))
        pumping = asyncio.create_task(connection.pump(lambda _frame: None))
        for sent in range(1, 501):  # looked at from outside
            if not connection.write(Frame(Opcode.TEXT, b"%d:" % sent + b"x" * 4_096)):
                room.clear()
                await room.wait()
        await pumping

    told, go_on, asked = Records(), asyncio.Event(), asyncio.Event()
    near, far = memory_pair()
    numbers: list[int] = []

    async def accept() -> Connection:
        asked.set()
        await go_on.wait()
        return far

    def take(frame: Frame) -> None:
        if b":" in bytes(frame.payload[:4]):
            numbers.append(int(bytes(frame.payload).split(b":")[0]))
        if len(numbers) == 500:
            arrived.set()

    arrived = asyncio.Event()
    async with router_over(eager, told) as router:
        serving = asyncio.create_task(router.serve(REQUEST, accept))
        await asked.wait()
        await stepped(50)
        assert sent < 100
        pumping = asyncio.create_task(near.pump(take))
        go_on.set()
        await arrived.wait()
        await near.close()
        await serving
        await pumping
    assert numbers == list(range(1, 501))


class Closable(ProviderAdapter):
    name = "closable"
    closed = 0

    def dial(self, deployment: Any, request: Any) -> DialRequest:
        return DialRequest(url="ws://memory/")

    async def aclose(self) -> None:
        self.closed += 1


async def test_a_router_closes_what_it_holds_and_takes_nothing_more() -> None:
    upstreams, told, provider = Upstreams(), Records(), Closable()
    settings = Settings(deployments=(deployment("a", "http://memory"),), logging=QUIET, limits=LIMITS)
    router = RealtimeRouter(
        settings, transport=MemoryTransport(upstreams.serve), providers=[provider], sinks=[told]
    )
    async with router.connect("voice") as session:
        await session.recv()
        await asyncio.gather(router.aclose(), router.aclose())
        assert [event["error"]["code"] async for event in session] == ["shutting_down"]
    assert provider.closed >= 1
    assert told.closed[0].close_code == 1001
    with pytest.raises(ShuttingDown):
        async with router.connect("voice"):
            pass


async def test_closing_a_router_ends_the_dials_under_way() -> None:
    dialled = asyncio.Event()

    async def stuck(_dial: DialRequest, _connection: Connection) -> None:
        dialled.set()
        await asyncio.Event().wait()

    told = Records()
    router = router_over(stuck, told, routing=RoutingSettings(dial_timeout_s=60.0, open_timeout_s=60.0))
    opening = asyncio.create_task(router.connect("voice").__aenter__())
    await dialled.wait()
    async with asyncio.timeout(5):
        await router.aclose()
        await asyncio.wait({opening})
    assert isinstance(opening.exception(), ShuttingDown)
    assert told.closed[0].error == "shutting_down"
    assert leases(router) == 0


class Deaf:
    """A connection whose reader never ends, and whose peer never has room."""

    def __init__(self) -> None:
        self.on_writable: Callable[[], None] = lambda: None
        self.taken_bytes = 0

    async def pump(self, _on_frame: Any) -> Close:
        await asyncio.Event().wait()
        raise AssertionError

    def redirect(self, on_frame: Any, splice: Any = None) -> None: ...

    def write(self, _frame: Frame) -> bool:
        return False

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    async def close(self, code: int = 1000, reason: str = "") -> None: ...

    def abort(self) -> None: ...


async def test_a_reader_that_does_not_end_does_not_hold_its_session() -> None:
    leg = Leg(Deaf(), lambda _frame: None)
    await leg.close(Close(1000))
    assert leg.ended.cancelled()


def lane_timers() -> int:
    """How many watches run on this loop."""
    scheduled = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]  # nothing public tells
    return sum("Lane" in repr(handle) for handle in scheduled if not handle.cancelled())


async def test_one_refusal_starts_one_watch_and_none_survives_the_relay() -> None:
    near, far = memory_pair()
    downstream, upstream = Leg(far, lambda _frame: None), Leg(Deaf(), lambda _frame: None)
    stopped: asyncio.Future[Close] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(
        relay(
            downstream,
            upstream,
            ways=(Way(), Way()),
            held=((), ()),
            stall_timeout_s=60.0,
            stopped=stopped,
            left=asyncio.get_running_loop().create_future(),
        )
    )
    await asyncio.sleep(0)
    for _ in range(3):
        near.write(Frame(Opcode.TEXT, b"y"))
    await stepped(5)
    assert lane_timers() == 1
    stopped.set_result(Close(1001))
    await running
    assert lane_timers() == 0
    await downstream.abort()
    await upstream.abort()
