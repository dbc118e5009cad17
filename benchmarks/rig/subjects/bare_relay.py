"""The least that a relay in Python can do: picows at both ends, no coroutine, each event's type looked at.

Usage: python bare_relay.py PORT UPSTREAM_URL [CA_FILE]
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections import Counter
from typing import Any

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect, ws_create_server

TYPES: Counter[bytes] = Counter()


class End(WSListener):
    """One end of a session. What comes before the other end is there is kept for it."""

    def __init__(self) -> None:
        self.early: list[bytes] = []
        self.send: Any = lambda _opcode, payload: self.early.append(bytes(payload))

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            payload = frame.get_payload_as_memoryview()
            TYPES[bytes(payload[:80]).split(b'"', 4)[3]] += 1
            self.send(WSMsgType.TEXT, payload)
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()

    def join(self, other: End) -> None:
        self.other = other
        self.send = other.transport.send
        for payload in self.early:
            self.send(WSMsgType.TEXT, payload)

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        if hasattr(self, "other"):
            self.other.transport.disconnect()


class Downstream(End):
    """A client's end, which dials the upstream."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self.dial = asyncio.create_task(self.join_upstream())

    async def join_upstream(self) -> None:
        tls = ssl.create_default_context(cafile=sys.argv[3]) if len(sys.argv) > 3 else None
        upstream = End()
        await ws_connect(lambda: upstream, sys.argv[2], ssl_context=tls)
        upstream.join(self)
        self.join(upstream)


async def serve() -> None:
    """Take clients until told to stop."""
    server = await ws_create_server(lambda _request: Downstream(), "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(serve())
