"""What the kernel can do for a long-lived socket. Where it cannot, these do nothing."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress
from typing import Any

__all__ = [
    "acknowledged_bytes",
    "limit_unacknowledged_time",
    "limit_unsent",
    "silence_s",
    "unsent_bytes",
]

MOST_UNSENT_BYTES = 128 * 1024
"""What the kernel holds that is not yet on its way; twice asyncio's own high-water mark."""

_HEARD_AT = 52
"""Offset of ``tcpi_last_data_recv``, in milliseconds, in Linux's ``struct tcp_info`` (linux/tcp.h)."""

_ACKED_AT = 120
"""Offset of ``tcpi_bytes_acked`` in Linux's ``struct tcp_info`` (linux/tcp.h, since 4.1)."""


def limit_unacknowledged_time(raw: socket.socket | None, limit_s: float) -> None:
    """Have the kernel drop a peer that acknowledges nothing, or takes nothing, for *limit_s*.

    aiohttp's heartbeat cannot: a peer that sends without reading looks alive to it, for ever.

    Args:
        raw: Talks to the peer, or listens: who is accepted then has its limit.
        limit_s: How long.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if raw is not None and _is_tcp(raw) and option is not None:
        with suppress(OSError):
            raw.setsockopt(socket.IPPROTO_TCP, option, int(limit_s * 1000))


def limit_unsent(transport: asyncio.Transport) -> None:
    """Keep the kernel from buffering megabytes that nobody has asked for yet.

    With its default, a paused sender hears of room only when a third of a large buffer has drained, which
    takes a caller in real time longer than a peer's patience for a pong.
    """
    raw = transport.get_extra_info("socket")
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if _is_tcp(raw) and option is not None:
        with suppress(OSError):
            raw.setsockopt(socket.IPPROTO_TCP, option, MOST_UNSENT_BYTES)


def acknowledged_bytes(transport: asyncio.Transport) -> int:
    """Return how much the peer's kernel has taken, TLS included; 0 where the system does not tell."""
    return _told(transport, _ACKED_AT, 8) or 0


def silence_s(transport: asyncio.Transport) -> float | None:
    """Return for how long nothing has come, read or unread; None where the system does not tell."""
    milliseconds = _told(transport, _HEARD_AT, 4)
    return None if milliseconds is None else milliseconds / 1000


def _told(transport: asyncio.Transport, offset: int, size_bytes: int) -> int | None:
    raw = transport.get_extra_info("socket")
    option = getattr(socket, "TCP_INFO", None)
    if not _is_tcp(raw) or option is None or sys.platform != "linux":
        return None
    try:
        info = raw.getsockopt(socket.IPPROTO_TCP, option, offset + size_bytes)
    except OSError:
        return None
    told = info[offset:]
    return int.from_bytes(told, sys.byteorder) if len(told) == size_bytes else None


def unsent_bytes(transport: asyncio.Transport) -> int:
    """Return what the kernel has not taken yet."""
    try:
        return transport.get_write_buffer_size()
    except AttributeError:  # asyncio's TLS transport lets go of all that it had when it is closed
        return 0


def _is_tcp(raw: Any) -> bool:
    return raw is not None and raw.family in {socket.AF_INET, socket.AF_INET6}
