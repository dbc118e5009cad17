"""A gateway that is told to stop: who leaves in time is not harmed, and all others are told, one by one."""

import asyncio
import logging
import math
import os
import signal
import threading
import time
from collections import Counter
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import aiohttp
import pytest

from benchmarks.rig.cores import choose_cores
from benchmarks.scoreboard.case import Case, Size
from benchmarks.scoreboard.cases.probes import Probes
from benchmarks.scoreboard.cases.stopping import Overstayed, Stopped
from benchmarks.scoreboard.stand import Stand
from benchmarks.scoreboard.subjects import Ours
from realtime_lb.errors import SessionEnded, ShuttingDown
from realtime_lb.simulator import Face, Simulator
from tests.choosing.nodes import Stage, deployment, play
from tests.cli.configs import CANARY, draining, openai_group, written
from tests.cli.processes import running
from tests.cli.test_operators import free_port
from tests.cli.test_workers import LISTENING, session
from tests.rehoming.caller import house
from tests.rehoming.test_reconfigured import NEW, OLD
from tests.support import SESSION_CREATED, UPGRADE, Gateway, Websocket, gateway, greet_and_echo, upstream
from tests.support import deployment as at

FULL = "SOLID_FULL" in os.environ
ADMIT_S, TIMEOUT_S = 5.0, 25.0


async def stay(stage: Stage, ends: list[tuple[float, list[str], int]]) -> None:
    """A session that leaves by itself never; note when it ended, what it was told, and how it was closed."""
    told: list[str] = []
    async with stage.router.connect("voice") as live:
        await live.recv()
        try:
            while True:
                told.append((await live.recv())["error"]["code"])
        except SessionEnded as ended:
            ends.append((stage.now(), told, ended.close.code))


def test_those_who_stay_are_told_one_by_one_in_the_last_fifth() -> None:
    async def scene(stage: Stage) -> None:
        ends: list[tuple[float, list[str], int]] = []
        async with asyncio.TaskGroup() as staying:
            for _ in range(200):
                staying.create_task(stay(stage, ends))
            await asyncio.sleep(1)
            began_s = stage.now()
            await stage.router.aclose(drain_admit_s=ADMIT_S, drain_timeout_s=TIMEOUT_S)
            took_s = stage.now() - began_s
        assert took_s <= TIMEOUT_S
        assert {(*told, code) for _, told, code in ends} == {("shutting_down", 1001)}
        tenths = Counter(
            math.floor((at_s - began_s - 0.8 * TIMEOUT_S) / (0.02 * TIMEOUT_S)) for at_s, *_ in ends
        )
        assert tenths == dict.fromkeys(range(10), 20)

    play(scene, deployment("a"))


def test_it_is_not_ready_at_once_admits_for_a_while_and_is_over_when_the_last_has_left() -> None:
    async def scene(stage: Stage) -> None:
        router, began_s = stage.router, stage.now()

        async def come(at_s: float) -> None:
            await asyncio.sleep(at_s)
            async with router.connect("voice"):
                await asyncio.sleep(3)

        last = asyncio.create_task(come(4.9))
        closing = asyncio.create_task(router.aclose(drain_admit_s=ADMIT_S, drain_timeout_s=3_600))
        await asyncio.sleep(0)
        assert (router.draining, router.closing) == (True, False)
        await router.until_closing()
        assert stage.now() - began_s == pytest.approx(ADMIT_S)
        with pytest.raises(ShuttingDown):
            await come(0)
        await closing
        assert stage.now() - began_s == pytest.approx(7.9)
        await last

    play(scene, deployment("a"))


def test_a_second_call_ends_the_wait_and_so_does_each_after_it() -> None:
    async def scene(stage: Stage) -> None:
        ends: list[tuple[float, list[str], int]] = []
        staying = [asyncio.create_task(stay(stage, ends)) for _ in range(5)]
        await asyncio.sleep(1)
        long = asyncio.create_task(stage.router.aclose(drain_admit_s=60, drain_timeout_s=3_600))
        shorter = asyncio.create_task(stage.router.aclose(drain_timeout_s=600))
        await asyncio.sleep(10)
        await asyncio.gather(*(stage.router.aclose() for _ in range(3)))
        assert stage.now() == pytest.approx(11)
        await asyncio.wait([long, shorter, *staying], timeout=0.1)
        assert long.done()
        assert shorter.done()
        assert {(*told, code) for _, told, code in ends} == {("shutting_down", 1001)}
        await stage.router.aclose(drain_admit_s=60, drain_timeout_s=60)
        assert stage.now() == pytest.approx(11), "there is nobody to wait for"

    play(scene, deployment("a"))


def test_a_drain_that_is_given_up_leaves_its_sessions_and_a_later_one_ends_them() -> None:
    async def scene(stage: Stage) -> None:
        async with stage.router.connect("voice") as live:
            await live.recv()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(10):
                    await stage.router.aclose(drain_timeout_s=60)
            assert stage.router.snapshot().live_sessions == 1
            await live.send({"type": "x"})
            await stage.router.aclose()
            assert [event["type"] async for event in live] == ["error"]

    play(scene, deployment("a"))


