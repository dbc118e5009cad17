"""The fast lane is a route: it works in anybody's app, on any loop, with all that aiohttp does to it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest
import trustme
import uvloop
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from realtime_lb import LimitSettings, RealtimeRouter, Settings
from realtime_lb.server import realtime_handler
from realtime_lb.transports.lanes import accept
from realtime_lb.transports.picows_upgrade import can_be_taken_over
from tests.support import QUIET, Records, deployment, greet_and_echo, upstream

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@web.middleware
async def signed(request: web.Request, handler: Callable[..., object]) -> web.StreamResponse:
    response = await handler(request)  # type: ignore[misc]
    assert isinstance(response, web.StreamResponse)
    seen.append(response.status)
    return response


seen: list[int] = []


async def stamped(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["X-App"] = "theirs"


@asynccontextmanager
async def their_app(
    url: str, told: Records, tls: ssl.SSLContext | None = None, *, handler_cancellation: bool = False
) -> AsyncIterator[str]:
    """An app with a middleware, a signal and a route of ours, run as nobody else runs theirs."""
    seen.clear()
    settings = Settings(deployments=(deployment("a", url),), logging=QUIET)
    async with RealtimeRouter(settings, sinks=[told]) as router:
        app = web.Application(middlewares=[signed])
        app.on_response_prepare.append(stamped)
        app.router.add_get("/talk", realtime_handler(router, lane="fast"))
        runner = web.AppRunner(app, shutdown_timeout=0.5, handler_cancellation=handler_cancellation)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
            scheme = "http" if tls is None else "https"
            yield f"{scheme}://127.0.0.1:{runner.addresses[0][1]}/talk?model=voice"
        finally:
            await runner.cleanup()


async def a_talk(tls: ssl.SSLContext | None) -> None:
    told = Records()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(upstream(greet_and_echo))
        talk = await stack.enter_async_context(their_app(url, told, tls))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        async with http.ws_connect(talk, ssl=False, protocols=("realtime",), max_msg_size=0) as client:
            assert client._response.headers["X-App"] == "theirs"
            assert client.protocol == "realtime"
            assert "session.created" in await client.receive_str()
            for size in (10, 9_000, 70_000, 300_000):
                text = '{"type":"x","pad":"%s"}' % ("y" * size)
                await client.send_str(text)
                assert await client.receive_str() == text
        (record,) = await told.all_closed(1)
        assert record.close_code == 1000
        async with http.get(talk, ssl=False) as answer:
            assert answer.status == 426
    assert seen == [101, 426]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("over_tls", [False, True], ids=["plain", "tls"])
def test_middlewares_signals_tls_and_loops_of_any_app(loop: str, over_tls: bool) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(a_talk(context if over_tls else None))


@pytest.mark.parametrize("loop", LOOPS)
def test_three_hundred_sessions_leave_no_task_behind(loop: str) -> None:
    async def churn() -> None:
        told = Records()
        async with (
            upstream(greet_and_echo) as url,
            their_app(url, told, handler_cancellation=True) as talk,
            aiohttp.ClientSession() as http,
        ):
            before = len(asyncio.all_tasks())
            for _ in range(300):
                async with http.ws_connect(talk) as client:
                    await client.receive_str()
            await told.all_closed(300)
            while len(asyncio.all_tasks()) > before:  # noqa: ASYNC110  # connections are still being closed
                await asyncio.sleep(0.01)

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(churn())


async def test_an_app_that_is_cleaned_up_ends_its_sessions() -> None:
    """aiohttp closes what is still open after its patience, though it does not read it any more."""
    told = Records()
    async with upstream(greet_and_echo) as url, aiohttp.ClientSession() as http:
        async with their_app(url, told) as talk:
            client = await http.ws_connect(talk)
            await client.receive_str()
        assert (await client.receive()).type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
        await told.all_closed(1)
        await client.close()


async def test_a_request_that_came_over_no_socket_is_left_to_aiohttp() -> None:
    """As in an app's own tests."""
    request = make_mocked_request("GET", "/")
    assert not can_be_taken_over(request)
    with pytest.raises(web.HTTPBadRequest):  # aiohttp's own answer to what is no handshake
        await accept("fast", request, LimitSettings())
