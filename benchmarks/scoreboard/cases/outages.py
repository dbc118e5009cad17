"""One upstream of several goes wrong in the handshake: no client is to see it."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, ClassVar

import aiohttp
from aiohttp import web

from benchmarks.rig.subjects.base import KEY
from benchmarks.scoreboard.case import Case, Outcome, Size
from benchmarks.scoreboard.figures import percentile
from benchmarks.scoreboard.parties import Clients, Websocket, clients, greet_and_echo, upstream
from benchmarks.scoreboard.stand import Proxy, Stand
from realtime_lb.testing import Door, FaultProxy, Faults

__all__ = ["Handshakes", "Refused", "Statuses", "Stopped", "StrangeUpgrades", "closed_port", "open_all"]

AT_ONCE = 50
FEW_AT_ONCE = 10
"""In a short form, which shares its core with the proxy, and where the time of each counts."""
PATIENCE_S = 12.0
KEPT_WAITING = 20
"""So many who gave up, while nobody was served, tell enough."""

PER_TRY_S = {Size.SHORT: 1.0, Size.FULL: 5.0}
NOBODY_IS_SPARED = "{health: {enabled: false}, routing: {strategy: round-robin}}"


def _opens(stand: Stand, size: Size, full: int) -> int:
    return 60 if size is Size.SHORT else full // 5 if stand.subject.is_slow else full


async def open_all(proxy: Proxy, count: int, most_at_once: int = AT_ONCE) -> tuple[list[float], int]:
    """Open so many sessions, so many of them at a time, each with a word there and back.

    A proxy that has let clients wait until they gave up, and has served none, is not tried any more.

    Returns:
        How long each took that was served, in seconds, and how many of those that were tried were not.
    """
    at_once, took_s, failed = (
        asyncio.Semaphore(most_at_once if count > 100 else FEW_AT_ONCE),
        list[float](),
        0,
    )
    kept_waiting = 0

    async def one(crowd: Clients) -> None:
        nonlocal failed, kept_waiting
        async with at_once:
            if kept_waiting >= KEPT_WAITING and not took_s:
                return
            began_s = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(PATIENCE_S), crowd.open() as client:
                    await _created(client)
                    took_s.append(asyncio.get_running_loop().time() - began_s)
                    await client.send_str('{"type":"hello"}')
                    await client.receive_str()
            except (aiohttp.ClientError, TypeError):
                failed += 1
            except TimeoutError:
                failed, kept_waiting = failed + 1, kept_waiting + 1

    async with clients(proxy) as crowd, asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(one(crowd))
    return took_s, failed


async def _created(client: aiohttp.ClientWebSocketResponse[bool]) -> None:
    first = await client.receive_str()
    if '"session.created"' not in first:
        raise aiohttp.ClientError(first)


@asynccontextmanager
async def closed_port() -> AsyncIterator[str]:
    """Yield an address where nobody listens, nor will: the port is taken."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


async def _one_bad(
    stand: Stand, bad: str, count: int, settings: str = "", most_at_once: int = AT_ONCE
) -> tuple[list[float], int]:
    async with (
        upstream(greet_and_echo) as good,
        upstream(greet_and_echo) as other,
        stand.proxy(bad, good, other, settings=settings) as proxy,
    ):
        return await open_all(proxy, count, most_at_once)


class Refused(Case):
    """As where a process has ended and its host has not."""

    id = "A1"
    title = "One of three upstreams refuses connections"
    bar = "no client sees it"

    async def run(self, stand: Stand, size: Size) -> Outcome:
        async with closed_port() as bad:
            took_s, failed = await _one_bad(stand, bad, _opens(stand, size, 1_000))
        return Outcome(f"{_failures(took_s, failed)}, {_milliseconds(took_s)}", holds=failed == 0)


