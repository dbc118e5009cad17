"""A listening socket of our own, so that a connection can be accepted and then ignored."""

from __future__ import annotations

import asyncio
import logging
import math
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

from realtime_lb.accepting import Accepting
from realtime_lb.simulator.faults import Plan, Stage

__all__ = ["Listener"]

_BACKLOG = 1024

_log = logging.getLogger("realtime_lb.simulator")


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
        self._accepting = Accepting(self._welcome, _log)

    def start(self, host: str, port: int) -> int:
        """Listen, and return the port."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        listening.setblocking(False)  # noqa: FBT003  # the standard library's signature
        self._accepting.listen(listening)
        return int(listening.getsockname()[1])

    async def aclose(self) -> None:
        """Stop listening and drop connections that no protocol has yet. Idempotent."""
        await self._accepting.aclose()

    def _welcome(self, connection: socket.socket) -> Coroutine[Any, Any, None]:
        return self._connect(connection, self._next_connection().delay_s(Stage.ACCEPT))

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
