"""One client of the fault proxy, and the connection to the server that is made for it."""

from __future__ import annotations

import asyncio
import random
import socket
from typing import Any

from realtime_lb.testing.network_faults import Door, Faults
from realtime_lb.testing.pipe import Pipe
from realtime_lb.testing.socket_end import SocketEnd, reset

__all__ = ["ProxiedConnection"]


class ProxiedConnection:
    """A connection through a `FaultProxy`, which makes it.

    Attributes:
        number: Which one of the proxy's it is, from 1.
    """

    def __init__(self, number: int, faults: Faults, *, seed: int, buffer_bytes: int) -> None:
        self.number = number
        self._faults, self._frozen = faults, False
        up, down = (random.Random(f"{seed}:{number}:{way}") for way in ("up", "down"))  # noqa: S311  # repeatable
        self._up = Pipe(faults.up, up, self.cut, buffer_bytes)
        self._down = Pipe(faults.down, down, self.cut, buffer_bytes)
        self._news = asyncio.Event()
        self._cut: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def __repr__(self) -> str:
        return f"<ProxiedConnection {self.number}: {self.up_bytes} bytes up, {self.down_bytes} down>"

    @property
    def up_bytes(self) -> int:
        """How many bytes have gone on to the server."""
        return self._up.passed_bytes

    @property
    def down_bytes(self) -> int:
        """How many bytes have gone on to the client."""
        return self._down.passed_bytes

    @property
    def faults(self) -> Faults:
        """What happens to it. Assign others: they hold for bytes under way, too."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = faults
        self._up.way, self._down.way = faults.up, faults.down
        self._news.set()

    def freeze(self) -> None:
        """Let nothing pass any more, either way, not even an end. Idempotent."""
        self._freeze(frozen=True)

    def thaw(self) -> None:
        """Let everything go on; nothing has been lost. Idempotent."""
        self._freeze(frozen=False)

    def _freeze(self, *, frozen: bool) -> None:
        self._frozen = frozen
        self._up.freeze(frozen=frozen)
        self._down.freeze(frozen=frozen)
        self._news.set()

    def cut(self, *, fin: bool = False) -> None:
        """End it now, at both ends, with RST. Idempotent.

        Args:
            fin: With FIN instead, as a system does for a program that has ended.
        """
        if not self._cut.done():
            self._cut.set_result(fin)
            self._news.set()

    async def run(self, client: socket.socket, host: str, port: int) -> None:
        """Pass bytes between *client* and the server until their ends, or a cut. For the proxy."""
        try:
            if not await self._may_pass():
                client.close() if self._cut.result() else reset(client)
                return
            ends = [await SocketEnd.of(client)]
        except asyncio.CancelledError:
            reset(client)
            raise
        passing = asyncio.create_task(self._pass(ends, host, port))
        either: set[asyncio.Future[Any]] = {passing, self._cut}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            await _ended(passing)
            if not self._cut.done() or self._cut.result():
                await asyncio.gather(*(end.say_goodbye() for end in ends))
        finally:
            await _ended(passing)
            for end in ends:
                end.reset()  # nothing, if it is gone

    async def _may_pass(self) -> bool:
        """Wait for the door; say whether it opens."""
        while not self._cut.done() and (self._frozen or self._faults.door is Door.IGNORE):
            self._news.clear()
            await self._news.wait()
        if self._faults.door is Door.REFUSE:
            self.cut()
        return not self._cut.done()

    async def _pass(self, ends: list[SocketEnd], host: str, port: int) -> None:
        try:
            ends.append(await SocketEnd.dialled(host, port))
            client, server = ends
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._up.run(client, server))
                ways.create_task(self._down.run(server, client))
        except* OSError:
            self.cut()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})
