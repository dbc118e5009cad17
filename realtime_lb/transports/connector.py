"""Connecting to an upstream, from an address to a transport; aiohttp does all that is around it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from ssl import SSLContext
from typing import Any, TypeAlias

import aiohttp
from aiohttp.client_proto import ResponseHandler

from realtime_lb.transports.answers import meter_answer

__all__ = ["Connector", "StartTls"]

StartTls: TypeAlias = Callable[
    [asyncio.Transport, asyncio.Protocol, SSLContext, str | None], Awaitable[asyncio.Transport]
]
"""Called with an open transport, the protocol that is to read what was secret, and whom to verify. It returns
a transport for that protocol, which is not told that it is connected. It raises `OSError`, and closes the
transport that it was given, if cancelled too."""

_ErrorClass: TypeAlias = type[aiohttp.ClientConnectorError]


class Connector(aiohttp.TCPConnector):
    """Opens connections whose answer to the handshake is metered.

    What comes through a proxy by TLS is not: aiohttp starts that on a socket of the proxy's.

    Args:
        start_tls: Speaks TLS, but for proxies; the event loop does, if None.
    """

    def __init__(self, start_tls: StartTls | None = None) -> None:
        super().__init__(limit=0, force_close=True)  # no request behind a refused one
        self._start_tls = start_tls

    async def _wrap_create_connection(
        self, *arguments: Any, addr_infos: list[Any], ssl: SSLContext | None = None, **named: Any
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        is_to_proxy = named.get("client_error") is aiohttp.ClientProxyConnectionError
        if ssl is None or self._start_tls is None or is_to_proxy:  # the loop speaks more TLS within a proxy's
            transport, handler = await self._connected(*arguments, addr_infos=addr_infos, ssl=ssl, **named)
        else:
            transport, handler = await self._over_tls(
                self._start_tls, ssl, *arguments, addr_infos=addr_infos, **named
            )
        meter_answer(transport, handler)
        return transport, handler

    async def _over_tls(
        self,
        start_tls: StartTls,
        context: SSLContext,
        factory: Callable[[], ResponseHandler],
        *,
        server_hostname: str | None,
        req: aiohttp.ClientRequest,
        client_error: _ErrorClass = aiohttp.ClientConnectorError,
        **named: Any,
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        bare, _ = await self._connected(
            asyncio.Protocol, ssl=None, server_hostname=None, req=req, client_error=client_error, **named
        )
        handler = factory()
        try:
            transport = await start_tls(bare, handler, context, server_hostname)
        except OSError as error:
            raise client_error(req.connection_key, error) from error
        handler.connection_made(transport)
        return transport, handler

    async def _connected(self, *arguments: Any, addr_infos: list[Any], **named: Any) -> Any:
        if len(addr_infos) == 1:
            return await _connected_to(addr_infos[0], *arguments, **named)
        return await super()._wrap_create_connection(*arguments, addr_infos=addr_infos, **named)


async def _connected_to(
    addr_info: Any,
    factory: Callable[[], asyncio.Protocol],
    *,
    ssl: SSLContext | None,
    server_hostname: str | None,
    req: aiohttp.ClientRequest,
    client_error: _ErrorClass = aiohttp.ClientConnectorError,
    timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109, ARG001  # none: who dials has one for all of it
) -> tuple[asyncio.Transport, asyncio.Protocol]:
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
