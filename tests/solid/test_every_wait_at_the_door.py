"""At each wait of a request's life at the door something goes wrong, and nothing of the request stays."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web
from attrs import define, field

from realtime_lb import LimitSettings, RealtimeRouter, Secret, Settings
from realtime_lb.abc import Connection
from realtime_lb.frames import Frame, Opcode
from realtime_lb.requests import ANONYMOUS, DialRequest, Principal
from realtime_lb.server import listening, listening_admin, realtime_handler
from realtime_lb.server.runner import Runner
from realtime_lb.transports.memory import MemoryTransport
from tests import support
from tests.solid.aftermath import open_sockets
from tests.solid.calls import SAY_HELLO, Stage
from tests.solid.raw import UPGRADE, request
from tests.solid.strikes import THEIR_OWN, cancel, cancel_twice, fail, lose
from tests.solid.test_every_wait import STEP
from tests.solid.waits import Waits
from tests.support import QUIET, SESSION_CREATED, deployment, http_server

pytestmark = pytest.mark.usefixtures("each_lane")

figures = logging.getLogger("figures")

LIMITS = LimitSettings(close_timeout_s=0.2, stall_timeout_s=1.0)
PATIENCE_S = 10.0


class Asks:
    """An authenticator that asks somebody else."""

    async def authenticate(self, key: Secret | None) -> Principal:
        await asyncio.sleep(0)
        return ANONYMOUS


@define(eq=False)
class Seen:
    """One request, or one server, and what became of it."""

    waits: Waits = field(factory=Waits)
    stage: Stage = field(factory=Stage)
    target: asyncio.Task[Any] | None = None
    was_cancelled: bool = False
    complaints: list[dict[str, Any]] = field(factory=list)


Strike = Callable[[Seen], BaseException | None]


async def talk(url: str) -> bool:
    """Be a client, as far as it comes; say whether it came to the end."""
    async with aiohttp.ClientSession() as http:
        with suppress(aiohttp.ClientError, ConnectionError, TypeError):
            async with http.ws_connect(f"{url}/v1/realtime?model=voice", timeout=ONE_SECOND) as client:
                await client.receive_json()
                await client.send_json(SAY_HELLO)
                return bool(await client.receive_json())
    return False


ONE_SECOND = aiohttp.ClientWSTimeout(ws_close=1.0)


@asynccontextmanager
async def all_let_go_of(seen: Seen) -> AsyncIterator[None]:
    """Run the block; afterwards there are the tasks and the sockets that there were before."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: seen.complaints.append(context))
    tasks, sockets = asyncio.all_tasks(), open_sockets()
    yield

    def left() -> dict[str, Any]:
        return {
            "leases": seen.stage.leases(),
            "sessions": seen.stage.router.snapshot().live_sessions,
            "upstreams": len(seen.stage.upstreams.live),
            "tasks": asyncio.all_tasks() - tasks,
            "sockets": max(0, open_sockets() - sockets),
        }

    until_s = loop.time() + PATIENCE_S
    while any(left().values()) and loop.time() < until_s:  # noqa: ASYNC110  # sockets are being closed
        await asyncio.sleep(0.005)
    assert not any(left().values()), left()
    assert all(isinstance(each.get("exception"), THEIR_OWN) for each in seen.complaints), seen.complaints
    loop.set_exception_handler(None)


async def _answered(strike: Strike, at: int) -> Seen:
    """Have a handler in an app of ours answer one client, and strike at the wait of that number."""
    seen, loop = Seen(), asyncio.get_running_loop()
    seen.stage.open(limits=LIMITS)
    async with all_let_go_of(seen):
        door = realtime_handler(seen.stage.router, authenticator=Asks(), lane=support.LANE)

        async def handle(asked: web.Request) -> web.StreamResponse:
            if seen.target is not None:  # aiohttp's client tries once more where it is hung up on
                return web.Response(status=503)
            seen.target = asyncio.current_task()
            answer: web.StreamResponse = await seen.waits.of(door(asked))  # type: ignore[arg-type]
            return answer

        app = web.Application()
        app.router.add_get("/v1/realtime", handle)
        runner = Runner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        seen.waits.strikes.append((at, lambda: strike(seen)))
        loop.set_task_factory(seen.waits.make)
        try:
            await talk(f"http://127.0.0.1:{runner.addresses[0][1]}")
            assert seen.target is not None
            await asyncio.wait({seen.target}, timeout=PATIENCE_S)
            assert seen.target.done(), "it hangs"
            for _ in range(10):  # who is cancelled twice waits no longer
                await asyncio.sleep(0)
            assert seen.stage.leases() == 0
            assert seen.target.cancelled() >= seen.was_cancelled, "a cancel was swallowed"
            await seen.stage.router.aclose()
        finally:
            loop.set_task_factory(None)
            await runner.cleanup()
    return seen


