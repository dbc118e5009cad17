"""How much of an answer to a handshake is read."""

from __future__ import annotations

import asyncio

import aiohttp
from aiohttp.client_proto import ResponseHandler

from realtime_lb.transports.insides import holds_back
from realtime_lb.transports.room import ROOM
from realtime_lb.transports.stand_in import NOBODY, StandIn

__all__ = ["MOST_ANSWER_BYTES", "AnswerTooLong", "meter_answer", "unmetered"]

MOST_ANSWER_BYTES = 64 * 1024
"""Of one answer. aiohttp limits headers' sizes and number, which is a megabyte, and reads 103s for ever."""

_READ_BYTES = 16 * 1024
"""At once; asyncio and uvloop would read a quarter of a megabyte."""


class AnswerTooLong(aiohttp.ClientError):
    """The server goes on and on instead of answering."""


def meter_answer(transport: asyncio.Transport, handler: ResponseHandler) -> None:
    """Have *handler* read at most `MOST_ANSWER_BYTES` until its server has upgraded, and nothing after."""
    transport.set_protocol(_Meter(transport, handler))


def unmetered(transport: asyncio.Transport, handler: ResponseHandler) -> None:
    """Have *handler* read what has been upgraded, as aiohttp would have had it from the start."""
    transport.set_protocol(NOBODY)
    transport.set_protocol(handler)
    if not (holds_back(handler) or transport.is_closing()):
        transport.resume_reading()


class _Meter(StandIn[ResponseHandler]):
    """Stands between a transport and aiohttp's protocol until the answer has come, and costs nothing later.

    Behind an upgrade it reads nothing more: whoever takes the connection over goes on.
    """

    def __init__(self, transport: asyncio.Transport, handler: ResponseHandler) -> None:
        super().__init__(handler)
        self._transport = transport
        self._room = ROOM.bytes
        self._bytes_left = MOST_ANSWER_BYTES

    def get_buffer(self, _size_hint: int) -> memoryview:
        return self._room[: max(1, min(self._bytes_left, _READ_BYTES))]

    def buffer_updated(self, size: int) -> None:
        self._bytes_left -= size
        self.protocol.data_received(bytes(self._room[:size]))
        if self.protocol.upgraded:
            self._transport.pause_reading()
        elif self._bytes_left <= 0:
            self.protocol.set_exception(AnswerTooLong())
            self._transport.abort()

    def eof_received(self) -> None:
        self.protocol.eof_received()
