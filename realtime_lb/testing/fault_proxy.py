"""A TCP proxy that breaks the network on purpose, in front of any server."""

from __future__ import annotations

import socket
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from realtime_lb.testing.doorway import Doorway
from realtime_lb.testing.network_faults import Door, Faults
from realtime_lb.testing.proxied import ProxiedConnection

__all__ = ["FaultProxy", "FaultsByNumber"]

BUFFER_BYTES = 64 * 1024
_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}

FaultsByNumber: TypeAlias = Callable[[int], Faults]
"""Says what happens to the n-th connection, counted from 1."""


class FaultProxy:
    """Stands in front of a server and passes bytes both ways, as a bad network would.

    It knows nothing of what they mean, so websockets, HTTP and TLS all pass. Nothing is lost or changed but
    by a fault, and nothing is held beyond `buffer_bytes` and what the sockets hold: a receiver that does not
    read holds its sender up. An asynchronous context manager; leaving it resets what is still connected.

    Args:
        target: Where the server is: a URL, or ``host:port``.
        faults: What happens to connections: the same to all, or a function of the connection's number,
            from 1.
        seed: Of the jitter; the same seed draws the same.
        host: Where to listen.
        port: On which port; 0 takes a free one.
        buffer_bytes: How much of each direction of a connection may be under way in the proxy.

    Raises:
        ValueError: *target* names no port.
    """

    def __init__(
        self,
        target: str,
        faults: Faults | FaultsByNumber = Faults(),  # noqa: B008  # frozen
        *,
        seed: int = 1,
        host: str = "127.0.0.1",
        port: int = 0,
        buffer_bytes: int = BUFFER_BYTES,
    ) -> None:
        self._target = urlsplit(target if "://" in target else f"//{target}")
        host_there = self._target.hostname
        port_there = self._target.port or _PORTS.get(self._target.scheme)
        if not host_there or not port_there:
            raise ValueError(f"{target!r} says no host and port")
        self._server_at = (host_there, port_there)
        self._faults, self._seed, self._buffer_bytes = faults, seed, buffer_bytes
        self.host, self.port = host, port
        self._frozen = False
        self._doorway = Doorway(self._take)
        self._is_up, self._count = False, 0
        self._live: dict[int, ProxiedConnection] = {}

    def __repr__(self) -> str:
        return f"<FaultProxy {self.host}:{self.port}, {len(self._live)} connections>"

    @property
    def url(self) -> str:
        """The target's URL with the proxy's host and port in it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        there = urlunsplit(self._target._replace(netloc=f"{host}:{self.port}"))
        return there.removeprefix("//")

    @property
    def connections(self) -> tuple[ProxiedConnection, ...]:
        """Those that are open, the oldest first."""
        return tuple(self._live.values())

    @property
    def count(self) -> int:
        """How many connections were ever taken."""
        return self._count

    @property
    def faults(self) -> Faults | FaultsByNumber:
        """What happens to connections. Assign others: they hold for open connections, too, from now on."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults | FaultsByNumber) -> None:
        self._faults = faults
        for connection in self.connections:
            connection.faults = self._of(connection.number)
        if self._is_up:
            self._open_or_shut()

    def freeze(self) -> None:
        """Let nothing pass any more, as if the server were stopped: clients connect, and nobody answers."""
        self._freeze(frozen=True)

    def thaw(self) -> None:
        """Let everything go on that was frozen; nothing has been lost."""
        self._freeze(frozen=False)

    def _freeze(self, *, frozen: bool) -> None:
        self._frozen = frozen
        for connection in self.connections:
            if frozen:
                connection.freeze()
            else:
                connection.thaw()

    def cut(self, *, fin: bool = False) -> None:
        """End every open connection now, at both ends, with RST.

        Args:
            fin: With FIN instead, as a system does for a program that has ended.
        """
        for connection in self.connections:
            connection.cut(fin=fin)

    async def __aenter__(self) -> Self:
        self.port = self._doorway.bind(self.host, self.port)
        self._is_up = True
        self._open_or_shut()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_up = False
        await self._doorway.aclose()
        self._live.clear()

    def _of(self, number: int) -> Faults:
        return self._faults(number) if callable(self._faults) else self._faults

    def _open_or_shut(self) -> None:
        if isinstance(self._faults, Faults) and self._faults.door is Door.REFUSE:
            self._doorway.shut()
        else:
            self._doorway.open()

    def _take(self, client: socket.socket) -> Coroutine[Any, Any, None]:
        self._count += 1
        connection = ProxiedConnection(
            self._count, self._of(self._count), seed=self._seed, buffer_bytes=self._buffer_bytes
        )
        if self._frozen:
            connection.freeze()
        self._live[connection.number] = connection
        return self._passing(connection, client)

    async def _passing(self, connection: ProxiedConnection, client: socket.socket) -> None:
        try:
            await connection.run(client, *self._server_at)
        finally:
            self._live.pop(connection.number, None)