class Stopped(Case):
    """As under SIGSTOP: the kernel takes the connection, and nobody answers."""

    id = "A2"
    title = "One of three upstreams takes connections and never answers"
    bar = "no client sees it; none waits longer than for one try, 5 s, and 0.2 s"

    async def run(self, stand: Stand, size: Size) -> Outcome:
        faults = Faults(door=Door.IGNORE)
        async with FaultProxy("127.0.0.1:9", faults) as bad:
            url = f"http://{bad.url}"
            settings = f"{{routing: {{dial_timeout_s: {PER_TRY_S[size]}}}}}"
            count = _opens(stand, size, 1_000)
            took_s, failed = await _one_bad(stand, url, count, settings, FEW_AT_ONCE)
        slowest_s = max(took_s, default=0.0)
        slowest = f"the slowest took {slowest_s:.2f} s" if took_s else "none served"
        figure = f"{_failures(took_s, failed)}, {slowest}"
        return Outcome(figure, holds=failed == 0 and slowest_s <= PER_TRY_S[size] + 0.2)


STATUSES = (401, 403, 404, 408, 429, 500, 503, 529)
HELD_S = 30


def _retry_afters() -> dict[str, str]:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=HELD_S), usegmt=True)
    return {"none": "", "seconds": str(HELD_S), "date": date}


class Statuses(Case):
    """Eight statuses, each without Retry-After, with seconds and with a date; at last both refuse."""

    id = "A3"
    title = "One of two upstreams refuses the handshake with each HTTP status"
    bar = "no client sees it, who says to wait is left alone, no key and no address is told to a client"
    limit_s = 600.0
    not_for: ClassVar[dict[str, str]] = {"litellm": "it would be started 24 times"}

    async def run(self, stand: Stand, size: Size) -> Outcome:
        at_once = asyncio.Semaphore(24 if size is Size.SHORT else 4)  # of proxies

        async def cell(status: int, retry_after: str) -> tuple[int, int, int]:
            async with at_once:
                return await _cell(stand, status, retry_after, 4 if size is Size.SHORT else 10)

        cells = list(itertools.product(STATUSES, _retry_afters().values()))
        wrong = await asyncio.gather(*(cell(*each) for each in cells))
        failed, impatient, leaks = (sum(each) for each in zip(*wrong, strict=True))
        figure = (
            f"{len(cells)} cells: {failed} opens failed, {impatient} dials too soon, {leaks} leaks to clients"
        )
        return Outcome(figure, holds=failed == impatient == leaks == 0)


async def _cell(stand: Stand, status: int, retry_after: str, opens: int) -> tuple[int, int, int]:
    """Return how many opens failed, how many dials came too soon, how often a client was told a secret."""
    dials, all_down = 0, False
    body = {"error": {"code": "nope", "message": f"for {KEY}"}}
    headers = {"Retry-After": retry_after} if retry_after else {}

    async def refuse(_request: web.Request) -> web.StreamResponse:
        nonlocal dials
        dials += 1
        return web.json_response(body, status=status, headers=headers)

    async def serve(request: web.Request) -> web.StreamResponse:
        if all_down:
            return web.json_response(body, status=status, headers=headers)
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        await greet_and_echo(websocket)
        return websocket

    async with (
        serving(refuse) as bad,
        serving(serve) as good,
        stand.proxy(bad, good) as proxy,
    ):
        _, failed = await open_all(proxy, opens)
        before = dials
        failed += (await open_all(proxy, opens))[1]
        too_soon = dials - before if retry_after and status in {429, 503} else 0
        all_down = True
        told = await _refusal(proxy)
        leaks = sum(secret in told for secret in (KEY, bad.rpartition(":")[2], good.rpartition(":")[2]))
    return failed, too_soon, leaks


