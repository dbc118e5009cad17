"""A port that can refuse connections for a while without losing its number."""

from __future__ import annotations

import logging
import socket

from realtime_lb.accepting import Accepting, Welcome

__all__ = ["Doorway"]

BACKLOG = 1024

_log = logging.getLogger("realtime_lb.testing")


class Doorway:
    """Listens on a port, or keeps it while nobody listens.

    Needs a loop that watches sockets: every one but what Windows has by default.

    Args:
        welcome: What becomes of each client.
    """

    def __init__(self, welcome: Welcome) -> None:
        self._welcome = welcome
        self._keeps: socket.socket | None = None
        self._accepting: Accepting | None = None
        self._address: tuple[str, int] = ("", 0)
        self._is_open = False

    def bind(self, host: str, port: int) -> int:
        """Take a port, without listening, and return it."""
        self._keeps = _bound(host, port)
        self._accepting = Accepting(self._welcome, _log)
        self._address = (host, int(self._keeps.getsockname()[1]))
        return self._address[1]

    def open(self) -> None:
        """Listen, on a port that is bound. Idempotent."""
        if self._accepting is not None and not self._is_open:
            listens = _bound(*self._address)
            listens.listen(BACKLOG)
            self._accepting.listen(listens)
            self._is_open = True

    def shut(self) -> None:
        """Refuse clients, those included that wait. Idempotent."""
        if self._accepting is not None:
            self._accepting.stop()
        self._is_open = False

    async def aclose(self) -> None:
        """Give the port back, and cancel what is under way of clients. Idempotent."""
        self.shut()
        accepting, self._accepting = self._accepting, None
        if accepting is not None:
            await accepting.aclose()
        if self._keeps is not None:
            self._keeps.close()
            self._keeps = None


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that shares its port: with one that listens, or that only keeps it."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setblocking(False)  # noqa: FBT003  # the standard library's signature
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