async def _served(strike: Strike, at: int) -> Seen:
    """Start and stop the listeners with one client, and strike at the wait of that number."""
    seen, loop = Seen(), asyncio.get_running_loop()
    seen.stage.open(limits=LIMITS)
    router = seen.stage.router
    begun: asyncio.Future[tuple[str, str]] = loop.create_future()
    leave = asyncio.Event()

    async def serve() -> None:
        async with (
            listening_admin(router, authenticator=Asks()) as admin,
            listening(router, authenticator=Asks(), lane=support.LANE) as url,
        ):
            begun.set_result((admin, url))
            await leave.wait()

    async def use() -> None:
        admin, url = await begun
        async with aiohttp.ClientSession() as http:
            with suppress(aiohttp.ClientError, ConnectionError):
                await (await http.get(f"{admin}/admin/sessions")).read()
        await talk(url)
        leave.set()

    async with all_let_go_of(seen):
        seen.waits.strikes.append((at, lambda: strike(seen)))
        loop.set_task_factory(seen.waits.make)
        seen.target = seen.waits.begin(serve())
        using = asyncio.create_task(use())
        await asyncio.wait({seen.target}, timeout=PATIENCE_S)
        using.cancel()
        await asyncio.wait({using})
        assert seen.target.done(), "it hangs"
        if not seen.target.cancelled():
            seen.target.exception()  # it is told to whoever runs the listeners
        assert seen.target.cancelled() >= seen.was_cancelled, "a cancel was swallowed"
        loop.set_task_factory(None)
        await router.aclose()
    return seen


PLACES = {"a handler": _answered, "listeners": _served}


@pytest.mark.parametrize("name", PLACES)
async def test_the_stories_are_told_to_their_end(name: str) -> None:
    seen = await PLACES[name](lambda _: None, 0)
    assert seen.target is not None
    assert not seen.target.cancelled()
    assert seen.target.exception() is None
    assert seen.complaints == []
    assert seen.waits.count > 10


@pytest.mark.parametrize("strike", [cancel, cancel_twice, lose, fail])
@pytest.mark.parametrize("name", PLACES)
async def test_nothing_stays_wherever_it_happens(name: str, strike: Strike) -> None:
    for at in itertools.count(1, STEP):
        try:
            seen = await PLACES[name](strike, at)
        except BaseException as error:
            error.add_note(f"at wait {at}")
            raise
        if seen.waits.count < at:
            break
    text = "figure: H2 %s, %s lane, %s: at each of %d waits, step %d"
    figures.info(text, name, support.LANE, strike.__name__, at - 1, STEP)


@define
class Asked:
    """A request in a handler of ours, whose client is a socket that says no more."""

    router: RealtimeRouter
    request: web.Request
    handling: asyncio.Task[Any]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


@asynccontextmanager
async def asked(behave: Callable[[Connection], object]) -> AsyncIterator[Asked]:
    """Ask for a session whose upstream does so, and yield when it has been dialled."""
    dialled, seen = asyncio.Event(), list[tuple[web.Request, asyncio.Task[Any]]]()

    async def upstream(_dial: DialRequest, connection: Connection) -> None:
        dialled.set()
        behave(connection)
        await connection.pump(lambda _: None)

    settings = Settings(deployments=(deployment("a", "http://memory"),), logging=QUIET)
    async with RealtimeRouter(settings, transport=MemoryTransport(upstream)) as router:
        door = realtime_handler(router, lane=support.LANE)

        async def handle(asked: web.Request) -> web.StreamResponse:
            task = asyncio.current_task()
            assert task is not None
            seen.append((asked, task))
            return await door(asked)

        async with http_server(handle) as url:
            where = urlsplit(url)
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            writer.write(request("GET /v1/realtime?model=voice HTTP/1.1", *UPGRADE))
            await dialled.wait()
            yield Asked(router, *seen[0], reader, writer)
            writer.transport.abort()


async def test_a_handler_that_is_cancelled_when_its_client_has_left_is_cancelled() -> None:
    async with asked(lambda _: None) as it:
        it.writer.transport.abort()
        while it.request.transport is not None:  # noqa: ASYNC110  # nobody tells that a client has left
            await asyncio.sleep(0)
        it.handling.cancel()
        await asyncio.wait({it.handling})
        assert it.handling.cancelled()
        assert it.router.snapshot().live_sessions == 0


async def test_a_handler_that_is_cancelled_twice_waits_for_no_goodbye() -> None:
    """The client does not answer it. What it leaves behind ends at once."""

    def greet(connection: Connection) -> None:
        connection.write(Frame(Opcode.TEXT, SESSION_CREATED.encode()))

    async with asked(greet) as it:
        await it.reader.readuntil(b"}}")
        it.handling.cancel()
        for _ in range(20):
            await asyncio.sleep(0)
        assert not it.handling.done()
        it.handling.cancel()
        await asyncio.wait({it.handling})
        assert it.handling.cancelled()
        for _ in range(20):
            await asyncio.sleep(0)
        assert it.router.snapshot().live_sessions == 0
        assert it.router.snapshot().deployments[0].live_sessions == 0
