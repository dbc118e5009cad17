"""``serve --workers``: several processes on one port, none of them missed, none left behind."""

import asyncio
import json
import os
import signal
from pathlib import Path

import aiohttp
import attrs
import pytest
from attrs import evolve

from realtime_lb import AdmissionSettings, Deployment, Settings
from realtime_lb.cli.failures import Unusable
from realtime_lb.cli.shares import Share, check_shares
from realtime_lb.simulator import Face, Simulator
from tests.cli.configs import CANARY, draining, openai_group, written
from tests.cli.processes import BLOCKED, REALTIME_LB, Running, run, running

ANYWHERE = ("--host", "127.0.0.1", "--port", "0")
LISTENING = r"listening on (http://127\.0\.0\.1:\d+)"


def children(pid: int) -> list[int]:
    """The processes that *pid* has started, oldest first."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sorted(int(child) for each in threads for child in (each / "children").read_text().split())


def is_running(pid: int) -> bool:
    """Whether there is such a process, and not only what is left of one."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def all_gone(pids: list[int]) -> None:
    while any(map(is_running, pids)):  # noqa: ASYNC110  # nobody tells of a process that is not one's child
        await asyncio.sleep(0.02)


async def session(http: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse:
    opened = await http.ws_connect(f"{url}/v1/realtime?model=voice")
    assert (await opened.receive_json())["type"] == "session.created"
    return opened


async def served(gateway: Running) -> str:
    return (await gateway.says(LISTENING))[1]


async def test_every_worker_serves_and_sigterm_says_goodbye_from_each(tmp_path: Path) -> None:
    async with Simulator(Face.OPENAI, api_key=CANARY) as upstream:
        text = draining(openai_group(a=upstream.base_url), 0, 0)
        text = text.replace("realtime_lb: {", "realtime_lb: {admission: {max_sessions: 90}, ")
        config = written(tmp_path, text)
        async with (
            running("serve", "-c", config, *ANYWHERE, "--workers", "3") as gateway,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
        ):
            url = await served(gateway)
            workers = children(gateway.process.pid)
            assert len(workers) == 3
            sessions = [await session(http, url) for _ in range(30)]
            stopping = asyncio.create_task(gateway.stop(signal.SIGTERM))
            assert {(await each.receive_json())["error"]["code"] for each in sessions} == {"shutting_down"}
            assert {(await each.receive()).data for each in sessions} == {1001}
            assert await stopping == 0
            assert not any(map(is_running, workers))
    said = "".join(gateway.said)
    assert "3 workers, each with its part of max_parallel_requests, rpm, tpm and max_sessions" in said
    assert "operators get no answers: each of several workers knows but its part of them" in said


async def test_a_worker_that_dies_is_replaced_while_the_others_serve(tmp_path: Path) -> None:
    async with Simulator(Face.OPENAI, api_key=CANARY) as upstream:
        config = written(tmp_path, openai_group(a=upstream.base_url))
        async with (
            running("serve", "-c", config, *ANYWHERE, "--workers", "2") as gateway,
            aiohttp.ClientSession() as http,
        ):
            url = await served(gateway)
            before = children(gateway.process.pid)
            os.kill(before[0], signal.SIGKILL)
            died = await gateway.says(r"worker (\d) died; starting it anew")
            opened = await session(http, url)
            assert (await gateway.says(r"worker (\d) is back"))[1] == died[1]
            after = children(gateway.process.pid)
            assert len(after) == 2
            assert before[1] in after
            await opened.close()
            assert await gateway.stop() == 0


async def test_workers_do_not_outlive_the_process_that_started_them(tmp_path: Path) -> None:
    """Not even one that is killed, and cannot tell them."""
    config = written(tmp_path, openai_group(a="http://127.0.0.1:1/v1"))
    async with running("serve", "-c", config, *ANYWHERE, "--workers", "2") as gateway:
        await gateway.says(LISTENING)
        workers = children(gateway.process.pid)
        gateway.process.kill()
        async with asyncio.timeout(20):
            await all_gone(workers)


async def test_a_port_that_others_share_is_in_use_all_the_same(tmp_path: Path) -> None:
    config = written(tmp_path, openai_group(a="http://127.0.0.1:1/v1"))
    arguments = ("serve", "-c", config, "--host", "127.0.0.1", "--workers", "2", "--port")
    async with running(*arguments, "0") as gateway:
        port = (await served(gateway)).rpartition(":")[2]
        done = await run(*arguments, port)
        assert done.status == 1
        assert f"port {port}: the port is in use" in done.err
        assert await gateway.stop() == 0


def pool(**caps: int) -> Settings:
    deployment = Deployment(id="a", model_group="voice", model="m", provider="openai", **caps)  # type: ignore[arg-type]
    return Settings(
        deployments=(deployment, Deployment(id="b", model_group="v", model="m", provider="openai"))
    )


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_the_parts_of_a_cap_add_up_to_it(workers: int) -> None:
    shares = [Share(number, workers) for number in range(1, workers + 1)]
    parts = [share.of(pool(max_sessions=7, rpm=100, tpm=1_000)).deployments[0] for share in shares]
    assert sum(part.max_sessions or 0 for part in parts) == 7
    assert sum(part.rpm or 0 for part in parts) == 100
    assert sum(part.tpm or 0 for part in parts) == 1_000
    assert min(part.max_sessions or 0 for part in parts) >= 1
    assert shares[0].of(pool()).deployments == pool().deployments
    assert Share.read(str(shares[-1])) == shares[-1]


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_so_do_those_of_the_caps_on_clients_and_of_memory(workers: int) -> None:
    whole = AdmissionSettings(
        max_sessions=100, max_sessions_per_address=7, max_opens_per_address=9, memory_limit_bytes=10**9 + 1
    )
    settings = evolve(pool(), admission=whole)
    parts = [Share(number, workers).of(settings).admission for number in range(1, workers + 1)]
    for name in attrs.asdict(whole):
        assert sum(getattr(part, name) for part in parts) == getattr(whole, name)
    assert Share(1, workers).of(pool()).admission == AdmissionSettings()


async def test_a_cap_that_cannot_be_shared_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="max_parallel_requests of 'a' is 2, which 3 workers cannot share"):
        check_shares(pool(max_sessions=2), 3)
    few = evolve(pool(), admission=AdmissionSettings(max_sessions_per_address=2))
    with pytest.raises(Unusable, match=r"admission\.max_sessions_per_address is 2, which 3 workers"):
        check_shares(few, 3)
    text = openai_group(a="http://127.0.0.1:1/v1").replace("api_key:", "rpm: 1, api_key:")
    done = await run("serve", "-c", written(tmp_path, text), *ANYWHERE, "--workers", "2")
    assert (done.status, "fewer --workers" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("options", "lane"), [((), "picows"), (("--lane", "fast"), "picows"), (("--lane", "aiohttp"), "aiohttp")]
)
async def test_the_first_line_says_what_reads_and_writes(
    tmp_path: Path, options: tuple[str, ...], lane: str
) -> None:
    async with Simulator(Face.OPENAI, api_key=CANARY) as upstream:
        config = written(tmp_path, openai_group(a=upstream.base_url))
        async with (
            running("serve", "-c", config, *ANYWHERE, *options, "--log-format", "json") as gateway,
            aiohttp.ClientSession() as http,
        ):
            url = await served(gateway)
            await (await session(http, url)).close()
            assert await gateway.stop() == 0
    first = json.loads(gateway.said[0])
    assert (first["door"], first["transport"], first["loop"]) == (lane, lane, "uvloop")


async def test_without_picows_it_serves_all_the_same_unless_it_was_asked_for(tmp_path: Path) -> None:
    config = written(tmp_path, openai_group(a="http://127.0.0.1:1/v1"))
    without = (*REALTIME_LB[:1], "-c", BLOCKED.format("picows"))
    done = await run("serve", "-c", config, *ANYWHERE, "--lane", "fast", command=without)
    assert done.status == 2
    assert "pip install 'realtime-lb[fast]'" in done.err
    async with running("serve", "-c", config, *ANYWHERE, command=without) as gateway:
        assert "door=aiohttp" in (await gateway.says(LISTENING + r".*")).string
        assert await gateway.stop() == 0
