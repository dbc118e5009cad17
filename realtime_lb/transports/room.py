"""Where reads go that are copied out at once."""

from __future__ import annotations

import threading

__all__ = ["MOST_READ_BYTES", "ROOM"]

MOST_READ_BYTES = 64 * 1024
"""At once. asyncio would read a quarter of a megabyte, and uvloop that 32 times before others: of
fragments of a byte that is a second."""


class _Room(threading.local):
    """One for all connections of a thread, so that none of them has to have its own."""

    def __init__(self) -> None:
        self.bytes = memoryview(bytearray(MOST_READ_BYTES))


ROOM = _Room()
