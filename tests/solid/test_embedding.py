"""Inside somebody's program it leaves the program alone: signals, logs, threads, sockets, other loops."""

import asyncio
import concurrent.futures
import contextlib
import gc
import logging
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from realtime_lb import ConfigError, RealtimeRouter, RoutingSettings, Settings
from realtime_lb.server import listening, listening_admin, realtime_handler
from realtime_lb.transports.lanes import LaneName, lane_or_best, transport_for
from tests import support
from tests.support import QUIET, deployment, greet_and_echo, upstream

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def open_files() -> set[str]:
    """What is open, but for what belongs to loops: their selectors, and the pipes they wake up by."""
    found = set()
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(f"{each.name} {each.readlink()}")
    return found


def log_handlers() -> dict[str, int]:
    names = [name for name in logging.root.manager.loggerDict if name.startswith(("realtime_lb", "aiohttp"))]
    return {name: len(logging.getLogger(name).handlers) for name in names} | {"": len(logging.root.handlers)}


@contextmanager
def nothing_left() -> Iterator[None]:
    """Threads, files, handlers of signals and of logs are afterwards what they were before."""
    gc.collect()
    before = (set(threading.enumerate()), open_files(), [signal.getsignal(each) for each in STOPS])
    handlers = sum(log_handlers().values())
    yield
    gc.collect()
    after = (set(threading.enumerate()), open_files(), [signal.getsignal(each) for each in STOPS])
    assert after == before
    assert sum(log_handlers().values()) == handlers


def router_to(url: str) -> RealtimeRouter:
    settings = Settings(deployments=(deployment("a", url),), logging=QUIET)
    return RealtimeRouter(settings, transport=transport_for(support.LANE, settings.limits), sinks=())


async def talk(url: str, *, by_hand: str = "/v1/realtime") -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}{by_hand}?model=voice") as client:
        assert (await client.receive_json())["type"] == "session.created"
        await client.send_str('{"type":"x"}')
        assert await client.receive_str() == '{"type":"x"}'


