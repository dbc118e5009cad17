"""The command line as a process of its own."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from attrs import define, field, frozen

REALTIME_LB = (sys.executable, "-m", "realtime_lb")

BLOCKED = "import sys; sys.modules[{!r}] = None; from realtime_lb.__main__ import main; main()"
"""A program that runs the command line as if a module were not installed."""

_CONFUSING = {
    "HOST", "PORT", "CONFIG_FILE_PATH", "LITELLM_MASTER_KEY", "NO_COLOR", "FORCE_COLOR", "COLUMNS",
    "PYTHONASYNCIODEBUG",
}  # fmt: skip


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what the commands look at, and with *extra*."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _CONFUSING and not name.startswith(("OPENAI_", "AZURE_"))
    }
    return {**kept, **(extra or {})}


@frozen
class Finished:
    status: int
    out: str
    err: str


async def run(
    *arguments: str, env: Mapping[str, str] | None = None, command: tuple[str, ...] = REALTIME_LB
) -> Finished:
    """Run a command to its end."""
    process = await asyncio.create_subprocess_exec(
        *command, *arguments, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=environment(env)
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return Finished(process.returncode, out.decode(), err.decode())


@define
class Running:
    """A command that stays up, and what it has said on both of its outputs."""

    process: Process
    said: list[str] = field(factory=list)

    async def says(self, pattern: str) -> re.Match[str]:
        """Read on to a line that holds *pattern*."""
        while line := await self._line():
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"{pattern!r} is not in:\n{''.join(self.said)}")

    async def _line(self) -> str:
        assert self.process.stdout is not None
        line = (await self.process.stdout.readline()).decode()
        self.said.append(line)
        return line

    async def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Signal it, read what it still says, and return its exit status.

        By default as from a terminal: a SIGTERM gives load balancers some seconds to send nobody any more.
        """
        self.process.send_signal(number)
        while await self._line():
            pass
        return await self.process.wait()


@asynccontextmanager
async def running(
    *arguments: str, env: Mapping[str, str] | None = None, command: tuple[str, ...] = REALTIME_LB
) -> AsyncIterator[Running]:
    """A command that stays up while the block runs."""
    process = await asyncio.create_subprocess_exec(
        *command, *arguments, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env=environment(env)
    )
    try:
        yield Running(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
