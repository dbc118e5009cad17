"""Crowds at the door: who dawdles, who comes all at once, and who wants more than there is for one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import selectors
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from benchmarks.scoreboard.case import Case, Outcome, Size
from benchmarks.scoreboard.parties import Clients, clients, greet_and_echo, upstream
from benchmarks.scoreboard.stand import Proxy, Stand

PATIENCE_S = 10.0
"""Then clients give up."""

NO_CAPS = {"relay": "no caps", "litellm": "no caps per address"}


class Dawdlers(Case):
    """Sockets that never finish what they begin to say."""

    id = "C1"
    title = "1,000 sockets that say nothing, half a request, or a byte now and then"
    bar = "none is left a second after the limit of 15 s; opens meanwhile take p99 100 ms at most"

    async def run(self, stand: Stand, size: Size) -> Outcome:
        limit_s, each = (15.0, 334) if size is Size.FULL else (2.0, 20)
        settings = f"server: {{head_timeout_s: {limit_s}}}"
        async with (
            upstream(greet_and_echo) as url,
            stand.proxy(url, settings=settings) as proxy,
            _dawdling(proxy, each) as left,
            clients(proxy) as honest,
        ):
            ends_at_s = time.monotonic() + limit_s + 1
            took_s = [await _open_s(honest) for _ in range(100)]
            await asyncio.sleep(max(0.0, ends_at_s - time.monotonic()))
            still = left()
        p99_s = _p99(took_s)
        figure = f"{still:,} of {3 * each:,} left; opens p99 {p99_s * 1000:.0f} ms"
        return Outcome(figure, holds=still == 0 and p99_s <= 0.1)


@asynccontextmanager
async def _dawdling(proxy: Proxy, each: int) -> AsyncIterator[Callable[[], int]]:
    """Hold so many sockets of each kind; yield what counts those that the proxy has not let go."""
    half = f"GET {proxy.path} HTTP/1.1\r\nHost: proxy\r\nX-Slow: ".encode()
    async with asyncio.TaskGroup() as standing:
        tasks = []
        for said, then in ((b"", b""), (half, b""), (half, b"x")):
            for _ in range(each):
                reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
                tasks.append(standing.create_task(_dawdle(reader, writer, said, then)))
        yield lambda: sum(not task.done() for task in tasks)
        for task in tasks:
            task.cancel()


async def _dawdle(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: bytes, then: bytes
) -> None:
    async def trickle() -> None:
        while True:
            writer.write(then)
            await asyncio.sleep(0.5)

    try:
        writer.write(said)
        async with asyncio.TaskGroup() as both:
            drops = both.create_task(trickle())
            with contextlib.suppress(ConnectionError):
                await reader.read()
            drops.cancel()
    finally:
        writer.transport.abort()


async def _open_s(honest: Clients) -> float:
    """Return how long a session takes to open, to its first event."""
    began_s = time.monotonic()
    async with asyncio.timeout(PATIENCE_S), honest.open() as client:
        await client.receive()
    return time.monotonic() - began_s


def _p99(took_s: list[float]) -> float:
    return sorted(took_s)[len(took_s) * 99 // 100 - 1]


class Storms(Case):
    """Everybody at once: while the proxy is busy, and with fewer open files than they need."""

    id = "C2"
    title = "2,000 connects while it is busy for 300 ms; then 400 dials with 256 open files"
    bar = (
        "connects p99 150 ms at most; every dial is served or refused, at most 10 log lines, "
        "and a second after they left it serves"
    )

    async def run(self, stand: Stand, size: Size) -> Outcome:
        connects = 2_000 if size is Size.FULL else 500
        quiet = "logging: {level: warning}"
        async with upstream(greet_and_echo) as url:
            async with stand.proxy(url, settings=quiet) as proxy:
                p99_s = await _connect_p99_s(proxy, connects)
            async with stand.proxy(url, settings=quiet) as proxy:
                resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, (256, 256))
                before = _lines(proxy)
                answers = await _dialled(proxy, 400)
                serves = await _serves_within(proxy, 1.0)
                lines = _lines(proxy) - before
        unanswered = 400 - answers[101] - answers[503] - answers[429]
        figure = (
            f"connects p99 {p99_s * 1000:.0f} ms; {answers[101]} served, {unanswered} neither served nor "
            f"refused, {lines:,} lines, {'serves' if serves else 'does not serve'} again"
        )
        return Outcome(figure, holds=p99_s <= 0.15 and not unanswered and lines <= 10 and serves)


async def _connect_p99_s(proxy: Proxy, connects: int) -> float:
    """Return how long a connect takes while the proxy stands still, as one whose loop is busy does."""
    os.kill(proxy.pid, signal.SIGSTOP)
    goes_on = asyncio.get_running_loop().call_later(0.3, os.kill, proxy.pid, signal.SIGCONT)
    try:
        return _p99(await asyncio.to_thread(_connected_s, proxy.port, connects))
    finally:
        goes_on.cancel()
        os.kill(proxy.pid, signal.SIGCONT)


def _connected_s(port: int, connects: int) -> list[float]:
    """Return how long each of so many connects took, all of them under way at once."""
    took_s: list[float] = []
    with selectors.DefaultSelector() as under_way, contextlib.ExitStack() as opened:
        for number in range(connects):
            made = opened.enter_context(socket.socket())
            made.setblocking(False)  # noqa: FBT003  # its only form
            under_way.register(made, selectors.EVENT_WRITE, time.monotonic())
            made.connect_ex(("127.0.0.1", port))
            if number % 20 == 0:
                took_s += _ready_s(under_way, 0)
        while len(took_s) < connects:
            took_s += _ready_s(under_way, PATIENCE_S)
    return took_s


def _ready_s(under_way: selectors.BaseSelector, timeout_s: float) -> list[float]:
    ready = [key for key, _ in under_way.select(timeout_s)]
    now_s = time.monotonic()
    for key in ready:
        under_way.unregister(key.fileobj)
    return [now_s - key.data for key in ready]


async def _dialled(proxy: Proxy, dials: int) -> Counter[int]:
    """Let so many dial at once, and keep what they get until each has an answer; 0 stands for none."""
    answers: Counter[int] = Counter()
    async with clients(proxy) as crowd, contextlib.AsyncExitStack() as kept:

        async def dial() -> None:
            status = 0
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                try:
                    async with asyncio.timeout(PATIENCE_S):
                        await kept.enter_async_context(crowd.open())
                    status = 101
                except aiohttp.WSServerHandshakeError as refusal:
                    status = refusal.status
            answers[status] += 1

        await asyncio.gather(*(dial() for _ in range(dials)))
    return answers


async def _serves_within(proxy: Proxy, limit_s: float) -> bool:
    async with clients(proxy) as honest:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while True:
                    with contextlib.suppress(aiohttp.ClientError, OSError):
                        await _open_s(honest)
                        return True
                    await asyncio.sleep(0.02)
    return False


def _lines(proxy: Proxy) -> int:
    """Count what it wrote, but for lines on single requests."""
    return sum("INFO" not in line for line in proxy.log.read_text(errors="replace").splitlines())


class Floods(Case):
    """Ten addresses that want all there is."""

    id = "C11"
    title = "200 dials, 20 at a time, from each of 10 addresses, with a cap of 5 sessions for one address"
    bar = "nobody has more, refusals are 429, and an eleventh address sees no error"
    not_for = NO_CAPS

    async def run(self, stand: Stand, size: Size) -> Outcome:
        dials, settings = 200 if size is Size.FULL else 40, "admission: {max_sessions_per_address: 5}"
        async with upstream(greet_and_echo) as url, stand.proxy(url, settings=settings) as proxy:
            floods = [asyncio.create_task(_flood(proxy, f"127.0.0.{10 + each}", dials)) for each in range(10)]
            tried, failed = 0, 0
            async with clients(proxy) as honest:
                while not all(flood.done() for flood in floods):
                    tried += 1
                    try:
                        await _open_s(honest)
                    except (aiohttp.ClientError, OSError, TimeoutError):
                        failed += 1
            answers = [await flood for flood in floods]
        too_many = sum(max(0, each[101] - 5) for each in answers)
        otherwise = sum(dials - each[101] - each[429] for each in answers)
        figure = (
            f"{too_many} too many, {otherwise} answers other than 429; {failed} of {tried:,} others failed"
        )
        return Outcome(figure, holds=not (too_many or otherwise or failed) and tried > 0)


async def _flood(proxy: Proxy, address: str, dials: int) -> Counter[int]:
    """Dial so often from *address*, keeping what it gets until each dial has its answer."""
    answers: Counter[int] = Counter()
    at_once = asyncio.Semaphore(20)
    all_answered = asyncio.Event()

    async def dial(http: aiohttp.ClientSession) -> None:
        opened: Any = None
        try:
            async with at_once:
                opened = await http.ws_connect(proxy.url + proxy.path, headers=proxy.headers)
            answers[101] += 1
        except aiohttp.WSServerHandshakeError as refusal:
            answers[refusal.status] += 1
        except (aiohttp.ClientError, OSError):
            answers[0] += 1
        if answers.total() == dials:
            all_answered.set()
        await all_answered.wait()
        if opened is not None:
            await opened.close()

    connector = aiohttp.TCPConnector(limit=0, local_addr=(address, 0))
    async with aiohttp.ClientSession(connector=connector) as http:
        await asyncio.gather(*(dial(http) for _ in range(dials)))
    return answers
