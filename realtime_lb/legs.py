"""One end of a session: a connection and the task that reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from realtime_lb.abc import Connection, Splice
from realtime_lb.frames import Close, Frame, OnFrame
from realtime_lb.typing import Secret, hidden

__all__ = ["Leg"]

_READER_GRACE_S = 1.0
"""A closed connection's reader returns at once, unless its library still says goodbye to a dead peer."""


class Leg:
    """Owns a connection from its handshake to its end, while whom its frames go to may change.

    Args:
        connection: Opened, not yet pumped.
        on_frame: Who gets its frames at first.
        secrets: What the peer was told of ours, and is not to tell others in its last words.
    """

    __slots__ = ("_on_frame", "_secrets", "_splice", "connection", "ended")

    def __init__(self, connection: Connection, on_frame: OnFrame, secrets: Sequence[Secret] = ()) -> None:
        self.connection = connection
        self._on_frame = on_frame
        self._splice: Splice | None = None
        self._secrets = secrets
        self.ended: asyncio.Task[Close] = asyncio.create_task(self._pumped())

    async def _pumped(self) -> Close:
        close = await self.connection.pump(self._deliver)
        return Close(close.code, hidden(close.reason, self._secrets))

    def _deliver(self, frame: Frame) -> None:
        """Deliver the first frame; the next ones go straight to whom it went."""
        on_frame = self._on_frame
        self.connection.redirect(on_frame, self._splice)
        on_frame(frame)

    def redirect(self, on_frame: OnFrame, splice: Splice | None = None) -> None:
        """Give all further frames to *on_frame*, but those that *splice* takes."""
        self._on_frame, self._splice = on_frame, splice
        self.connection.redirect(on_frame, splice)

    async def close(self, close: Close) -> None:
        """End the connection in peace, within its deadline, and wait for its reader to be done.

        Cancelled, it ends both at once.
        """
        try:
            await self.connection.close(close.code, close.reason)
        finally:
            await self._reader_done()

    async def abort(self) -> None:
        """End the connection at once and wait for its reader to be done; cancelled, it does not wait."""
        self.connection.abort()
        await self._reader_done()

    async def _reader_done(self) -> None:
        try:
            if not self.ended.done():
                await asyncio.wait({self.ended}, timeout=_READER_GRACE_S)
        finally:  # who is cancelled here does not leave a reader behind
            self.ended.cancel()  # nothing if it is done
            self.ended.add_done_callback(_look_at)
        if not self.ended.done():
            await asyncio.wait({self.ended})
        # Whoever heard of it refers to it as well. Such a circle would keep all of a session, megabytes
        # perhaps, until the collector's next full turn.
        self._on_frame = self.connection.on_writable = _nothing
        self._splice = None


def _nothing(*_: object) -> None:
    """Nobody hears of it any more."""


def _look_at(ended: asyncio.Task[Close]) -> None:
    """Whoever awaited it has been told already; asyncio must not tell again."""
    if not ended.cancelled():
        ended.exception()
