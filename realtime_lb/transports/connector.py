"""Connecting to an upstream, from an address to a transport; aiohttp does all that is around it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ssl import SSLContext
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

from realtime_lb.transports.answers import meter_answer

__all__ = ["Connector"]


class Connector(aiohttp.TCPConnector):
    """Opens connections whose answer to the handshake is metered.

    What comes through a proxy by TLS is not: aiohttp starts that on a socket of the proxy's.
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
        meter_answer(transport, handler)
        return transport, handler


async def _connected(
    addr_info: Any,
    factory: Callable[[], ResponseHandler],
    *,
    ssl: SSLContext | None,
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
