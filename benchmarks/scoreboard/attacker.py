"""A client that floods, as a process of its own: what it costs to send must not fall on who measures."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import threading
from contextlib import AbstractAsyncContextManager, suppress

from attrs import frozen

from benchmarks.scoreboard.apart import apart

__all__ = ["Flood", "flooding"]

AT_ONCE = 5_000
"""Frames in one write."""

_SMALL_BUFFER_BYTES = 4_096
_LEAST_URGENT = 19


@frozen(kw_only=True)
class Flood:
    """What is sent, to whom.

    Attributes:
        port: Of whom, on 127.0.0.1; 0 for itself, which takes what it sends and looks at none of it.
        head: The handshake.
        frame: What is sent over and over.
        frames: How often.
        reads: Whether it reads what it is answered.
    """

    port: int
    head: str
    frame: str
    frames: int
    reads: bool


def flooding(flood: Flood, core: int) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    """Have *flood* sent while the block runs, by a process on *core* that anybody else there goes before."""
    return apart(__name__, flood, core)


def main() -> None:
    """Send what standard input says."""
    flood = Flood(**json.load(sys.stdin))
    os.nice(_LEAST_URGENT)
    with _itself() if flood.port == 0 else _connected(flood) as mine, suppress(ConnectionError):
        if flood.reads:
            threading.Thread(target=_read, args=(mine,), daemon=True).start()
        frames = bytes.fromhex(flood.frame) * AT_ONCE
        for _ in range(flood.frames // AT_ONCE):
            mine.sendall(frames)
        threading.Event().wait()


def _connected(flood: Flood) -> socket.socket:
    mine = socket.socket()
    if not flood.reads:
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER_BYTES)
    mine.connect(("127.0.0.1", flood.port))
    mine.sendall(flood.head.encode("latin1"))
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += mine.recv(1)
    return mine


def _itself() -> socket.socket:
    with socket.create_server(("127.0.0.1", 0)) as there:
        mine = socket.create_connection(there.getsockname())
        threading.Thread(target=_read, args=(there.accept()[0],), daemon=True).start()
    return mine


def _read(there: socket.socket) -> None:
    room = bytearray(2**18)
    with suppress(OSError):
        while there.recv_into(room):
            pass


if __name__ == "__main__":
    main()
