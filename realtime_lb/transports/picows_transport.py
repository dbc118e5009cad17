"""Dialling upstreams with aiohttp, and reading them with picows."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping

import aiohttp
from yarl import URL

from realtime_lb.abc import Connection
from realtime_lb.requests import DialRequest
from realtime_lb.settings import LimitSettings
from realtime_lb.transports.aiofastnet_tls import start_tls, trusting
from realtime_lb.transports.aiohttp_transport import AiohttpTransport, over_http, plain_headers
from realtime_lb.transports.already_read import AlreadyRead
from realtime_lb.transports.picows_connection import PicowsConnection
from realtime_lb.transports.picows_takeover import accept_key

__all__ = ["PicowsTransport"]


class PicowsTransport(AiohttpTransport):
    """A `Transport` that dials as `AiohttpTransport` does, and hands the open socket to picows.

    So names, certificates, egress proxies, refusals and redirects are one and the same in both. Nothing of
    aiohttp's outlives the handshake.

    Args:
        limits: What a connection may cost.
    """

    _start_tls, _trusting = staticmethod(start_tls), staticmethod(trusting)

    async def _connect(self, dial: DialRequest) -> Connection:
        url, key = over_http(URL(dial.url)), base64.b64encode(os.urandom(16)).decode()
        response = await self._http().get(
            url,
            headers=_handshake(dial, key),
            proxy=self._proxy_for(url),
            ssl=await self._tls(url, dial.tls),
            read_until_eof=False,
        )
        try:
            _check(response, key)
            return _taken_over(response, self._limits)
        finally:
            response.close()  # a connection that was taken over is none of its business any more


def _handshake(dial: DialRequest, key: str) -> Mapping[str, str]:
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
    }
    if dial.subprotocols:
        headers["Sec-WebSocket-Protocol"] = ",".join(dial.subprotocols)
    return {**plain_headers(dial), **headers}


def _check(response: aiohttp.ClientResponse, key: str) -> None:
    """Have the server's word that it speaks websocket (RFC 6455, section 4.1)."""
    headers = response.headers
    if (
        response.status != 101
        or headers.get("Upgrade", "").lower() != "websocket"
        or headers.get("Connection", "").lower() != "upgrade"
        or headers.get("Sec-WebSocket-Accept", "") != accept_key(key)
    ):
        raise aiohttp.WSServerHandshakeError(
            response.request_info, response.history, status=response.status, headers=headers
        )


def _taken_over(response: aiohttp.ClientResponse, limits: LimitSettings) -> PicowsConnection:
    connection = response.connection
    if connection is None or connection.protocol is None or connection.transport is None:
        raise ConnectionResetError("the upstream is gone")
    protocol, transport = connection.protocol, connection.transport
    read = AlreadyRead()
    protocol.set_parser(read, None)
    taken = PicowsConnection(transport, limits, is_client=True, already_read=read.data)
    protocol.connection_lost(None)  # to aiohttp it is; it lets go of everything
    return taken
