"""Dialling upstreams with aiohttp, and reading them with picows."""

from __future__ import annotations

import asyncio

import aiohttp
from aiohttp.client_proto import ResponseHandler

from realtime_lb.abc import Connection
from realtime_lb.transports.aiofastnet_tls import start_tls, trusting
from realtime_lb.transports.aiohttp_transport import AiohttpTransport
from realtime_lb.transports.already_read import AlreadyRead
from realtime_lb.transports.picows_connection import PicowsConnection

__all__ = ["PicowsTransport"]


class PicowsTransport(AiohttpTransport):
    """A `Transport` that dials as `AiohttpTransport` does, and hands the open socket to picows.

    So names, certificates, egress proxies, refusals and redirects are one and the same in both. Nothing of
    aiohttp's outlives the handshake.

    Args:
        limits: What a connection may cost.
    """

    _start_tls, _trusting = staticmethod(start_tls), staticmethod(trusting)

    def _opened(
        self, response: aiohttp.ClientResponse, protocol: ResponseHandler, transport: asyncio.Transport
    ) -> Connection:
        read = AlreadyRead()
        protocol.set_parser(read, None)
        taken = PicowsConnection(transport, self._limits, is_client=True, already_read=read.data)
        protocol.connection_lost(None)  # to aiohttp it is; it lets go of everything
        response.close()  # what was taken over is none of its business any more
        return taken
