"""Taking connections: no more than there are files for, and at once again when there are.

Event loops' own servers take what they can. When files run out, asyncio's logs thousands of lines a second,
and uvloop's hangs up on who comes. Here, who comes then waits in the kernel's queue until somebody has left.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from realtime_lb.seldom import Seldom

__all__ = ["Accepting", "Welcome"]

AT_ONCE = 8
"""Connections that are taken in one turn of the loop. So each step of an open is taken for all of them, one
after the other: an open that goes alone finds none of its code in the processor's caches."""

RETRY_S = 0.05
"""After which it is looked again whether there is room."""

Welcome: TypeAlias = Callable[[socket.socket], Coroutine[Any, Any, None]]
"""Called with a client's socket, non-blocking. What it returns is run in a task, and owns the socket."""


def _room() -> str | None:
    return None


class Accepting:
    """Takes connections from listening sockets until it is stopped.

    Needs a loop that watches sockets: every one but what Windows has by default.

    Args:
        welcome: What becomes of each.
        log: Told that none is taken for now, and why, at most once in a while.
        shortage: Returns why none is to be taken for now; None where one is.
    """

    def __init__(
        self, welcome: Welcome, log: logging.Logger, shortage: Callable[[], str | None] = _room
    ) -> None:
        self._welcome = welcome
        self._shortage = shortage
        self._loop = asyncio.get_running_loop()
        self._notice = Seldom(log.warning, self._loop.time)
        self._sockets: tuple[socket.socket, ...] = ()
        self._tasks: set[asyncio.Task[None]] = set()
        self._early: dict[socket.socket, Coroutine[Any, Any, None]] = {}
        self._pause: asyncio.TimerHandle | None = None

    def listen(self, *sockets: socket.socket) -> None:
        """Take connections from these, non-blocking and listening; they are closed by `stop`."""
        self._sockets = sockets
        self._hear()

    def _hear(self) -> None:
        self._pause = None
        for each in self._sockets:
            self._loop.add_reader(each, self._take, each)

    def _deafen(self) -> None:
        for each in self._sockets:
            self._loop.remove_reader(each)

    def _take(self, listening: socket.socket) -> None:
        """Take some: the loop asks again where more wait, and looks in between at those that it has."""
        for _ in range(AT_ONCE):
            if not self._take_one(listening):
                break

    def _take_one(self, listening: socket.socket) -> bool:
        """Take one; say whether to try for another.

        Not `sock_accept`: who is cancelled while it has an answer loses a connection that nobody closes.
        """
        shortage = self._shortage()
        if shortage is not None:
            self._wait(shortage)
            return False
        try:
            client, _ = listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as error:
            self._wait(error.strerror or type(error).__name__)
            return False
        client.setblocking(False)  # noqa: FBT003  # its only form
        self._early[client] = self._welcome(client)
        task = self._loop.create_task(self._run(client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    def _wait(self, why: str) -> None:
        self._notice.tell(f"no connection is taken for now: {why}")
        self._deafen()
        self._pause = self._loop.call_later(RETRY_S, self._hear)

    async def _run(self, client: socket.socket) -> None:
        await self._early.pop(client)

    def stop(self) -> None:
        """Take no more. What becomes of those that were taken goes on. Idempotent."""
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._deafen()
        for each in self._sockets:
            each.close()
        self._sockets = ()

    async def aclose(self) -> None:
        """Take no more, and cancel what is under way of those that were taken. Idempotent."""
        self.stop()
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for client, welcome in self._early.items():  # whose tasks have never run
            welcome.close()
            client.close()
        self._early.clear()
