"""A session inside an app: balanced as any other, without a server."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import realtime_lb
from realtime_lb import Dialect, LimitSettings, RealtimeRouter, RehomeSettings, SessionEnded, Settings
from realtime_lb.errors import AllUpstreamsFailed, CredentialUnavailable, MissingExtra, UnknownModel
from realtime_lb.frames import Close, Frame, Opcode
from realtime_lb.records import Fault
from realtime_lb.requests import DialRequest
from realtime_lb.transports.memory import MemoryTransport
from tests.support import (
    QUIET,
    SESSION_CREATED,
    Records,
    Websocket,
    deployment,
    gateway,
    greet_and_echo,
    upstream,
)


async def test_an_app_sends_and_receives_events() -> None:
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url)) as gate:
        async with gate.router.connect("voice") as session:
            assert (await session.recv())["type"] == "session.created"
            for event in ({"type": "a", "n": 1}, '{"type":"b"}', b'{"type": "c"}'):
                await session.send(event)
            assert [(await session.recv())["type"] for _ in "abc"] == ["a", "b", "c"]
            await session.send('{"type" : "as it is"}')
            assert await session.recv_bytes() == b'{"type" : "as it is"}'
        (record,) = await gate.told.all_closed(1)
    assert (record.session_id, record.close_code, record.fault) == (session.id, 1000, Fault.NOBODY)
    with pytest.raises(SessionEnded):
        await session.send({"type": "late"})


async def test_what_is_no_event_is_passed_over() -> None:
    async def behave(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        await websocket.send_str("[1]")
        await websocket.send_bytes(b"\x00")
        await websocket.send_str('{"type":"next"}')
        await websocket.receive()

    async with (
        upstream(behave) as url,
        gateway(deployment("a", url)) as gate,
        gate.router.connect("voice") as session,
    ):
        assert [(await session.recv())["type"] for _ in range(2)] == ["session.created", "next"]


@pytest.mark.parametrize("code", [1000, 1001])
async def test_iterating_stops_at_a_normal_end(code: int) -> None:
    async def behave(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        await websocket.close(code=code)

    async with (
        upstream(behave) as url,
        gateway(deployment("a", url), rehome=RehomeSettings(enabled=False)) as gate,
        gate.router.connect("voice") as session,
    ):
        assert [event["type"] async for event in session] == ["session.created"]


async def test_iterating_raises_at_any_other_end() -> None:
    async def behave(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        await websocket.close(code=4000, message=b"because")

    async with (
        upstream(behave) as url,
        gateway(deployment("a", url)) as gate,
        gate.router.connect("voice") as session,
    ):
        seen = []
        with pytest.raises(SessionEnded) as end:  # noqa: PT012  # the loop is what raises
            async for event in session:
                seen.append(event["type"])  # noqa: PERF401  # a comprehension would lose what came first
        assert seen == ["session.created"]
    assert end.value.close == Close(4000, "because")


async def test_a_session_that_cannot_be_placed_raises_why() -> None:
    async with gateway(deployment("a", "http://127.0.0.1:1")) as gate:
        for model, dialect, error in (
            ("voice", Dialect.GA, AllUpstreamsFailed),
            ("nope", Dialect.GA, UnknownModel),
            ("voice", Dialect.BETA, AllUpstreamsFailed),
        ):
            with pytest.raises(error):
                async with gate.router.connect(model, dialect=dialect):
                    pass
        assert len(await gate.told.all_closed(3)) == 3


async def test_an_apps_own_exception_passes_and_closes_the_session() -> None:
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url)) as gate:
        with pytest.raises(LookupError):
            async with gate.router.connect("voice"):
                raise LookupError
        (record,) = await gate.told.all_closed(1)
    assert record.close_code == 1000


async def test_cancelling_an_app_ends_its_dial() -> None:
    dialled, left = asyncio.Event(), asyncio.Event()

    async def behave(websocket: Websocket) -> None:
        dialled.set()
        await websocket.receive()
        left.set()

    async with upstream(behave) as url, gateway(deployment("a", url)) as gate:
        opening = asyncio.create_task(gate.router.connect("voice").__aenter__())
        await dialled.wait()
        opening.cancel()
        await asyncio.wait({opening})
        assert opening.cancelled()
        await left.wait()
        assert gate.router.snapshot().live_sessions == 0


async def test_an_app_that_does_not_read_holds_its_upstream_up_and_loses_nothing() -> None:
    """What waits for the app is bounded in frames, and sending waits while the other side takes nothing."""
    count = 5_000
    big = "x" * 4_000

    async def behave(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        for number in range(count):
            await websocket.send_str(json.dumps({"type": "n", "n": number, "pad": big}))
        async for message in websocket:
            await websocket.send_str(message.data)

    async with (
        upstream(behave) as url,
        gateway(deployment("a", url)) as gate,
        gate.router.connect("voice") as session,
    ):

        async def send_all() -> None:
            for number in range(count):
                await session.send({"type": "back", "n": number, "pad": big})

        sending = asyncio.create_task(send_all())
        await session.recv()
        assert [(await session.recv())["n"] for _ in range(count)] == list(range(count))
        assert [(await session.recv())["n"] for _ in range(count)] == list(range(count))
        await sending


Serve = Callable[[DialRequest, Any], Awaitable[None]]


def router_over(serve: Serve, told: Records, **settings: Any) -> RealtimeRouter:
    given = Settings(deployments=(deployment("a", "http://memory"),), logging=QUIET, **settings)
    return RealtimeRouter(given, transport=MemoryTransport(serve), sinks=[told])


async def test_a_router_runs_over_any_transport() -> None:
    """No socket at all: an upstream in memory."""
    dials: list[DialRequest] = []

    async def serve(dial: DialRequest, connection: Any) -> None:
        dials.append(dial)
        connection.write(Frame(Opcode.TEXT, SESSION_CREATED.encode()))
        await connection.pump(connection.write)

    told = Records()
    async with router_over(serve, told) as router, router.connect("voice") as session:
        await session.send({"type": "echo"})
        assert [(await session.recv())["type"] for _ in range(2)] == ["session.created", "echo"]
    assert dials[0].url == "ws://memory/v1/realtime?model=gpt-realtime"


async def test_a_defect_of_ours_is_told_as_such() -> None:
    """A strategy that raises what it must not: the client gets a fixed text, the log the fault."""

    class Broken:
        def pick(self, _candidates: Any, _request: Any, /) -> Any:
            raise ZeroDivisionError("with sk-secret in it")

    told = Records()
    settings = Settings(deployments=(deployment("a", "http://memory"),))
    async with RealtimeRouter(settings, strategy=Broken(), sinks=[told]) as router:
        with pytest.raises(realtime_lb.RealtimeError) as error:
            async with router.connect("voice"):
                pass
    assert "sk-secret" not in str(error.value)
    assert isinstance(error.value.__cause__, ZeroDivisionError)
    assert (told.closed[0].error, told.closed[0].fault) == ("internal_error", Fault.GATEWAY)


async def test_a_stuck_dial_ends_when_its_time_is_up() -> None:
    async def serve(_dial: DialRequest, _connection: Any) -> None:
        await asyncio.Event().wait()

    told = Records()
    routing = realtime_lb.RoutingSettings(dial_timeout_s=0.05)
    async with router_over(serve, told, routing=routing, limits=LimitSettings()) as router:
        with pytest.raises(AllUpstreamsFailed):
            async with router.connect("voice"):
                pass
    assert [attempt.outcome for attempt in told.closed[0].attempts] == ["upstream_timeout"]


def test_settings_that_name_what_does_not_exist_are_refused_at_once() -> None:
    settings = Settings(
        deployments=(realtime_lb.Deployment(id="a", model_group="voice", model="m", provider="opneai"),),
        routing=realtime_lb.RoutingSettings(strategy="lest-busy"),
    )
    with pytest.raises(realtime_lb.ConfigError) as error:
        RealtimeRouter(settings)
    assert "opneai" in str(error.value)
    assert "lest-busy" in str(error.value)
    assert "known strategies: adaptive, cost-based-routing, latency-based-routing, least-busy" in str(
        error.value
    )


def test_a_deployment_that_is_set_up_wrongly_is_refused_at_once() -> None:
    """Before the first caller, not by failing its whole group later."""
    azure = realtime_lb.Deployment(
        id="a", model_group="voice", model="m", provider="azure", api_base="https://x.example/?key=1"
    )
    with pytest.raises(realtime_lb.ConfigError) as error:
        RealtimeRouter(Settings(deployments=(azure,)))
    assert "api_base" in str(error.value)


@pytest.mark.parametrize(
    ("failure", "told_of"),
    [
        (MissingExtra("azure", "Signing in"), "realtime-lb[azure]"),
        (CredentialUnavailable("The vault is locked"), "The vault is locked"),
        (ConnectionResetError("by sk-secret"), "ConnectionResetError"),
    ],
)
async def test_a_deployment_whose_credential_cannot_be_had_is_passed_over(
    failure: Exception, told_of: str
) -> None:
    class Keyless(realtime_lb.ProviderAdapter):
        name = "keyless"

        def dial(self, deployment: Any, request: Any) -> DialRequest:
            return DialRequest(url="ws://memory/")

        async def credentials(self, deployment: Any) -> Any:
            raise failure

    async with upstream(greet_and_echo) as url:
        keyless = realtime_lb.Deployment(id="k", model_group="voice", model="m", provider="keyless", order=1)
        told = Records()
        settings = Settings(deployments=(keyless, deployment("a", url)), logging=QUIET)
        router = RealtimeRouter(settings, providers=[Keyless()], sinks=[told])
        async with router, router.connect("voice") as session:
            await session.recv()
    (record,) = told.closed
    assert [a.outcome for a in record.attempts] == ["upstream_credential", "accepted"]
    assert told_of in record.attempts[0].detail
    assert "sk-secret" not in str(told.all)