@pytest.mark.usefixtures("each_lane")
async def test_sessions_that_end_in_time_lose_nothing_in_either_direction() -> None:
    """They talk from before to after the port is closed, by when others are refused."""

    async def talk(gate: Gateway, said: asyncio.Event, until: asyncio.Event) -> int:
        async with gate.open() as client:
            await client.receive()
            numbers = 0
            while not until.is_set():
                await client.send_json({"type": "n", "n": numbers})
                assert (await client.receive_json())["n"] == numbers
                numbers += 1
                said.set()
                await asyncio.sleep(0.01)
        return numbers

    async with upstream(greet_and_echo) as url, gateway(at("a", url)) as gate:
        said, enough = asyncio.Event(), asyncio.Event()
        talking = [asyncio.create_task(talk(gate, said, enough)) for _ in range(20)]
        await said.wait()
        closing = asyncio.create_task(gate.router.aclose(drain_admit_s=0.5, drain_timeout_s=600))
        async with gate.http.get(gate.url + "/health/readiness") as answer:
            assert (answer.status, await answer.json()) == (503, {"status": "draining"})
        async with gate.http.get(gate.url + "/health/liveliness") as answer:
            assert answer.status == 200
        async with gate.open() as late:
            assert "session.created" in (await late.receive()).data
        await gate.router.until_closing()
        async with aiohttp.ClientSession() as another:
            while True:
                try:
                    await another.get(gate.url + "/health/liveliness")
                except aiohttp.ClientConnectorError:
                    break
        assert not closing.done()
        enough.set()
        assert min(await asyncio.gather(*talking)) > 0
        await closing
        assert {record.close_code for record in await gate.told.all_closed(21)} == {1000}


async def test_a_call_that_has_to_end_soon_still_outlives_its_upstream() -> None:
    async with house("OpenAI GA", "Azure v1") as stage, stage.caller() as caller:
        await caller.write("Hello")
        closing = asyncio.create_task(stage.router.aclose(drain_timeout_s=600))
        await stage.router.until_closing()
        stage.simulators[OLD].cut()
        assert (await stage.moved()).to_deployment == NEW
        await caller.write("And now?")
        assert (await caller.ask())["status"] == "completed"
        assert not closing.done()
        await stage.router.aclose()
        await closing


async def test_upstreams_that_are_all_dead_do_not_make_it_unready() -> None:
    async with gateway(at("a", "http://127.0.0.1:1/v1"), at("b", "http://127.0.0.1:1/v1")) as gate:
        for _ in range(5):
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await gate.open()
        for page in ("readiness", "liveliness", "liveness"):
            async with gate.http.get(f"{gate.url}/health/{page}") as answer:
                assert answer.status == 200


async def test_only_a_blocked_loop_is_not_alive() -> None:
    ready, gates = threading.Event(), []

    async def serve() -> None:
        over = asyncio.Event()
        async with gateway(at("a", "http://127.0.0.1:1/v1")) as gate:
            gates.append((gate.url, asyncio.get_running_loop(), over))
            ready.set()
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    await asyncio.to_thread(ready.wait)
    ((url, loop, over),) = gates
    blocked, go_on = threading.Event(), threading.Event()

    def block() -> None:
        blocked.set()
        go_on.wait()

    loop.call_soon_threadsafe(block)
    await asyncio.to_thread(blocked.wait)
    async with aiohttp.ClientSession() as http:
        asking = asyncio.create_task(http.get(f"{url}/health/liveliness"))
        await asyncio.wait({asking}, timeout=0.5)
        assert not asking.done()
        go_on.set()
        assert (await asking).status == 200
        loop.call_soon_threadsafe(over.set)
    await asyncio.to_thread(thread.join)


@pytest.mark.parametrize("case", [Stopped(), Overstayed(), Probes()], ids=lambda case: case.id)
async def test_the_process_keeps_the_promise(case: Case, tmp_path: Path) -> None:
    outcome = await case.run(Stand(Ours("fast"), tmp_path, choose_cores()), Size.SHORT)
    assert outcome.holds, outcome.figure


