"""What the kernel can do for a long-lived socket. Where it cannot, these do nothing."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress

__all__ = [
    "acknowledged_bytes",
    "limit_peer",
    "limit_unacknowledged_time",
    "silence_s",
    "unsent_bytes",
]

MOST_UNSENT_BYTES = 128 * 1024
"""What the kernel holds that is not yet on its way; twice asyncio's own high-water mark."""

_HEARD_AT = 52
"""Offset of ``tcpi_last_data_recv``, in milliseconds, in Linux's ``struct tcp_info`` (linux/tcp.h)."""

_ACKED_AT = 120
"""Offset of ``tcpi_bytes_acked`` in Linux's ``struct tcp_info`` (linux/tcp.h, since 4.1)."""

_UNACKNOWLEDGED: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)
_UNSENT: int | None = getattr(socket, "TCP_NOTSENT_LOWAT", None)
_INFO: int | None = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None


def limit_unacknowledged_time(listening: socket.socket, limit_s: float) -> None:
    """Have the kernel drop whoever *listening* accepts and who then takes nothing for *limit_s*."""
    if _UNACKNOWLEDGED is not None:
        with suppress(OSError):  # it is of another family
            listening.setsockopt(socket.IPPROTO_TCP, _UNACKNOWLEDGED, int(limit_s * 1000))


def limit_peer(transport: asyncio.Transport, unacknowledged_s: float) -> None:
    """Limit what a peer costs that takes nothing: time, and the kernel's memory.

    Time, since a heartbeat cannot: a peer that sends without reading looks alive to it, for ever.
    Memory, since with the kernel's default a paused sender hears of room only when a third of a large buffer
    has drained, which takes a caller in real time longer than a peer's patience for a pong.

    Args:
        transport: Talks to the peer.
        unacknowledged_s: For how long the peer may acknowledge nothing, or take nothing.
    """
    borrowed = _borrowed(transport)
    if borrowed is None:
        return
    try:
        for option, value in (
            (_UNACKNOWLEDGED, int(unacknowledged_s * 1000)),
            (_UNSENT, MOST_UNSENT_BYTES),
        ):
            if option is not None:
                borrowed.setsockopt(socket.IPPROTO_TCP, option, value)
    except OSError:  # it is of another family
        pass
    finally:
        borrowed.detach()


def acknowledged_bytes(transport: asyncio.Transport) -> int:
    """Return how much the peer's kernel has taken, TLS included; 0 where the system does not tell."""
    return _told(transport, _ACKED_AT, 8) or 0


def silence_s(transport: asyncio.Transport) -> float | None:
    """Return for how long nothing has come, read or unread; None where the system does not tell."""
    milliseconds = _told(transport, _HEARD_AT, 4)
    return None if milliseconds is None else milliseconds / 1000


def _told(transport: asyncio.Transport, offset: int, size_bytes: int) -> int | None:
    if _INFO is None or (borrowed := _borrowed(transport)) is None:
        return None
    try:
        info = borrowed.getsockopt(socket.IPPROTO_TCP, _INFO, offset + size_bytes)
    except OSError:  # it is of another family
        return None
    finally:
        borrowed.detach()
    told = info[offset:]
    return int.from_bytes(told, sys.byteorder) if len(told) == size_bytes else None


def _borrowed(transport: asyncio.Transport) -> socket.SocketType | None:
    """Return the transport's socket, to be detached; uvloop's own stand-in makes another one at each call."""
    raw = transport.get_extra_info("socket")
    if raw is None or raw.fileno() < 0:
        return None
    return socket.SocketType(socket.AF_INET, socket.SOCK_STREAM, 0, raw.fileno())


def unsent_bytes(transport: asyncio.Transport) -> int:
    """Return what the kernel has not taken yet."""
    try:
        return transport.get_write_buffer_size()
    except AttributeError:  # asyncio's TLS transport lets go of all that it had when it is closed
        return 0