async def _refusal(proxy: Proxy) -> str:
    """Return all that a client is told that is not served."""
    async with aiohttp.ClientSession() as http:
        try:
            async with (
                asyncio.timeout(PATIENCE_S),
                http.ws_connect(proxy.url + proxy.path, headers=proxy.headers) as client,
            ):
                return str([message.data async for message in client])
        except aiohttp.WSServerHandshakeError as error:
            headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
            headers |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **proxy.headers}
            async with http.get(proxy.url + proxy.path, headers=headers) as response:
                return f"{error.headers}{response.headers}{await response.text()}"


@asynccontextmanager
async def serving(answer: Callable[[web.Request], Any]) -> AsyncIterator[str]:
    """Answer every request with *answer* while the block runs; yield the root address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Handshakes(Case):
    """Says ``error`` and closes, closes at once, or ends without a word; nobody is ejected."""

    id = "A4"
    title = "One of two upstreams upgrades, and then fails before its first event"
    bar = "no client sees it"

    async def run(self, stand: Stand, size: Size) -> Outcome:
        numbers = itertools.count()

        async def fails(websocket: Websocket) -> None:
            way = next(numbers) % 4
            if way == 0:
                await websocket.send_str('{"type":"error","error":{"type":"server_error","code":null}}')
            if way <= 1:
                await websocket.close(code=(1011, 1013)[way])
            elif websocket._req is not None and websocket._req.transport is not None:  # noqa: SLF001
                websocket._req.transport.abort()  # noqa: SLF001  # no goodbye

        count = _opens(stand, size, 500)
        async with (
            upstream(fails) as bad,
            upstream(greet_and_echo) as good,
            stand.proxy(bad, good, settings=NOBODY_IS_SPARED) as proxy,
        ):
            took_s, failed = await open_all(proxy, count)
        figure = f"{_failures(took_s, failed)} at {next(numbers):,} such upstreams"
        return Outcome(f"{figure}, {_milliseconds(took_s)}", holds=failed == 0)


class StrangeUpgrades(Case):
    """200, a redirect, 101 without ``Upgrade``, 101 with a wrong accept key; nobody is ejected."""

    id = "A5"
    title = "One of two upstreams answers the handshake with what is none"
    bar = "no client sees it; nobody is asked where the redirect points to"

    async def run(self, stand: Stand, size: Size) -> Outcome:
        stolen, answered = 0, itertools.count()

        async def steal(_request: web.Request) -> web.StreamResponse:
            nonlocal stolen
            stolen += 1
            return web.Response()

        async with AsyncExitStack() as stack:
            thief = await stack.enter_async_context(serving(steal))
            bad = await stack.enter_async_context(_strange(thief, answered))
            good = await stack.enter_async_context(upstream(greet_and_echo))
            proxy = await stack.enter_async_context(stand.proxy(bad, good, settings=NOBODY_IS_SPARED))
            count = _opens(stand, size, 500)
            took_s, failed = await open_all(proxy, count)
        figure = f"{_failures(took_s, failed)} at {next(answered):,} such answers, {stolen} followed"
        return Outcome(f"{figure}, {_milliseconds(took_s)}", holds=failed == stolen == 0)


@asynccontextmanager
async def _strange(elsewhere: str, numbers: itertools.count[int]) -> AsyncIterator[str]:
    accept = "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA="
    answers = [
        "HTTP/1.1 200 OK\r\nContent-Length: 0",
        f"HTTP/1.1 302 Found\r\nLocation: {elsewhere}/v1/realtime\r\nContent-Length: 0",
        f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n{accept}",
        f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{accept}",
    ]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"{answers[next(numbers) % len(answers)]}\r\n\r\n".encode())
            await reader.read()
        except (asyncio.IncompleteReadError, OSError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=4096)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def _failures(took_s: list[float], failed: int) -> str:
    return f"{failed:,} of {len(took_s) + failed:,} opens failed"


def _milliseconds(took_s: list[float]) -> str:
    if not took_s:
        return "none served"
    return f"opened in {percentile(took_s, 50) * 1000:,.0f} ms, p99 {percentile(took_s, 99) * 1000:,.0f} ms"
