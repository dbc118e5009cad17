"""When memory runs short, who is there keeps what they have, and who comes is told no."""

import os
import shlex
from pathlib import Path

import aiohttp
import pytest

from realtime_lb import AdmissionSettings
from realtime_lb.machine import Memory
from realtime_lb.simulator import Face, Simulator
from tests.cli.configs import CANARY, openai_group, written
from tests.cli.processes import REALTIME_LB, running
from tests.support import UPGRADE, Gateway, deployment, gateway, greet_and_echo, upstream

VOICE = "/v1/realtime?model=voice"


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def status(gate: Gateway, path: str) -> int:
    async with gate.http.get(gate.url + path, headers=UPGRADE if path == VOICE else {}) as response:
        response.close()
        return response.status


@pytest.mark.parametrize(
    ("used", "opens", "ready"), [(0.5, 101, 200), (0.875, 503, 200), (0.95, 503, 503), (1.5, 503, 503)]
)
async def test_opens_are_refused_before_clients_are_sent_elsewhere(
    used: float, opens: int, ready: int
) -> None:
    caps = AdmissionSettings(memory_limit_bytes=round(resident_bytes() / used))
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url), admission=caps) as gate:
        assert await status(gate, VOICE) == opens
        assert await status(gate, "/health/readiness") == ready
        assert await status(gate, "/health/liveliness") == 200


def told_by(folder: Path, files: dict[str, str]) -> Memory:
    """A machine whose kernel tells what is in *files*."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return Memory(clock=lambda: 0.0, proc=folder / "proc", cgroups=folder / "cgroup")


@pytest.mark.parametrize(
    ("files", "used"),
    [
        ({}, 0.0),
        ({"proc/cgroup": "0::/app\n", "cgroup/app/memory.max": "max\n"}, 0.0),
        (
            {
                "proc/cgroup": "0::/pod/app\n",
                "cgroup/pod/app/memory.max": "max\n",
                "cgroup/pod/memory.max": "1000\n",
                "cgroup/pod/memory.current": "900\n",
                "cgroup/pod/memory.stat": "anon 600\ninactive_file 200\n",
            },
            0.7,
        ),
        (
            {
                "proc/cgroup": "0::/\n",
                "cgroup/memory.max": "1000\n",
                "cgroup/memory.current": "400\n",
                "cgroup/memory.stat": "",
            },
            0.4,
        ),
        (
            {
                "proc/cgroup": "5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n",
                "cgroup/memory/memory.limit_in_bytes": "2000\n",
                "cgroup/memory/memory.usage_in_bytes": "1900\n",
                "cgroup/memory/memory.stat": "inactive_file 1\ntotal_inactive_file 100\n",
            },
            0.9,
        ),
        (
            {
                "proc/cgroup": "4:memory:/\n",
                "cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            0.0,
        ),
        ({"proc/cgroup": "0::/\n", "cgroup/memory.max": "1000\n"}, 0.0),
        ({"proc/cgroup": "nonsense\n"}, 0.0),
    ],
    ids=[
        "no Linux",
        "no limit",
        "the pod's",
        "in a container",
        "version 1",
        "no limit in it",
        "hidden",
        "odd",
    ],
)
def test_the_limit_is_that_of_the_cgroup_where_there_is_one(
    tmp_path: Path, files: dict[str, str], used: float
) -> None:
    """What the kernel can take back is not used. What is not told is no limit."""
    assert told_by(tmp_path, files).used(None) == pytest.approx(used)


def test_a_limit_that_is_changed_is_seen(tmp_path: Path) -> None:
    files = {"proc/cgroup": "0::/\n", "cgroup/memory.current": "900\n", "cgroup/memory.stat": ""}
    memory = told_by(tmp_path, {**files, "cgroup/memory.max": "1000\n"})
    now_s = [0.0]
    memory.clock = lambda: now_s[0]
    assert memory.used(None) == pytest.approx(0.9)
    told_by(tmp_path, {"cgroup/memory.max": "9000\n"})
    now_s[0] = 1.0
    assert memory.used(None) == pytest.approx(0.1)


def test_who_is_moved_to_another_group_has_its_limit(tmp_path: Path) -> None:
    files = {"proc/cgroup": "0::/a\n"}
    for name, limit, used in (("a", 1000, 600), ("b", 1000, 900)):
        files |= {f"cgroup/{name}/memory.max": f"{limit}\n", f"cgroup/{name}/memory.current": f"{used}\n"}
        files |= {f"cgroup/{name}/memory.stat": "inactive_file 0\n"}
    memory = told_by(tmp_path, files)
    assert memory.used(None) == 0.6
    (tmp_path / "proc/cgroup").write_text("0::/b\n")
    assert memory.used(None) == 0.9


def test_it_is_measured_no_more_often_than_needed(tmp_path: Path) -> None:
    now_s = [0.0]
    memory = told_by(tmp_path, {"proc/statm": "9000 100 1 1 0 1 0"})
    memory.clock = lambda: now_s[0]
    limit_bytes = 400 * os.sysconf("SC_PAGE_SIZE")
    assert memory.used(limit_bytes) == 0.25
    told_by(tmp_path, {"proc/statm": "9000 200 1 1 0 1 0"})
    now_s[0] = 0.2
    assert memory.used(limit_bytes) == 0.25
    now_s[0] = 0.25
    assert memory.used(limit_bytes) == 0.5
    told_by(tmp_path, {"proc/statm": "9000 300 1 1 0 1 0"})
    assert memory.used(limit_bytes) == 0.75, "half is used: a burst of calls could take the rest"


async def test_a_process_with_little_memory_keeps_its_sessions_and_refuses_more(tmp_path: Path) -> None:
    """Its address space is limited to twice what it needs at first; each call brings a megabyte."""
    async with Simulator(Face.OPENAI, api_key=CANARY) as provider:
        config = written(tmp_path, openai_group(a=provider.base_url))
        serve = (*REALTIME_LB, "serve", "-c", config, "--host", "127.0.0.1", "--port", "0")
        async with running(command=serve) as unlimited, aiohttp.ClientSession() as http:
            url = (await unlimited.says(r"listening on (http://\S+):"))[1]
            await (await _call_with_a_megabyte(http, url)).close()  # by then it has all its threads
            needed_kib = _address_space_kib(unlimited.process.pid)
            await unlimited.stop()
        limited = ("sh", "-c", f"ulimit -v {needed_kib * 2}; exec {shlex.join(serve)}")
        async with running(command=limited) as serving, aiohttp.ClientSession() as http:
            url = (await serving.says(r"listening on (http://\S+):"))[1]
            calls: list[aiohttp.ClientWebSocketResponse] = []
            try:
                while len(calls) < 1_000:
                    calls.append(await _call_with_a_megabyte(http, url))
            except aiohttp.WSServerHandshakeError as refusal:
                refused = refusal.status
            assert refused == 503
            assert calls
            for call in calls:
                await call.send_json({"type": "input_audio_buffer.clear"})
                assert (await call.receive_json())["type"] == "input_audio_buffer.cleared"
            async with http.get(f"{url}/health/liveliness") as alive:
                assert alive.status == 200
            await serving.says("sessions are refused: 85% of the memory limit is in use")
            for call in calls:
                await call.close()


async def _call_with_a_megabyte(http: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse:
    call = await http.ws_connect(url + VOICE)
    await call.receive_json()
    said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x" * 2**20}]}
    await call.send_json({"type": "conversation.item.create", "item": said})
    while (await call.receive_json())["type"] != "conversation.item.done":
        pass
    return call


def _address_space_kib(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024