@pytest.mark.usefixtures("each_lane")
def test_two_loops_in_two_threads_have_a_gateway_each() -> None:
    """Neither sees anything of the other, and one goes on when the other is closed."""
    # Python imports in one thread at a time, and makes the other's loop wait.
    assert lane_or_best(support.LANE)
    concurrent.futures.ThreadPoolExecutor(1).shutdown()
    first_is_closed, both_up = threading.Event(), threading.Barrier(2)

    async def first() -> None:
        async with upstream(greet_and_echo) as up, listening(router_to(up), lane=support.LANE) as url:
            await talk(url)
            await asyncio.to_thread(both_up.wait)
        first_is_closed.set()

    async def second() -> None:
        async with upstream(greet_and_echo) as up, listening(router_to(up), lane=support.LANE) as url:
            await asyncio.to_thread(both_up.wait)
            await asyncio.to_thread(first_is_closed.wait)
            await talk(url)

    with nothing_left():
        failed: list[BaseException] = []

        def run(main: object) -> None:
            try:
                asyncio.run(main())  # type: ignore[operator]
            except BaseException as error:  # noqa: BLE001  # told to the test
                failed.append(error)
                both_up.abort()
                first_is_closed.set()

        threads = [threading.Thread(target=run, args=(main,)) for main in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []


@pytest.mark.usefixtures("each_lane")
def test_an_app_keeps_its_own_signals_and_drains_when_it_likes() -> None:
    """Its handler is called, it lets sessions end by the router's own call, and its other routes live on."""
    caught: list[signal.Signals] = []

    async def main() -> None:
        told = asyncio.Event()
        loop = asyncio.get_running_loop()

        def theirs() -> None:
            caught.append(signal.SIGTERM)
            told.set()

        async def hello(_request: web.Request) -> web.Response:
            return web.Response(text="hello")

        loop.add_signal_handler(signal.SIGTERM, theirs)
        async with upstream(greet_and_echo) as up:
            router = router_to(up)
            app = web.Application()
            app.router.add_get("/talk", realtime_handler(router, lane=support.LANE))
            app.router.add_get("/hello", hello)
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/talk?model=voice") as client:
                await client.receive()
                signal.raise_signal(signal.SIGTERM)
                await told.wait()
                closing = asyncio.create_task(router.aclose(drain_timeout_s=600))
                await router.until_closing()
                for number in range(100):
                    await client.send_json({"type": "n", "n": number})
                    assert (await client.receive_json())["n"] == number
                async with http.get(f"{url}/talk?model=voice", headers=support.UPGRADE) as refused:
                    assert (refused.status, (await refused.json())["error"]["code"]) == (503, "shutting_down")
                async with http.get(f"{url}/hello") as answer:
                    assert await answer.text() == "hello"
                assert not closing.done()
                await client.close()
                await closing
            await runner.cleanup()
        loop.remove_signal_handler(signal.SIGTERM)

    with nothing_left():
        asyncio.run(main())
    assert caught == [signal.SIGTERM]


@asynccontextmanager
async def port_in_use(router: RealtimeRouter, lane: LaneName) -> AsyncIterator[None]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with listening(router, port=taken.getsockname()[1], lane=lane):
            yield


@asynccontextmanager
async def admin_port_in_use(router: RealtimeRouter, lane: LaneName) -> AsyncIterator[None]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with (
            listening(router, lane=lane),
            listening_admin(router, port=taken.getsockname()[1]),
        ):
            yield


@asynccontextmanager
async def no_such_host(router: RealtimeRouter, lane: LaneName) -> AsyncIterator[None]:
    async with listening(router, host="no.such.host.invalid", lane=lane):
        yield


@asynccontextmanager
async def started_beside_something_that_fails(router: RealtimeRouter, lane: LaneName) -> AsyncIterator[None]:
    async with listening(router, lane=lane) as url:
        await talk(url)
        await asyncio.open_connection("127.0.0.1", 1)
        yield


@pytest.mark.usefixtures("each_lane")
@pytest.mark.parametrize(
    "start", [port_in_use, admin_port_in_use, no_such_host, started_beside_something_that_fails]
)
def test_a_start_that_fails_leaves_nothing_behind(start: object) -> None:
    """No task, thread, socket or warm connection, and the router is closed."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_debug(False)
        async with upstream(greet_and_echo) as up:
            before = asyncio.all_tasks()
            router = router_to(up)
            async with router:
                with pytest.raises(OSError):  # noqa: PT011  # each has its own words
                    async with start(router, support.LANE):  # type: ignore[operator]
                        pytest.fail("it started")
                assert router.closing
            while len(asyncio.all_tasks()) > len(before):  # noqa: ASYNC110  # aiohttp's own connections end
                await asyncio.sleep(0.01)
        await loop.shutdown_default_executor()  # asyncio's own, for names

    with nothing_left():
        asyncio.run(main())


def test_settings_that_cannot_be_used_leave_nothing_behind(tmp_path: Path) -> None:
    """Nor is a loop needed to find out."""
    config = tmp_path / "config.yaml"
    config.write_text("model_list: 3")
    with nothing_left():
        with pytest.raises(ConfigError):
            RealtimeRouter.from_config(config)
        unknown = deployment("a", "http://127.0.0.1:1/v1")
        with pytest.raises(ConfigError):
            RealtimeRouter(Settings(deployments=(unknown,), routing=RoutingSettings(strategy="dice")))


@pytest.mark.usefixtures("each_lane")
def test_a_router_is_closed_as_often_as_one_likes() -> None:
    async def main() -> None:
        async with AsyncExitStack() as stack:
            up = await stack.enter_async_context(upstream(greet_and_echo))
            router = router_to(up)
            url = await stack.enter_async_context(listening(router, lane=support.LANE))
            await talk(url)
            before = len(asyncio.all_tasks())
            await asyncio.gather(*(router.aclose(drain_timeout_s=0.01 * n) for n in range(5)))
            await router.aclose()
            first = asyncio.create_task(router.aclose())
            await asyncio.sleep(0)
            first.cancel()
            await asyncio.wait({first})
            await router.aclose()
            assert len(asyncio.all_tasks()) <= before
        await router.aclose()

    with nothing_left():
        asyncio.run(main())


def test_importing_it_starts_nothing() -> None:
    """No thread, no handler, no loop."""
    program = (
        "import logging, signal, threading, asyncio\n"
        "before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]\n"
        "import realtime_lb, realtime_lb.server, realtime_lb.simulator, realtime_lb.testing\n"
        "assert threading.active_count() == 1\n"
        "assert before == [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]\n"
        "assert not logging.root.handlers\n"
        "assert all(type(handler) is logging.NullHandler for name in logging.root.manager.loggerDict"
        " for handler in logging.getLogger(name).handlers)\n"
        "router = realtime_lb.RealtimeRouter(realtime_lb.Settings(deployments=()))\n"
        "assert threading.active_count() == 1\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
