"""What nobody would notice fails the test in which it happens, or the file."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

OVERLOOKED = """
import asyncio, gc, logging, time, warnings
from realtime_lb.frames import shorten_reason
from realtime_lb.leases import Leases

async def test_a_task_fails_and_nobody_asks():
    async def fail(): raise LookupError("in a task")
    task = asyncio.ensure_future(fail())
    await asyncio.sleep(0.01)
    del task

async def test_a_callback_raises():
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0.01)

async def test_a_task_is_lost():
    async def wait(): await asyncio.get_running_loop().create_future()
    asyncio.ensure_future(wait())
    await asyncio.sleep(0)
    gc.collect()

async def test_what_we_call_blocks():
    leases = Leases()
    leases.on_room = lambda _name: time.sleep(0)
    leases.acquire("a").release()

async def test_a_coroutine_is_not_awaited():
    asyncio.sleep(0)
    gc.collect()

def test_a_destructor_raises():
    class Bad:
        def __del__(self): raise LookupError("in a destructor")
    Bad()

def test_something_warns():
    warnings.warn("old")

def test_a_socket_stays_open():
    import socket
    socket.socket()

def test_a_handler_stays():
    logging.getLogger().addHandler(logging.NullHandler())

async def test_all_is_well():
    await asyncio.sleep(0)
    shorten_reason("bye")
"""

LONG = """
import asyncio
from realtime_lb.events import parse_event

def parse(count):
    parse_event(b'{"a":[' + b"{}," * count + b"0]}", at_any_cost=True)

async def test_a_turn_of_ours_takes_long():
    asyncio.get_running_loop().call_soon(parse, 1_000_000)
    await asyncio.sleep(0.01)

async def test_a_turn_of_its_own_takes_long():
    for number in range(5_000_000): pass
    await asyncio.sleep(0.01)

async def test_all_is_well():
    asyncio.get_running_loop().call_soon(parse, 100)
    await asyncio.sleep(0.01)
"""


def failing(story: str, folder: Path, plugin: str, **environment: str) -> set[str]:
    """Run a story under a plugin of ours, and return the names of the tests that it fails."""
    path = folder / "test_overlooked.py"
    path.write_text(story)
    # fmt: off
    command = [
        sys.executable, "-m", "pytest", "-q", "-rA", "-p", plugin, "-p", "no:cacheprovider",
        "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder), str(path),
    ]
    # fmt: on
    said = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    ).stdout
    outcomes = re.findall(r"^(FAILED|ERROR|PASSED) \S+::(\w+)", said, re.MULTILINE)
    assert len(outcomes) >= story.count("def test_"), said
    return {name for outcome, name in outcomes if outcome != "PASSED"}


def test_what_is_easily_overlooked_fails(tmp_path: Path) -> None:
    wanted = set(re.findall(r"def (test_\w+)", OVERLOOKED)) - {"test_all_is_well"}
    assert failing(OVERLOOKED, tmp_path, "tests.strictness") == wanted


def test_in_debug_mode_a_turn_of_ours_that_takes_long_fails(tmp_path: Path) -> None:
    assert failing(LONG, tmp_path, "tests.turns", PYTHONASYNCIODEBUG="1") == {
        "test_a_turn_of_ours_takes_long"
    }
