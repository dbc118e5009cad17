"""The gateway as its users start it: ``realtime-lb serve`` in a process of its own."""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

NODE_CLIENTS = Path(__file__).parent / "node"

needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not (NODE_CLIENTS / "node_modules" / "ws").is_dir(),
    reason="Node and its packages are not installed; `make test` installs the packages where npm is found",
)


@define
class Served:
    """A running gateway.

    Attributes:
        url: Its root.
        log: Every line that it has logged so far.
    """

    url: str
    process: asyncio.subprocess.Process
    log: list[dict[str, Any]] = field(factory=list)
    _news: asyncio.Event = field(factory=asyncio.Event)

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    def lines(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.log if line["event"] == event]

    async def read_log(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self.log.append(json.loads(line))
            self._news.set()

    async def logged(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until *event* was logged *count* times, and return those lines."""
        while len(self.lines(event)) < count:
            self._news.clear()
            await self._news.wait()
        return self.lines(event)


@asynccontextmanager
async def served(config: Path, environ: Mapping[str, str], *options: str) -> AsyncIterator[Served]:
    """Run ``realtime-lb serve`` on a free port while the block runs; it must then end well on Ctrl-C."""
    command = [sys.executable, "-m", "realtime_lb", "serve", "--config", str(config)]
    process = await asyncio.create_subprocess_exec(
        *command,
        *("--host", "127.0.0.1", "--port", "0", "--admin-port", "0", "--log-format", "json"),
        *options,
        env={**os.environ, **environ},
        stderr=asyncio.subprocess.PIPE,
        limit=2**26,
    )
    assert process.stderr is not None
    hello = json.loads(await process.stderr.readline())
    gateway = Served(hello["url"], process, [hello])
    reading = asyncio.create_task(gateway.read_log(process.stderr))
    try:
        yield gateway
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        status = await process.wait()
        await reading
    assert status == 0, f"the gateway ended with {status}"


async def node(script: str, *arguments: str, **environ: str) -> list[dict[str, Any]]:
    """Run one of the Node clients to its end, and return the JSON lines that it printed."""
    process = await asyncio.create_subprocess_exec(
        *("node", str(NODE_CLIENTS / script)),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environ},
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return [json.loads(line) for line in out.splitlines()]
