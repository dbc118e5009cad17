"""Clients in crowds: the kernel keeps them for us, and open files never run out."""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from realtime_lb.errors import AllUpstreamsFailed
from realtime_lb.machine import sockets_within
from realtime_lb.simulator import Face, Simulator
from realtime_lb.testing import FaultProxy
from tests.cli.configs import CANARY, openai_group, written
from tests.cli.processes import BLOCKED, REALTIME_LB, Running, running
from tests.support import deployment, gateway, greet_and_echo, upstream

FULL = bool(os.environ.get("SOLID_FULL"))
FILES, DIALS = (256, 400) if FULL else (128, 200)
figures = logging.getLogger("figures")
ACCEPT = socket.socket.accept
VOICE = "/v1/realtime?model=voice"

in_each_loop = pytest.mark.parametrize(
    "command",
    [REALTIME_LB, (sys.executable, "-c", BLOCKED.format("uvloop"))],
    ids=["uvloop", "asyncio"],
)


def limited(command: tuple[str, ...]) -> tuple[str, ...]:
    """*command* with little more than it needs for itself."""
    return ("sh", "-c", f'ulimit -n {FILES}; exec "$@"', "sh", *command)


async def served(gateway: Running) -> str:
    return (await gateway.says(r"listening on (http://127\.0\.0\.1:\d+)"))[1]


def options(config: str) -> tuple[str, ...]:
    quiet = ("--log-format", "json")
    return ("serve", "-c", config, "--host", "127.0.0.1", "--port", "0", "--admin-port", "0", *quiet)


async def left_over(gateway: Running) -> list[str]:
    """Stop it, and return what else it has said than that sessions came and went."""
    already = len(gateway.said)
    assert await gateway.stop() == 0
    usual = ("session opened", "session closed", "realtime event", "master_key", "stopping", "stopped")
    return [line for line in gateway.said[already:] if line and not any(word in line for word in usual)]


@in_each_loop
async def test_sessions_are_refused_before_files_run_out(command: tuple[str, ...], tmp_path: Path) -> None:
    """All that there is room for are served, all others get their 503, and a place that is free is taken."""
    async with Simulator(Face.OPENAI, api_key=CANARY) as provider:
        config = written(tmp_path, openai_group(a=provider.base_url))
        async with (
            running(*options(config), command=limited(command)) as gateway,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
        ):
            url = await served(gateway)
            opening = [http.ws_connect(url + VOICE) for _ in range(DIALS)]
            answers = await asyncio.gather(*opening, return_exceptions=True)
            live = [each for each in answers if isinstance(each, aiohttp.ClientWebSocketResponse)]
            told = Counter(
                each.status if isinstance(each, aiohttp.WSServerHandshakeError) else type(each)
                for each in answers
                if isinstance(each, BaseException)
            )
            most = sockets_within(FILES).sessions // 2
            assert (len(live), told) == (most, {503: DIALS - most})
            for each in live[:10]:
                await each.receive_json()
                await each.close()
            async with asyncio.timeout(1):
                await (await _admitted(http, url)).close()
            await asyncio.gather(*(each.close() for each in live))
            said = await left_over(gateway)
    assert ["limit on open files" in line for line in said] == [True] * len(said)
    assert 1 <= len(said) <= 10
    text = "%d dials with %d files: %d sessions, %d answers of 503, %d lines in the log"
    figures.info("figure: C2 " + text, DIALS, FILES, len(live), told[503], len(said))


