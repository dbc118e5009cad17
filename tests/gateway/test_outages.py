"""An upstream goes wrong under load: no client sees it, few dials are wasted, and the way back is short."""

import asyncio
import logging
import resource
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from attrs import define

from realtime_lb.records import Record, SessionOpened
from realtime_lb.settings import HealthSettings
from tests.cli.processes import running
from tests.support import (
    UPGRADE,
    Records,
    Websocket,
    deployment,
    gateway,
    greet_and_echo,
    http_server,
    upstream,
)

_log = logging.getLogger(__name__)

OPENS = 250
"""The scoreboard's cases A1 to A5 have a thousand each."""

AT_ONCE = 50
OPENS_PER_S = 200
PER_TRY_S = 1.0
COOLDOWN_S = HealthSettings().cooldown_s
"""The shortest time that anybody is out of use."""


@define
class Watched(Records):
    """Remembers when each dial of the failing deployment began."""

    def __attrs_post_init__(self) -> None:
        super().__init__()
        self.bad_dials_at_s: list[float] = []

    def __call__(self, record: Record) -> None:
        if isinstance(record, SessionOpened):
            now_s = asyncio.get_running_loop().time()
            self.bad_dials_at_s += [now_s - record.open_s for a in record.attempts if a.deployment == "bad"]
        super().__call__(record)


def _answer(status: int, **headers: str) -> Any:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"code": "nope"}}, status=status, headers=headers)

    return lambda: http_server(answer)


async def closes_at_once(websocket: Websocket) -> None:
    await websocket.close(code=1013)


async def opens_with_an_error(websocket: Websocket) -> None:
    await websocket.send_str('{"type":"error","error":{"type":"server_error","code":null}}')
    await websocket.close(code=1011)


async def says_nothing(websocket: Websocket) -> None:
    await websocket.receive()


async def talks_nonsense(websocket: Websocket) -> None:
    await websocket.send_bytes(b"\x00\x01")
    await websocket.receive()


