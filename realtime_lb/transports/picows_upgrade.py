"""Answering a client's handshake with aiohttp, and reading the client with picows."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from realtime_lb.settings import LimitSettings
from realtime_lb.transports.aiohttp_upgrade import subprotocol_for
from realtime_lb.transports.already_read import AlreadyRead
from realtime_lb.transports.handshake import accept_key
from realtime_lb.transports.picows_connection import PicowsConnection

__all__ = ["accept_and_take_over", "can_be_taken_over"]


class _Upgraded(web.StreamResponse):
    """A 101, behind which aiohttp writes nothing."""

    async def write_eof(self, _data: bytes = b"") -> None:
        """Nothing follows: the socket is somebody else's."""


def can_be_taken_over(request: web.Request) -> bool:
    """Say whether *request* came over a socket, and not from a test without one."""
    transport = request.transport
    return transport is not None and transport.get_extra_info("socket") is not None


async def accept_and_take_over(
    request: web.Request, limits: LimitSettings
) -> tuple[web.StreamResponse, PicowsConnection]:
    """Answer *request* with a 101 and take its socket from aiohttp.

    aiohttp's protocol stays as the request's, hears of the connection's end, and can still close it.

    Args:
        request: The upgrade that somebody has already allowed.
        limits: What the connection may cost.

    Returns:
        The response for the handler to return when the connection has ended, and the connection.

    Raises:
        ConnectionResetError: The client is gone.
    """
    response = _Upgraded(status=101, headers=_answer(request))
    response.force_close()
    await response.prepare(request)
    transport, protocol = request.transport, request.protocol
    if transport is None:
        raise ConnectionResetError("the client is gone")
    read = AlreadyRead()
    protocol.keep_alive(False)  # noqa: FBT003  # aiohttp's
    protocol.set_parser(_as_parser(read))
    protocol._parser = None  # noqa: SLF001  # it reads no more requests, and holds all of the last one's lines
    connection = PicowsConnection(
        transport, limits, is_client=False, already_read=read.data, on_lost=protocol.connection_lost
    )
    return response, connection


def _answer(request: web.Request) -> dict[str, str]:
    headers = {
        "Upgrade": "websocket",
        "Connection": "upgrade",
        "Sec-WebSocket-Accept": accept_key(request.headers["Sec-WebSocket-Key"]),
    }
    if subprotocol := subprotocol_for(request):
        headers["Sec-WebSocket-Protocol"] = subprotocol
    return headers


def _as_parser(read: AlreadyRead) -> Any:
    return read
