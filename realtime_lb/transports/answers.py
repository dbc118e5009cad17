"""How upstreams are connected to, and how much of an answer to a handshake is read."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

from realtime_lb.transports.insides import holds_back
from realtime_lb.transports.stand_in import NOBODY, StandIn

__all__ = ["MOST_ANSWER_BYTES", "AnswerTooLong", "MeteredConnector", "unmetered"]

MOST_ANSWER_BYTES = 64 * 1024
"""Of one answer. aiohttp limits headers' sizes and number, which is a megabyte, and reads 103s for ever."""

_READ_BYTES = 16 * 1024
"""At once; asyncio and uvloop would read a quarter of a megabyte."""


class AnswerTooLong(aiohttp.ClientError):
    """The server goes on and on instead of answering."""


class MeteredConnector(aiohttp.TCPConnector):
    """Opens connections whose servers may say `MOST_ANSWER_BYTES` before they have upgraded.

    What comes through a proxy by TLS is not counted: aiohttp starts that on a socket of the proxy's.
    """

    async def _wrap_create_connection(
        self, *arguments: Any, addr_infos: list[Any], **named: Any
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        if len(addr_infos) == 1:
            transport, handler = await _connected(addr_infos[0], *arguments, **named)
        else:
            transport, handler = await super()._wrap_create_connection(
                *arguments, addr_infos=addr_infos, **named
            )
        transport.set_protocol(_Meter(transport, handler))
        return transport, handler


async def _connected(
    addr_info: Any,
    factory: Callable[[], ResponseHandler],
    *,
    ssl: ssl.SSLContext | None,
    server_hostname: str | None,
    req: aiohttp.ClientRequest,
    client_error: type[aiohttp.ClientConnectorError] = aiohttp.ClientConnectorError,
    timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109, ARG001  # none: who dials has one for all of it
) -> tuple[asyncio.Transport, ResponseHandler]:
    """Connect to the only address that there is.

    As aiohttp connects, uvloop has the address looked up once more, in one of the few threads that look up
    names: a dial would wait for other hosts' slow names, and an open cost a tenth more.
    """
    family, _, _, _, address = addr_info
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_connection(
            factory, *address[:2], family=family, ssl=ssl, server_hostname=server_hostname
        )
    except OSError as error:
        raise client_error(req.connection_key, error) from error


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
        self._room = bytearray(_READ_BYTES)
        self._bytes_left = MOST_ANSWER_BYTES

    def get_buffer(self, _size_hint: int) -> memoryview:
        return memoryview(self._room)[: max(1, min(self._bytes_left, _READ_BYTES))]

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
