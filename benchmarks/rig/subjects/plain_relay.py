"""The relay that anybody would write first: aiohttp at both ends, a coroutine for each direction.

Usage: python plain_relay.py PORT UPSTREAM_URL
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector, WSMsgType, web

Socket = web.WebSocketResponse[Any] | ClientWebSocketResponse[Any]


async def relay(request: web.Request) -> web.StreamResponse:
    """Dial the upstream, upgrade, and copy messages until either side ends."""
    session: ClientSession = request.app[SESSION]
    async with session.ws_connect(sys.argv[2], params=request.query, max_msg_size=0) as upstream:
        downstream = web.WebSocketResponse(max_msg_size=0)
        await downstream.prepare(request)
        ways = [asyncio.create_task(copy(*way)) for way in ((downstream, upstream), (upstream, downstream))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(upstream.close(), downstream.close())
        await asyncio.gather(*ways)
    return downstream


async def copy(source: Socket, sink: Socket) -> None:
    """Copy messages, as frames without compression."""
    async for message in source:
        if message.type is WSMsgType.TEXT:
            await sink.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await sink.send_bytes(message.data)


async def share_session(app: web.Application) -> Any:
    """Keep one client session while the app runs; its connections are not counted."""
    async with ClientSession(connector=TCPConnector(limit=0)) as app[SESSION]:
        yield


SESSION = web.AppKey("session", ClientSession)

if __name__ == "__main__":
    application = web.Application()
    application.router.add_get("/v1/realtime", relay)
    application.cleanup_ctx.append(share_session)
    web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), access_log=None)
