"""A file that changes is read anew: when it stands still, when it says something else, and once."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from realtime_lb.cli.rereading import at_each_change
from realtime_lb.cli.watching import Watch
from tests.cli.configs import CANARY, openai_group, written
from tests.cli.processes import running
from tests.cli.test_rereading import answered, hang_up, upstreams
from tests.cli.test_workers import ANYWHERE, LISTENING, session

Change = Callable[[Path], None]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("a: 1")
    return path


def write(text: str) -> Change:
    return lambda file: _write(file, text)


def _write(file: Path, text: str) -> None:
    """Write in place; a later one is later, however coarse the file system's clock is."""
    later_ns = file.stat().st_mtime_ns + 1_000_000
    file.write_text(text)
    os.utime(file, ns=(later_ns, later_ns))


def replace(text: str) -> Change:
    def change(file: Path) -> None:
        beside = file.with_suffix(".new")
        beside.write_text(text)
        beside.replace(file)

    return change


def looks(watch: Watch, *changes: Change | None, file: Path) -> list[bool]:
    """Make each change, if it is one, and look."""
    found = []
    for change in changes:
        if change is not None:
            change(file)
        found.append(watch.is_new(anyway=False))
    return found


@pytest.mark.parametrize(
    "change", [write("a: 2"), replace("a: 2"), Path.unlink], ids=["in place", "moved", "gone"]
)
def test_a_change_that_stands_still_is_new_once(file: Path, change: Change) -> None:
    assert looks(Watch(file), None, change, None, None, None, file=file) == [False, False, True, False, False]


def test_a_file_that_is_being_written_is_not_believed(file: Path) -> None:
    parts = [write("a: [1"), write("a: [1, 2"), write("a: [1, 2]")]
    assert looks(Watch(file), *parts, None, None, file=file) == [False, False, False, True, False]


def test_a_file_that_is_away_for_a_moment_was_not_taken_away(file: Path) -> None:
    assert looks(Watch(file), Path.unlink, write_new("a: 1"), None, None, file=file) == [False] * 4


def write_new(text: str) -> Change:
    def change(file: Path) -> None:
        file.write_text(text)

    return change


def test_the_same_content_is_nothing_new_and_the_old_one_is_after_another(file: Path) -> None:
    watch = Watch(file)
    assert looks(watch, write("a: 1"), None, replace("a: 1"), None, file=file) == [False] * 4
    assert looks(watch, write("a: 2"), None, write("a: 1"), None, file=file) == [False, True, False, True]


def test_what_is_read_because_somebody_says_so_is_not_read_again(file: Path) -> None:
    watch = Watch(file)
    _write(file, "a: 2")
    assert watch.is_new(anyway=True)
    assert looks(watch, None, None, file=file) == [False, False]
    assert watch.is_new(anyway=True)


def test_a_link_that_leads_elsewhere_is_a_change(tmp_path: Path) -> None:
    """So Kubernetes changes a ConfigMap: ``..data`` is replaced, and nothing that the path names."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(f"a: {name}")
    data, beside = tmp_path / "..data", tmp_path / "..new"
    data.symlink_to("one")
    file = tmp_path / "config.yaml"
    file.symlink_to("..data/config.yaml")
    watch = Watch(file)
    beside.symlink_to("two")
    beside.replace(data)
    assert looks(watch, None, None, file=file) == [False, True]


async def test_what_is_to_be_done_at_a_change_is_done_once_for_each(file: Path) -> None:
    read: asyncio.Queue[str] = asyncio.Queue()

    async def act() -> None:
        read.put_nowait(await asyncio.to_thread(file.read_text))

    watch = await asyncio.to_thread(Watch, file)
    async with at_each_change(watch, 0.01, act):
        for text in ("a: 2", "a: 3"):
            await asyncio.to_thread(_write, file, text)
            assert await read.get() == text
    assert read.empty()


POLLING = "realtime_lb: {server: {config_poll_s: 0.05}}\n"


async def test_serve_takes_up_what_is_written_and_says_once_what_it_cannot_use(tmp_path: Path) -> None:
    async with upstreams() as (one, other):
        config = written(tmp_path, openai_group(one=one.base_url) + POLLING)
        async with (
            running("serve", "-c", config, *ANYWHERE, "--admin-port", "0") as gateway,
            aiohttp.ClientSession() as http,
        ):
            client = await session(http, (await gateway.says(LISTENING))[1])
            written(tmp_path, openai_group(other=other.base_url)[:-20])
            await gateway.says("error.*the configuration stays as it was.*config.yaml:")
            await answered(client)
            assert (len(one.sessions), len(other.sessions)) == (1, 0)
            written(tmp_path, openai_group(other=other.base_url) + POLLING)
            await gateway.says("read anew: deployments 1 added, 1 removed, 0 changed; 1 session to move")
            await gateway.says("session moved to another upstream.*cause=removed.*to_deployment=other")
            await answered(client)
            await client.close()
            assert await gateway.stop() == 0
    said = "".join(gateway.said)
    assert said.count("the configuration stays as it was") == 1
    assert said.count("read anew") == 1
    assert CANARY not in said


async def test_with_workers_each_takes_it_up_and_without_looking_a_sighup_does(tmp_path: Path) -> None:
    text, off = openai_group(one="http://127.0.0.1:1/v1"), POLLING.replace("0.05", "0")
    config = written(tmp_path, text + POLLING)
    async with running("serve", "-c", config, *ANYWHERE, "--workers", "2") as gateway:
        await gateway.says(LISTENING)
        written(tmp_path, openai_group(two="http://127.0.0.1:1/v1") + POLLING)
        told = {(await gateway.says(r"1 added, 1 removed.* worker=(\d/\d)"))[1] for _ in range(2)}
        assert told == {"1/2", "2/2"}
        assert await gateway.stop() == 0
    written(tmp_path, text + off)
    async with running("serve", "-c", config, *ANYWHERE, "--admin-port", "0") as gateway:
        await gateway.says(LISTENING)
        written(tmp_path, openai_group(two="http://127.0.0.1:1/v1") + off)
        hang_up(gateway)
        await gateway.says("read anew: deployments 1 added, 1 removed")
        assert await gateway.stop() == 0
    assert "".join(gateway.said).count("read anew") == 1


def test_a_pipe_is_left_to_who_reads_the_configuration(tmp_path: Path) -> None:
    """As of ``serve --config <(envsubst ...)``, which can be read once."""
    pipe = tmp_path / "config.yaml"
    os.mkfifo(pipe)
    with os.fdopen(os.open(pipe, os.O_RDWR), "r+b", buffering=0) as both:
        both.write(b"a: 1")
        watch = Watch(pipe)
        assert [watch.is_new(anyway=False) for _ in range(3)] == [False] * 3
        assert both.read(4) == b"a: 1"
