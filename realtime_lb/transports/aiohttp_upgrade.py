"""Answering a client's handshake with aiohttp."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from aiohttp.http_websocket import WebSocketWriter
from multidict import CIMultiDict

from realtime_lb.settings import LimitSettings
from realtime_lb.transports.aiohttp_connection import AiohttpConnection
from realtime_lb.transports.aiohttp_messages import Messages, messages_of
from realtime_lb.transports.aiohttp_pace import Sips

__all__ = ["accept_websocket", "is_handshake", "subprotocol_for"]

_OFFERS = "Sec-WebSocket-Protocol"

SUBPROTOCOL = "realtime"
"""The only one that is ever answered: the others that clients offer hold their keys."""

_JUDGE = web.WebSocketResponse[Any](protocols=(SUBPROTOCOL,))
"""Answers nobody: it is asked which requests it could answer."""


def is_handshake(request: web.Request) -> bool:
    """Say whether *request* can be answered with a 101."""
    try:
        return request.method == "GET" and bool(_JUDGE.can_prepare(_without_keys(request)))
    except ValueError:  # a Sec-WebSocket-Key that is no ASCII
        return False


def subprotocol_for(request: web.Request) -> str | None:
    """Return the subprotocol to answer *request* with: the one that there is, where it is offered."""
    offers = ",".join(request.headers.getall(_OFFERS, [])).split(",")
    return SUBPROTOCOL if SUBPROTOCOL in (offer.strip() for offer in offers) else None


def _without_keys(request: web.Request) -> web.Request:
    """Return *request* offering no subprotocol but the one that is answered.

    Clients show their keys as subprotocols, and aiohttp logs those that it does not know. Most offer none,
    and their request is not copied.
    """
    if _OFFERS not in request.headers:
        return request
    headers = CIMultiDict((name, _encodable(value)) for name, value in request.headers.items())
    headers.popall(_OFFERS, None)
    if subprotocol := subprotocol_for(request):
        headers[_OFFERS] = subprotocol
    return request.clone(headers=headers)


def _encodable(value: str) -> str:
    """Return *value* as aiohttp can copy it, which it cannot what was no UTF-8 when it came."""
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class _Websocket(web.WebSocketResponse[Any]):
    """Receives `Messages`, where aiohttp would make a queue of its own.

    Args:
        limits: What the connection may cost.
    """

    messages: Messages

    def __init__(self, limits: LimitSettings) -> None:
        super().__init__(
            protocols=(SUBPROTOCOL,),
            timeout=limits.close_timeout_s,
            autoclose=False,
            autoping=False,
            compress=False,
        )
        self._limits = limits

    def _post_start(self, request: web.BaseRequest, protocol: str | None, writer: WebSocketWriter) -> None:
        self._ws_protocol, self._writer = protocol, writer
        self.messages, self._parser = messages_of(request.protocol, self._limits)
        self._reader = self.messages
        request.protocol.set_parser(self._parser, self.messages.begin)
        request.protocol.keep_alive(False)  # noqa: FBT003  # aiohttp's

    async def write_eof(self) -> None:  # type: ignore[override]  # as aiohttp has it
        """Close, if nobody has, and keep no error of that: its traceback refers to all that this does."""
        await super().write_eof()
        self._exception = None


async def accept_websocket(
    request: web.Request, limits: LimitSettings
) -> tuple[web.WebSocketResponse[Any], AiohttpConnection]:
    """Answer *request* with a 101.

    Args:
        request: The upgrade that somebody has already allowed.
        limits: What the connection may cost.

    Returns:
        The response for the handler to return, and the connection.

    Raises:
        aiohttp.web.HTTPBadRequest: It is no websocket handshake.
        ConnectionResetError: The client is gone.
    """
    websocket = _Websocket(limits)
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client is gone")
    await websocket.prepare(_without_keys(request))
    sips = Sips(request.protocol, transport=transport)
    transport.set_protocol(sips)
    return websocket, AiohttpConnection(
        websocket, websocket.messages, transport, limits, release=sips.let_go, linger=sips.lingered
    )
