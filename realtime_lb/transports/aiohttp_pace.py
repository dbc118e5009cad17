"""Reading a client of aiohttp's server a little at a time, so that all others have their turn."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from contextlib import suppress
from typing import cast

from aiohttp import web

from realtime_lb.transports.turns import Turn, after_others

__all__ = ["MOST_EARLY_READ_BYTES", "Sips", "handler_of"]

MOST_EARLY_READ_BYTES = 16 * 1024
"""At once, of a client that has not been answered: what it says by then is kept."""

MOST_READ_BYTES = 64 * 1024
"""At once. asyncio would read a quarter of a megabyte, and uvloop that 32 times before others: of fragments
of a byte that is a second."""

_LEAST_READ_BYTES = 512
_MOST_PASSED_OVER = 128
"""Reads, behind which there is no more than a kernel holds."""


class _Room(threading.local):
    """Where all reads of one thread go: each is copied out before the next."""

    def __init__(self) -> None:
        self.bytes = memoryview(bytearray(MOST_READ_BYTES))


_room = _Room()


class Sips(asyncio.BufferedProtocol):
    """Stands before a protocol of aiohttp's, which has no say in how much it is given at once.

    Args:
        protocol: Gets what is read.
        most_bytes: How much to read at once, at most.
        transport: What is read, where that is known already.

    Attributes:
        protocol: As above.
    """

    def __init__(
        self,
        protocol: web.RequestHandler,
        most_bytes: int = MOST_READ_BYTES,
        transport: asyncio.Transport | None = None,
    ) -> None:
        self.protocol = protocol
        self._transport = transport
        self._room = _room.bytes
        self._turn = Turn(MOST_EARLY_READ_BYTES, least_bytes=_LEAST_READ_BYTES, most_bytes=most_bytes)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.protocol.connection_made(transport)

    def get_buffer(self, _size_hint: int) -> memoryview:
        return self._room[: self._turn.usual_bytes]

    def buffer_updated(self, size: int) -> None:
        data = bytes(self._room[:size])
        if size < self._turn.usual_bytes:  # that was all
            self.protocol.data_received(data)
            return
        began_s = time.perf_counter()
        self.protocol.data_received(data)
        if self.protocol._close:  # noqa: SLF001  # it tells nobody
            self._pass_over()
        elif self._turn.is_over(time.perf_counter() - began_s) and self._is_read:
            assert self._transport is not None  # noqa: S101  # something was read from it
            self._transport.pause_reading()
            after_others(self._go_on)

    def _pass_over(self) -> None:
        """Take what came behind a breach of the protocol: closed over it, a socket cuts off our goodbye."""
        assert self._transport is not None  # noqa: S101  # as above
        descriptor = self._transport.get_extra_info("socket").fileno()
        with suppress(OSError):
            for _ in range(_MOST_PASSED_OVER):
                if not os.readv(descriptor, [self._room]):
                    return

    @property
    def _is_read(self) -> bool:
        handler = self.protocol
        is_paused = handler._reading_paused or handler._buffer_paused  # noqa: SLF001  # it tells nobody
        return not (is_paused or self._transport is None or self._transport.is_closing())

    def _go_on(self) -> None:
        if self._is_read and self._transport is not None:
            self._transport.resume_reading()

    def eof_received(self) -> None:
        self.protocol.eof_received()

    def pause_writing(self) -> None:
        self.protocol.pause_writing()

    def resume_writing(self) -> None:
        self.protocol.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self.protocol.connection_lost(error)


def handler_of(transport: asyncio.Transport) -> asyncio.BaseProtocol:
    """Return aiohttp's protocol, whatever stands before it."""
    protocol = transport.get_protocol()
    return protocol.protocol if isinstance(protocol, Sips) else protocol
