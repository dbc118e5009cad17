"""Taking connections: no more than there are files for, and at once again when there are.

Event loops' own servers take what they can. When files run out, asyncio's logs thousands of lines a second,
and uvloop's hangs up on who comes. Here, who comes then waits in the kernel's queue until somebody has left.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager

from attrs import define, field

from realtime_lb.machine import open_files_limit, sockets_within
from realtime_lb.seldom import Seldom
from realtime_lb.transports.tcp import limit_unacknowledged_time

__all__ = ["Arrivals", "Listener", "bound_sockets", "taking"]

BACKLOG = 4096
"""Connections that may wait while the loop is busy. At aiohttp's 128, 2,000 dials at once wait a second."""

AT_ONCE = 4
"""Connections that are taken before the loop looks at those that it has. Each is a request soon, which takes
most of a millisecond, and two with TLS: a flood of them should cost live sessions a few milliseconds."""

RETRY_S = 0.05
"""After which it is looked again whether there is room."""

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
async def taking(sockets: Sequence[socket.socket], arrivals: Arrivals) -> AsyncIterator[Listener]:
    """Take connections from *sockets*, which are closed on leaving the block; connections outlive it.

    Needs a loop that watches sockets: every one but what Windows has by default.
    """
    listener = Listener(sockets, arrivals)
    listener.listen()
    try:
        yield listener
    finally:
        await listener.aclose()


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
class Listener:
    """Takes connections until it is stopped."""

    sockets: Sequence[socket.socket]
    arrivals: Arrivals
    _loop: asyncio.AbstractEventLoop = field(factory=asyncio.get_running_loop)
    _clients: _Clients = field(init=False)
    _arriving: set[asyncio.Task[None]] = field(factory=set)
    _early: set[socket.socket] = field(factory=set)
    """Those of whom no task has ever run."""

    _pause: asyncio.TimerHandle | None = None
    _notice: Seldom = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._clients, self._notice = _Clients(), Seldom(_log.warning, self._loop.time)

    def listen(self) -> None:
        """Begin, or go on."""
        self._pause = None
        for each in self.sockets:
            self._loop.add_reader(each, self._take, each)

    def _take(self, listening: socket.socket) -> None:
        for _ in range(AT_ONCE):
            if not self._clients.have_room():
                self._wait("as many connections are open as the limit on open files allows (ulimit -n)")
                return
            try:
                client, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._wait(error.strerror or type(error).__name__)
                return
            self._clients.add(client)
            self._early.add(client)
            task = self._loop.create_task(self._welcome(client))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    def _wait(self, why: str) -> None:
        self._notice.tell(f"no connection is taken for now: {why}")
        self._deafen()
        self._pause = self._loop.call_later(RETRY_S, self.listen)

    def _deafen(self) -> None:
        for each in self.sockets:
            self._loop.remove_reader(each)

    async def _welcome(self, client: socket.socket) -> None:
        self._early.discard(client)
        client.setblocking(False)  # noqa: FBT003  # its only form
        arrivals = self.arrivals
        patience = {} if arrivals.tls is None else {"ssl_handshake_timeout": arrivals.head_timeout_s}
        try:
            transport, _ = await self._loop.connect_accepted_socket(
                arrivals.protocol, client, ssl=arrivals.tls, **patience
            )
        except OSError as error:  # TLS errors are such, too; its transport has closed the socket
            _log.debug("a connection came to nothing: %s", type(error).__name__)
            return
        limit_unacknowledged_time(transport, arrivals.stall_timeout_s)

    def stop(self) -> None:
        """Take no more. Those that were taken get their answer."""
        if self._pause is not None:
            self._pause.cancel()
        self._deafen()
        for each in self.sockets:
            each.close()
        self.sockets = ()

    async def aclose(self) -> None:
        """Take no more, and let go of those whose TLS handshake is not over."""
        self.stop()
        for task in self._arriving:
            task.cancel()
        if self._arriving:
            await asyncio.wait(self._arriving)
        for client in self._early:
            client.close()


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
