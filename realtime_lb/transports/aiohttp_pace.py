"""Reading a client of aiohttp's server a little at a time, so that all others have their turn."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from typing import cast

from aiohttp import web

from realtime_lb.transports.insides import holds_back
from realtime_lb.transports.room import MOST_READ_BYTES, ROOM
from realtime_lb.transports.stand_in import StandIn
from realtime_lb.transports.turns import Turn, after_others

__all__ = ["MOST_EARLY_READ_BYTES", "Sips", "handler_of"]

MOST_EARLY_READ_BYTES = 16 * 1024
"""At once, of a client that has not been answered: what it says by then is kept."""

_LEAST_READ_BYTES = 512

LINGER_S = 1.0
"""For which a peer that has broken the protocol is still read from, so that our goodbye reaches it."""


class _Rest:
    """Takes what a peer still sends. A socket that is closed over unread bytes cuts off what we said last.

    Args:
        mine: A second descriptor of the socket; whoever has the first one closes that.
    """

    def __init__(self, mine: socket.socket) -> None:
        self._mine, self._loop = mine, asyncio.get_running_loop()
        self.over: asyncio.Future[None] = self._loop.create_future()
        mine.setblocking(False)  # noqa: FBT003  # its only form
        self._loop.add_reader(mine, self._take)

    def _take(self) -> None:
        try:
            size = self._mine.recv_into(ROOM.bytes)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            size = 0
        if not size:
            self.close()

    def say_no_more(self) -> None:
        """Tell the peer that all was said: the transport is closed, and this alone holds the connection."""
        with suppress(OSError):
            self._mine.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Let go of it. Idempotent."""
        if self._mine.fileno() >= 0:
            self._loop.remove_reader(self._mine)
            self._mine.close()
        if not self.over.done():
            self.over.set_result(None)


class Sips(StandIn[web.RequestHandler]):
    """Stands before a protocol of aiohttp's, which has no say in how much it is given at once.

    Args:
        protocol: Gets what is read.
        most_bytes: How much to read at once, at most.
        transport: What is read, where that is upgraded already: whose owner then waits for `lingered`.
    """

    def __init__(
        self,
        protocol: web.RequestHandler,
        most_bytes: int = MOST_READ_BYTES,
        transport: asyncio.Transport | None = None,
    ) -> None:
        super().__init__(protocol)
        self._transport = transport
        self._lingers = transport is not None
        self._room = ROOM.bytes
        self._rest: _Rest | None = None
        self._turn = Turn(MOST_EARLY_READ_BYTES, least_bytes=_LEAST_READ_BYTES, most_bytes=most_bytes)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.protocol.connection_made(transport)

    def get_buffer(self, _size_hint: int) -> memoryview:
        return self._room[: self._turn.usual_bytes]

    def buffer_updated(self, size: int) -> None:
        data = bytes(self._room[:size])
        began_s = time.perf_counter()
        self.protocol.data_received(data)
        if self.protocol._close:  # noqa: SLF001  # it tells nobody
            self._linger()
        elif size < self._turn.usual_bytes:
            return  # that was all
        elif self._turn.is_over(began_s, time.perf_counter() - began_s) and self._is_read:
            assert self._transport is not None  # noqa: S101  # something was read from it
            self._transport.pause_reading()
            after_others(self._go_on)

    def _linger(self) -> None:
        if not self._lingers or self._transport is None or self._transport.is_closing():
            return
        self._lingers = False
        theirs = self._transport.get_extra_info("socket")
        with suppress(OSError):  # there may be no descriptor left
            self._rest = _Rest(socket.fromfd(theirs.fileno(), theirs.family, theirs.type))

    async def lingered(self) -> None:
        """Wait until a client that has broken the protocol has heard it and left, for `LINGER_S` at most."""
        if self._rest is not None:
            try:
                await asyncio.wait({self._rest.over}, timeout=LINGER_S)
            finally:
                self._rest.close()

    def let_go(self) -> None:
        """Wait no more. Idempotent."""
        if self._rest is not None:
            self._rest.close()

    @property
    def _is_read(self) -> bool:
        transport = self._transport
        return not (holds_back(self.protocol) or transport is None or transport.is_closing())

    def _go_on(self) -> None:
        if self._is_read and self._transport is not None:
            self._transport.resume_reading()

    def eof_received(self) -> None:
        self.protocol.eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        if self._rest is not None:
            self._rest.say_no_more()
        super().connection_lost(error)


def handler_of(transport: asyncio.Transport) -> asyncio.BaseProtocol:
    """Return aiohttp's protocol, whatever stands before it."""
    protocol = transport.get_protocol()
    return protocol.protocol if isinstance(protocol, Sips) else protocol
