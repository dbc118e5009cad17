"""TLS by aiofastnet, over whatever transport the event loop has opened.

It asks OpenSSL itself, without the exception with which each read of Python's ``ssl`` ends: a sixth of what a
relayed frame costs. Its own sockets are not used: one that pauses keeps what it has read until more comes.
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import aiofastnet

__all__ = ["start_tls", "trusting"]


class _Reticent(ssl.SSLContext):
    """Verifies whatever it is told to, as OpenSSL has it from Python; but it does not say so.

    aiofastnet looks whether a certificate was verified, to decode it; by way of a file, for each connection.
    Nobody here asks what is in it, and a full disk must not end dials. That is all that 1.2 looks for.
    """

    @property
    def verify_mode(self) -> ssl.VerifyMode:  # type: ignore[override]  # nobody is to change it either
        return ssl.CERT_NONE


class _Discreet:
    """The loop, which does not report a server that hangs up amid a handshake: whoever dials is told.

    It would be told of a class instead of an exception, which logging cannot print.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), type):
            self._loop.call_exception_handler(context)


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Return what verifies servers by *ca_file*, or by the system's trust store. It reads files."""
    context = ssl.create_default_context(cafile=ca_file)
    context.__class__ = _Reticent
    return context


async def start_tls(
    transport: asyncio.Transport,
    protocol: asyncio.Protocol,
    context: ssl.SSLContext,
    server_hostname: str | None,
) -> asyncio.Transport:
    """Speak TLS over *transport*, as `StartTls` says."""
    loop: Any = _Discreet(asyncio.get_running_loop())
    return await aiofastnet.start_tls(loop, transport, protocol, context, server_hostname=server_hostname)
