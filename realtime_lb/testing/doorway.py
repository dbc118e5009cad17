"""A port that can refuse connections for a while without losing its number."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

__all__ = ["Doorway"]

BACKLOG = 1024


class Doorway:
    """Listens on a port, or keeps it while nobody listens.

    Needs a loop that watches sockets: every one but what Windows has by default.

    Args:
        on_client: Gets the socket of each client, non-blocking.
    """

    def __init__(self, on_client: Callable[[socket.socket], None]) -> None:
        self._on_client = on_client
        self._keeps: socket.socket | None = None
        self._listens: socket.socket | None = None
        self._address: tuple[str, int] = ("", 0)

    def bind(self, host: str, port: int) -> int:
        """Take a port, without listening, and return it."""
        self._keeps = _bound(host, port)
        self._address = (host, int(self._keeps.getsockname()[1]))
        return self._address[1]

    def open(self) -> None:
        """Listen. Idempotent."""
        if self._listens is None:
            self._listens = _bound(*self._address)
            self._listens.listen(BACKLOG)
            asyncio.get_running_loop().add_reader(self._listens, self._accept, self._listens)

    def shut(self) -> None:
        """Refuse clients, those included that wait. Idempotent."""
        listens, self._listens = self._listens, None
        if listens is not None:
            asyncio.get_running_loop().remove_reader(listens)
            listens.close()

    def close(self) -> None:
        """Give the port back. Idempotent."""
        self.shut()
        if self._keeps is not None:
            self._keeps.close()
            self._keeps = None

    def _accept(self, listening: socket.socket) -> None:
        try:
            client, _ = listening.accept()
        except OSError:  # it has left already
            return
        client.setblocking(False)  # noqa: FBT003  # the standard library's signature
        self._on_client(client)


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that shares its port: with one that listens, or that only keeps it."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setblocking(False)  # noqa: FBT003  # as above
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
