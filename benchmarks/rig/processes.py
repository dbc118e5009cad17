"""A proxy as a process of its own: started on its core, waited for, ended with all that it has started."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import field, frozen

from benchmarks.rig.cores import Cores, pin
from benchmarks.rig.proc import tree

__all__ = ["Command", "DidNotStart", "free_port", "running"]

STOP_TIMEOUT_S = 5.0
ASK_AGAIN_S = 0.5
"""A proxy that lets its sessions end first takes the second request for "now"."""

_OURS = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
    "ALL_PROXY",
    "HOST",
    "PORT",
    "COVERAGE_PROCESS_START",
    "COVERAGE_PROCESS_CONFIG",
)
"""Variables of ours that would change what a proxy does."""


class DidNotStart(Exception):
    """A proxy ended, or did not listen in time."""


@frozen
class Command:
    """How to start a proxy.

    Attributes:
        argv: Program and arguments.
        env: Variables beside ours.
        folder: Working directory.
        ready_s: How long it may take until it listens.
    """

    argv: Sequence[str]
    env: Mapping[str, str] = field(factory=dict)
    folder: Path = Path()
    ready_s: float = 20.0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def running(command: Command, port: int, cores: Cores, log: Path) -> AsyncIterator[int]:
    """Run a proxy while the block runs; yield the id of its first process.

    What it writes goes into *log*, as it does where a service writes its log.

    Raises:
        DidNotStart: It ended, or did not listen on *port* in time; the text has its last lines.
    """
    process = _start(command, cores, log)
    try:
        await _listening(process, command, port, log)
        yield process.pid
    finally:
        await _stop(process)


def _start(command: Command, cores: Cores, log: Path) -> subprocess.Popen[bytes]:
    env = {name: value for name, value in os.environ.items() if name not in _OURS} | dict(command.env)
    # A child inherits the core. Pinned behind its start, threads that it had begun by then would stay where
    # they are.
    before = os.sched_getaffinity(0)
    pin(cores.proxy)
    try:
        with log.open("wb") as out:
            return subprocess.Popen(
                list(command.argv),
                env=env,
                cwd=command.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    finally:
        os.sched_setaffinity(0, before)


async def _listening(process: subprocess.Popen[bytes], command: Command, port: int, log: Path) -> None:
    deadline = time.monotonic() + command.ready_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise DidNotStart(f"ended with status {process.returncode}: {_last_words(log)}")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise DidNotStart(f"does not listen after {command.ready_s:g} s: {_last_words(log)}")


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return " / ".join(lines[-3:]).replace(str(log.parent), "...")[-400:]


async def _stop(process: subprocess.Popen[bytes]) -> None:
    processes = tree(process.pid)
    if process.poll() is None:
        process.terminate()
    deadline = time.monotonic() + STOP_TIMEOUT_S
    ask_again_at = time.monotonic() + ASK_AGAIN_S
    while process.poll() is None and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
        if time.monotonic() > ask_again_at and process.poll() is None:
            ask_again_at = deadline
            process.terminate()
    # Whatever it leaves behind, or will not end, is ended.
    for each in processes:
        if each == process.pid and process.poll() is not None:
            continue
        try:
            os.kill(each, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()