async def babble(url: str, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(f"{url}/v1/realtime?model=voice") as client:
        while not client.closed:
            await client.send_json({"type": "x"})
            await client.receive()
            await asyncio.sleep(0.1)


async def test_probes_are_answered_while_many_talk_and_tell_of_a_signal_at_once(tmp_path: Path) -> None:
    """How long a probe takes is a figure alone: both ends of all the talk share its machine."""
    sessions, probes = (200, 300) if FULL else (20, 50)
    text = draining(openai_group(a="URL"), 3_600, 3_600).replace("openai/", "openai_compatible/")
    async with upstream(greet_and_echo) as up, AsyncExitStack() as stack:
        config = written(tmp_path, text.replace("URL", up))
        options = ("--host", "127.0.0.1", "--port", "0", "--admin-port", "0", "--log-level", "warning")
        port = free_port()
        served = await stack.enter_async_context(running("serve", "-c", config, *options, "--port", port))
        connector = aiohttp.TCPConnector(limit=0)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        url = f"http://127.0.0.1:{port}"
        await reachable(http, url)
        talking = [asyncio.create_task(babble(url, http)) for _ in range(sessions)]
        took_s = []
        for _ in range(probes):
            began_s = time.monotonic()
            async with http.get(f"{url}/health/liveliness") as answer:
                assert answer.status == 200
            took_s.append(time.monotonic() - began_s)
            await asyncio.sleep(0.005)
        served.process.send_signal(signal.SIGTERM)
        began_s = time.monotonic()
        while True:
            async with http.get(f"{url}/health/readiness") as answer:
                if answer.status == 503:
                    break
        flipped_s = time.monotonic() - began_s
        assert not any(task.done() for task in talking)
        await served.stop(signal.SIGTERM)
        await asyncio.wait(talking)
    p99_s = sorted(took_s)[int(len(took_s) * 0.99)]
    told = f"a probe takes {p99_s * 1e3:.0f} ms at p99 while {sessions} talk"
    logging.getLogger("figures").info("figure: G3 %s; not ready after %.0f ms", told, flipped_s * 1e3)
    if FULL:
        assert flipped_s <= 0.100


async def reachable(http: aiohttp.ClientSession, url: str) -> None:
    while True:
        try:
            async with http.get(f"{url}/health/readiness") as answer:
                assert answer.status == 200
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.02)
        else:
            return


async def told_and_closed(client: aiohttp.ClientWebSocketResponse) -> tuple[str, int | None]:
    told = [event["error"]["code"] async for message in client if "error" in (event := message.json())]
    return told[0], client.close_code


@pytest.mark.parametrize(("first", "workers"), [(signal.SIGTERM, "1"), (signal.SIGINT, "2")])
async def test_a_second_signal_means_now(tmp_path: Path, first: signal.Signals, workers: str) -> None:
    """Whatever the settings say, each is told, and closed with 1001; and the process ends with status 0."""
    async with Simulator(Face.OPENAI, api_key=CANARY) as simulator:
        config = written(tmp_path, draining(openai_group(a=simulator.base_url), 3_600, 7_200))
        options = ("--host", "127.0.0.1", "--port", "0", "--admin-port", "0", "--workers", workers)
        async with (
            running("serve", "-c", config, *options) as served,
            aiohttp.ClientSession() as http,
        ):
            url = (await served.says(LISTENING))[1]
            clients = [await session(http, url) for _ in range(6)]
            served.process.send_signal(first)
            await served.says("stopping")
            for client in clients:
                await client.send_json({"type": "response.create"})
                while (await client.receive_json())["type"] != "response.done":
                    pass
            stopping = asyncio.create_task(served.stop(signal.SIGTERM))
            told = await asyncio.gather(*map(told_and_closed, clients))
            assert await stopping == 0
    assert set(told) == {("shutting_down", 1001)}


async def test_while_the_last_ones_end_probes_are_answered_on_the_operators_port(tmp_path: Path) -> None:
    async with Simulator(Face.OPENAI, api_key=CANARY) as simulator:
        config = written(tmp_path, draining(openai_group(a=simulator.base_url), 0, 3_600))
        port = free_port()
        options = ("--host", "127.0.0.1", "--port", "0", "--admin-port", port)
        async with (
            running("serve", "-c", config, *options) as served,
            aiohttp.ClientSession() as http,
        ):
            client = await session(http, (await served.says(LISTENING))[1])
            served.process.send_signal(signal.SIGTERM)
            await served.says("stopping")
            statuses = []
            for page in ("readiness", "liveliness"):
                async with http.get(f"http://127.0.0.1:{port}/health/{page}") as answer:
                    statuses.append(answer.status)
            assert statuses == [503, 200]
            await client.close()
            async with asyncio.timeout(5):
                assert await served.process.wait() == 0, "the last one has left"


async def test_a_client_that_reads_nothing_does_not_keep_the_process(tmp_path: Path) -> None:
    """It would take its close deadline; the process has its own."""
    text = draining(openai_group(a="URL"), 0, 1.0)

    async def flood(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        pad = "y" * 60_000
        with suppress(ConnectionError):
            while True:
                await websocket.send_str(f'{{"type":"x","pad":"{pad}"}}')

    async with upstream(flood) as url:
        config = written(tmp_path, text.replace("URL", url).replace("openai/", "openai_compatible/"))
        options = ("--host", "127.0.0.1", "--port", "0", "--admin-port", "0")
        async with running("serve", "-c", config, *options) as served:
            host, port = (await served.says(LISTENING))[1].removeprefix("http://").split(":")
            _, writer = await asyncio.open_connection(host, int(port), limit=1)
            headers = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "x", **UPGRADE}.items())
            writer.write(f"GET /v1/realtime?model=voice HTTP/1.1\r\n{headers}\r\n".encode())
            await served.says("session opened")
            began_s = time.monotonic()
            assert await served.stop(signal.SIGTERM) == 0
            assert time.monotonic() - began_s < 1.0 + 1.0
            writer.close()
    assert "stopped before all was closed" in "".join(served.said)
