"""Where clients come in: sockets to listen on, and connections that become requests."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import Any

from attrs import define, field

from realtime_lb.accepting import Accepting
from realtime_lb.machine import open_files_limit, sockets_within
from realtime_lb.transports.tcp import limit_unacknowledged_time

__all__ = ["Arrivals", "bound_sockets", "taking"]

BACKLOG = 4096
"""Connections that may wait while the loop is busy. At aiohttp's 128, 2,000 dials at once wait a second."""

_log = logging.getLogger("realtime_lb.server")


@define(kw_only=True, eq=False)
class Arrivals:
    """How connections are taken.

    Attributes:
        protocol: Makes what reads one.
        tls: For ``https`` and ``wss``.
        head_timeout_s: How long a TLS handshake may take.
        stall_timeout_s: How long a client may take nothing of what it is sent.
    """

    protocol: Callable[[], asyncio.BaseProtocol]
    tls: ssl.SSLContext | None
    head_timeout_s: float
    stall_timeout_s: float


@asynccontextmanager
async def taking(sockets: Sequence[socket.socket], arrivals: Arrivals) -> AsyncIterator[Accepting]:
    """Take connections from *sockets*, which are closed on leaving the block; connections outlive it.

    Needs a loop that watches sockets: every one but what Windows has by default.
    """
    door = _Door(arrivals)
    for each in sockets:  # once, for all that they will take
        limit_unacknowledged_time(each, arrivals.stall_timeout_s)
        each.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    accepting = Accepting(door.welcome, _log, door.shortage)
    accepting.listen(*sockets)
    try:
        yield accepting
    finally:
        await accepting.aclose()


async def bound_sockets(host: str, port: int, *, reuse_port: bool) -> list[socket.socket]:
    """Return a socket for each address of *host*, which connections can queue at.

    Args:
        host: An address or a name; an empty one is every address.
        port: Which port; 0 takes a free one, for each address another.
        reuse_port: Share the port with others who listen on it so.

    Raises:
        OSError: It cannot be had.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    absent: OSError | None = None
    sockets = []
    with ExitStack() as opened:
        for family, address in dict.fromkeys((each[0], each[4]) for each in found):
            try:
                bound = socket.create_server(address, family=family, backlog=BACKLOG, reuse_port=reuse_port)
            except OSError as error:
                if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                    raise
                absent = error  # of a name with two families, this machine may have one
                continue
            sockets.append(opened.enter_context(bound))
            bound.setblocking(False)  # noqa: FBT003  # its only form
        opened.pop_all()
    if absent is not None and not sockets:
        raise absent
    return sockets


@define(eq=False)
class _Clients:
    """Sockets that were taken, whatever protocol reads them by now, until they are closed."""

    _open: set[socket.socket] = field(factory=set)
    _look_at: int = 128

    def add(self, client: socket.socket) -> None:
        self._open.add(client)
        if len(self._open) >= self._look_at:
            self._forget_closed()

    def have_room(self) -> bool:
        most = sockets_within(open_files_limit()).clients
        if len(self._open) >= most:
            self._forget_closed()
        return len(self._open) < most

    def _forget_closed(self) -> None:
        """Once for each doubling, so that it costs a connection the same however many there are."""
        self._open = {each for each in self._open if each.fileno() >= 0}
        self._look_at = max(128, 2 * len(self._open))


@define(eq=False)
class _Door:
    """Has connections become requests."""

    arrivals: Arrivals
    _clients: _Clients = field(factory=_Clients)

    def shortage(self) -> str | None:
        """Return why no connection is to be taken, if none is."""
        if self._clients.have_room():
            return None
        return "as many connections are open as the limit on open files allows (ulimit -n)"

    def welcome(self, client: socket.socket) -> Coroutine[Any, Any, None]:
        """Return what becomes of a connection."""
        self._clients.add(client)
        return self._welcome(client)

    async def _welcome(self, client: socket.socket) -> None:
        arrivals = self.arrivals
        patience = {} if arrivals.tls is None else {"ssl_handshake_timeout": arrivals.head_timeout_s}
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                arrivals.protocol, client, ssl=arrivals.tls, **patience
            )
        except OSError as error:  # TLS errors are such, too; its transport has closed the socket
            _log.debug("a connection came to nothing: %s", type(error).__name__)
