"""A listening socket of our own, so that a connection can be accepted and then ignored."""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
from collections.abc import Callable

from realtime_lb.simulator.faults import Plan, Stage

__all__ = ["Listener"]

_BACKLOG = 1024


class Listener:
    """Accepts connections and hands them to a protocol.

    Needs a loop that watches sockets: every one but what Windows has by default.

    Args:
        factory: Makes the protocol of a connection.
        next_connection: Counts a connection and returns the faults that take it.
        ssl_context: Makes connections TLS.
    """

    def __init__(
        self,
        factory: Callable[[], asyncio.BaseProtocol],
        next_connection: Callable[[], Plan],
        ssl_context: ssl.SSLContext | None,
    ) -> None:
        self._factory = factory
        self._next_connection = next_connection
        self._ssl_context = ssl_context
        self._socket: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._early: set[socket.socket] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        self._socket.setblocking(False)  # noqa: FBT003  # the standard library's signature
        asyncio.get_running_loop().add_reader(self._socket, self._accept, self._socket)
        return int(self._socket.getsockname()[1])

    async def aclose(self) -> None:
        """Stop listening and drop connections that no protocol has yet. Idempotent."""
        listening, self._socket = self._socket, None
        if listening is not None:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in self._early:  # of whom no task has ever run
            connection.close()
        self._early.clear()

    def _accept(self, listening: socket.socket) -> None:
        # Not `sock_accept`: who is cancelled while it has an answer loses a connection that nobody closes.
        try:
            connection, _ = listening.accept()
        except OSError:  # it has left already
            return
        connection.setblocking(False)  # noqa: FBT003  # as above
        delay_s = self._next_connection().delay_s(Stage.ACCEPT)
        self._early.add(connection)
        task = asyncio.create_task(self._connect(connection, delay_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, connection: socket.socket, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            if delay_s == math.inf:
                await loop.create_future()
            await asyncio.sleep(delay_s)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.connect_accepted_socket(self._factory, connection, ssl=self._ssl_context)
        except asyncio.CancelledError:
            connection.close()
            raise
        except OSError:  # a TLS handshake that failed, or a client that left: its problem
            connection.close()
        finally:
            self._early.discard(connection)