async def redirects(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("http://127.0.0.1:9/stolen")


@asynccontextmanager
async def refused() -> AsyncIterator[str]:
    yield "http://127.0.0.1:1/v1"


@asynccontextmanager
async def stopped_process() -> AsyncIterator[str]:
    """A whole provider, frozen: its kernel still takes connections, and nobody answers them."""
    async with running("simulate", "--face", "openai", "--port", "0") as simulator:
        found = await simulator.says(r"(http://127\.0\.0\.1:\d+/v1)")
        simulator.process.send_signal(signal.SIGSTOP)
        try:
            yield found[1]
        finally:
            simulator.process.send_signal(signal.SIGCONT)


FAST = {
    "refuses": refused,
    **{f"answers {status}": _answer(status) for status in (401, 403, 404, 408, 429, 500, 503, 529)},
    "answers 429 for a minute": _answer(429, **{"Retry-After": "60"}),
    "answers 503 for a minute": _answer(503, **{"Retry-After": "60"}),
    "answers 200": _answer(200),
    "redirects": lambda: http_server(redirects),
    "closes at once": lambda: upstream(closes_at_once),
    "opens with an error": lambda: upstream(opens_with_an_error),
    "opens with nonsense": lambda: upstream(talks_nonsense),
}
SLOW = {"is stopped": stopped_process, "says nothing": lambda: upstream(says_nothing)}
FAILURES = {**FAST, **SLOW}


def out_after_s(told: Watched) -> float:
    """When the last dial began before the first pause as long as a cooldown, after which one tries again."""
    first_s, *later_s = sorted(told.bad_dials_at_s)
    last_s = first_s
    for began_s in later_s:
        if began_s - last_s >= COOLDOWN_S - 0.5:
            break
        last_s = began_s
    return last_s - first_s


@pytest.mark.parametrize("failure", FAILURES)
async def test_one_of_three_fails_and_none_of_its_clients_sees_it(failure: str) -> None:
    """Each client gets its session elsewhere; the failing one is out of use within a second."""
    async with AsyncExitStack() as stack:
        good = await stack.enter_async_context(upstream(greet_and_echo))
        bad = await stack.enter_async_context(FAILURES[failure]())
        told = Watched()
        gate = await stack.enter_async_context(
            gateway(
                deployment("bad", bad, dial_timeout_s=PER_TRY_S),
                deployment("good-1", good),
                deployment("good-2", good),
                told=told,
            )
        )
        at_once = asyncio.Semaphore(AT_ONCE)

        async def talk() -> None:
            async with at_once, gate.open() as client:
                await client.receive()
                await client.send_str('{"type":"ping"}')
                assert (await client.receive()).data == '{"type":"ping"}'

        async with asyncio.TaskGroup() as clients:
            for _ in range(OPENS):
                clients.create_task(talk())
        closed = await gate.told.all_closed(OPENS)
    dials = sum(len(record.attempts) for record in closed)
    assert told.bad_dials_at_s, "the failing one was never asked, so nothing was shown"
    _log.info("%s: %.3f dials per open, out after %.2f s", failure, dials / OPENS, out_after_s(told))
    assert {record.deployment for record in closed} == {"good-1", "good-2"}
    assert out_after_s(told) <= (PER_TRY_S + 1 if failure in SLOW else 1)
    assert dials / OPENS <= 1.2
    assert all(d.live_sessions == 0 for d in gate.router.snapshot().deployments)


async def test_when_all_are_down_nobody_is_dialled_but_by_one_session_a_second() -> None:
    """Refusals come at once and without a dial, with Retry-After, and for little CPU; then all are back."""
    async with AsyncExitStack() as stack:
        down, dials = [True], [0]

        async def moody(request: web.Request) -> web.StreamResponse:
            dials[0] += 1
            if down[0]:
                return web.json_response({}, status=503)
            websocket = web.WebSocketResponse()
            await websocket.prepare(request)
            await greet_and_echo(websocket)
            return websocket

        urls = [await stack.enter_async_context(http_server(moody)) for _ in range(3)]
        gate = await stack.enter_async_context(
            gateway(*(deployment(f"d{number}", url) for number, url in enumerate(urls)))
        )
        loop = asyncio.get_running_loop()
        took_s: list[float] = []

        async def knock() -> int:
            began_s = loop.time()
            address = gate.url + "/v1/realtime?model=voice"
            async with gate.http.get(address, headers=UPGRADE) as response:
                took_s.append(loop.time() - began_s)
                if response.status == 503:
                    assert int(response.headers["Retry-After"]) >= 1
                return response.status

        assert set(await asyncio.gather(*(knock() for _ in range(20)))) == {503}
        dials[0], began_s, before = 0, loop.time(), resource.getrusage(resource.RUSAGE_SELF)
        async with asyncio.TaskGroup() as clients:
            knocks = []
            for number in range(600):
                await asyncio.sleep(began_s + number / OPENS_PER_S - loop.time())
                knocks.append(clients.create_task(knock()))
        assert {knocked.result() for knocked in knocks} == {503}
        lasted_s, after = loop.time() - began_s, resource.getrusage(resource.RUSAGE_SELF)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        _log.info("600 refusals in %.2f s, %.2f s of CPU, the slowest %.3f s", lasted_s, cpu_s, max(took_s))
        assert max(took_s) <= 1
        assert dials[0] <= lasted_s + 2
        assert cpu_s < 600 * 0.010, "a refusal costs more than a session"

        down[0] = False
        back_at_s = loop.time()
        for _ in range(100):
            if await knock() != 503:
                break
            await asyncio.sleep(0.05)
        _log.info("in use again after %.2f s", loop.time() - back_at_s)
        assert loop.time() - back_at_s <= 2
        async with gate.open() as client:
            await client.receive()