@in_each_loop
async def test_a_crowd_that_only_stands_there_hurts_no_call_and_leaves_no_trace(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    async with Simulator(Face.OPENAI, api_key=CANARY) as provider:
        config = written(tmp_path, openai_group(a=provider.base_url))
        async with (
            running(*options(config), command=limited(command)) as gateway,
            aiohttp.ClientSession() as http,
        ):
            url = await served(gateway)
            call = await http.ws_connect(url + VOICE)
            await call.receive_json()
            async with crowd_at(url, DIALS):
                await gateway.says("no connection is taken for now")
                for _ in range(20):
                    await call.send_json({"type": "input_audio_buffer.clear"})
                    assert (await call.receive_json())["type"] == "input_audio_buffer.cleared"
                assert _open_files(gateway) < FILES
            async with asyncio.timeout(1):
                other = await http.ws_connect(url + VOICE)
                await other.receive_json()
            await other.close()
            await call.close()
            said = await left_over(gateway)
    assert said == []


async def test_a_crowd_waits_in_the_kernel_while_the_gateway_is_busy(tmp_path: Path) -> None:
    """Nobody is sent away, to come again a second later: all are connected though it cannot look."""
    config = written(tmp_path, openai_group(a="http://127.0.0.1:1/v1"))
    async with running(*options(config)) as gateway:
        url = await served(gateway)
        os.kill(gateway.process.pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(10), crowd_at(url, 2_000):
                pass  # with less room in the queue, some would never be connected before it goes on
        finally:
            os.kill(gateway.process.pid, signal.SIGCONT)
        assert await gateway.stop() == 0


async def test_a_gateway_process_takes_the_open_files_that_it_may_have(tmp_path: Path) -> None:
    config = written(tmp_path, openai_group(a="http://127.0.0.1:1/v1"))
    soft = ("sh", "-c", 'ulimit -S -n 200; exec "$@"', "sh", *REALTIME_LB)
    async with running(*options(config), command=soft) as gateway:
        await served(gateway)
        soft_limit, hard_limit = resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE)
        assert soft_limit == hard_limit != 200
        assert await gateway.stop() == 0


async def _admitted(http: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse:
    """Return a session as soon as a place is free."""
    while True:
        with contextlib.suppress(aiohttp.WSServerHandshakeError):
            return await http.ws_connect(url + VOICE)


@asynccontextmanager
async def crowd_at(url: str, size: int) -> AsyncIterator[None]:
    """So many who are connected, as far as the kernels are concerned, and say nothing."""
    where, loop = urlsplit(url), asyncio.get_running_loop()
    with contextlib.ExitStack() as crowd:
        for _ in range(size):
            one = crowd.enter_context(socket.socket())
            one.setblocking(False)
            await loop.sock_connect(one, (where.hostname, where.port))
        yield


def hoard_all_files(hoard: contextlib.ExitStack) -> None:
    with contextlib.suppress(OSError):
        while True:
            hoard.callback(os.close, os.open("/dev/null", os.O_RDONLY))


def _open_files(gateway: Running) -> int:
    return len(list(Path(f"/proc/{gateway.process.pid}/fd").iterdir()))


@pytest.mark.usefixtures("each_lane")
async def test_upstreams_are_not_blamed_for_files_that_this_process_has_not() -> None:
    """Whatever else in a program has used them up: as soon as there is one, sessions are placed again."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url)) as gate:
        async with gate.router.connect("voice"):
            pass
        with contextlib.ExitStack() as hoard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
            hoard.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
            hoard_all_files(hoard)
            for _ in range(6):
                with pytest.raises(AllUpstreamsFailed):
                    async with gate.router.connect("voice"):
                        pass
            tried = [attempt.outcome for record in gate.told.closed[1:] for attempt in record.attempts]
            assert set(tried) == {"out_of_files"}
        async with gate.router.connect("voice"):
            pass


Listening = Callable[[str], AbstractAsyncContextManager[str]]
"""In front of the server whose URL it is given; yields its own."""


@asynccontextmanager
async def simulator(_behind: str) -> AsyncIterator[str]:
    async with Simulator() as listening:
        yield listening.base_url


@asynccontextmanager
async def fault_proxy(behind: str) -> AsyncIterator[str]:
    async with FaultProxy(behind) as listening:
        yield listening.url


@asynccontextmanager
async def one_gateway(behind: str) -> AsyncIterator[str]:
    async with gateway(deployment("a", behind)) as listening:
        yield listening.url


@pytest.mark.parametrize("listens", [simulator, fault_proxy, one_gateway])
async def test_whoever_listens_looks_for_files_now_and_then_and_not_all_the_time(
    listens: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes while there are none waits in the kernel, and is taken as soon as there are."""
    looks = 0

    def accept(listening: socket.socket) -> tuple[socket.socket, object]:
        nonlocal looks
        looks += 1
        return ACCEPT(listening)

    monkeypatch.setattr(socket.socket, "accept", accept)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with upstream(greet_and_echo) as behind, listens(behind) as url:
        where, loop = urlsplit(url), asyncio.get_running_loop()
        with socket.socket() as client:
            client.setblocking(False)
            with contextlib.ExitStack() as hoard:
                resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
                hoard.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
                hoard_all_files(hoard)
                await loop.sock_connect(client, (where.hostname, where.port))
                while not looks:  # noqa: ASYNC110  # what is waited for has no event
                    await asyncio.sleep(0)
                for _ in range(1_000):
                    await asyncio.sleep(0)
                assert looks <= 5
            await loop.sock_sendall(client, b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
            assert (await loop.sock_recv(client, 100)).startswith(b"HTTP/1.1 ")
