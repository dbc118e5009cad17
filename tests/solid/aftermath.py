"""What must be left when the last bad peer is gone: nothing, and a gateway that serves."""

import asyncio
import logging
import os
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from attrs import define, field

from tests.support import SESSION_CREATED, Gateway

__all__ = ["SIZE_FULL", "Aftermath", "figures", "nothing_left", "open_sockets"]

SIZE_FULL = os.environ.get("SOLID_FULL") == "1"
figures = logging.getLogger("figures")

_PATIENCE_S = 10.0
"""Goodbyes take 5 s at most. What waits for as long as a client may dawdle, 15 s, is left behind."""


@define
class Aftermath:
    """Listens to what asyncio complains of."""

    complaints: list[str] = field(factory=list)

    def hear(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        told = traceback.format_exception(error) if error is not None else []
        self.complaints.append("".join([f"{context.get('message')} {context.get('task')}\n", *told]))


def open_sockets() -> int:
    links = list(Path("/proc/self/fd").iterdir())  # the last is the listing's own, and closed by now
    return sum(str(link.readlink()).startswith("socket:") for link in links if link.is_symlink())


@asynccontextmanager
async def nothing_left(gate: Gateway, *, model: str = "voice") -> AsyncIterator[None]:
    """Run the block, then show that it left no task, socket, session or lease, and that *gate* serves on.

    A session to *model* is opened before and after: what the first one leaves open (a client's pooled
    connections, say) is nobody's leak.
    """
    loop, aftermath = asyncio.get_running_loop(), Aftermath()
    await _greeted(gate, model)
    await _settled(gate, tasks=None, sockets=None)
    tasks, sockets = len(asyncio.all_tasks()), open_sockets()
    loop.set_exception_handler(aftermath.hear)
    yield
    await _settled(gate, tasks=tasks, sockets=sockets)
    await _greeted(gate, model)
    await _settled(gate, tasks=tasks, sockets=sockets)
    loop.set_exception_handler(None)
    assert not aftermath.complaints, aftermath.complaints[0]


async def _greeted(gate: Gateway, model: str) -> None:
    async with gate.open(f"/v1/realtime?model={model}") as client:
        assert (await client.receive_str()) == SESSION_CREATED
        await client.send_str('{"type":"response.create"}')
        assert (await client.receive()).type is aiohttp.WSMsgType.TEXT


async def _settled(gate: Gateway, *, tasks: int | None, sockets: int | None) -> None:
    """Wait until it is so, and say what is not, if it does not become so."""

    def left() -> dict[str, object]:
        leases = sum(each.live_sessions for each in gate.router.snapshot().deployments)
        found: dict[str, object] = {"leases": leases, "sessions": len(gate.router.sessions())}
        if tasks is not None:
            found["tasks"] = max(0, len(asyncio.all_tasks()) - tasks)
        if sockets is not None:
            found["sockets"] = max(0, open_sockets() - sockets)
        return found

    loop = asyncio.get_running_loop()
    until = loop.time() + _PATIENCE_S
    while any(left().values()) and loop.time() < until:  # noqa: ASYNC110  # connections are being closed
        await asyncio.sleep(0.01)
    names = [repr(task) for task in asyncio.all_tasks()] if left().get("tasks") else []
    assert not any(left().values()), f"{left()} {names}"
