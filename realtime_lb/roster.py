"""All sessions of one router: who is there, until when others may come, and how the last ones are let go."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from realtime_lb.errors import ShuttingDown
from realtime_lb.session import Session
from realtime_lb.waiting import comes

__all__ = ["CLOSING_SHARE", "Roster"]

CLOSING_SHARE = 0.2
"""The last part of a drain, in which those who are left are told to go, one after the other: they all come
back elsewhere, and elsewhere must not get them all at once (as HAProxy's ``close-spread-time``)."""


class Roster:
    """The sessions that are live or being placed.

    Attributes:
        draining: Nobody should send new ones any more, though they may still be let in.
    """

    def __init__(self) -> None:
        self.draining = False
        self._live: set[Session] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = asyncio.Event()

    @property
    def live(self) -> Collection[Session]:
        """Those that are there now."""
        return self._live

    @property
    def closing(self) -> bool:
        """Whether no new one is let in."""
        return self._closing.is_set()

    def enter(self, session: Session) -> None:
        """Count *session* in, until it leaves.

        Raises:
            ShuttingDown: No new one is let in.
        """
        if self.closing:
            raise ShuttingDown
        self._live.add(session)
        self._idle.clear()

    def leave(self, session: Session) -> None:
        """Count *session* out."""
        self._live.discard(session)
        if not self._live:
            self._idle.set()

    async def until_closing(self) -> None:
        """Return when no new one is let in any more."""
        await self._closing.wait()

    async def drain(self, admit_s: float, timeout_s: float) -> None:
        """Let nobody in after *admit_s*, and return when all have left; the last are told to, in good time.

        Who is there `CLOSING_SHARE` before the end of *timeout_s* is told between then and the end, at even
        distances. Of several calls at once, each does so by its own times: the shortest counts. Cancelling
        leaves the sessions that are left as they are.
        """
        now_s = asyncio.get_running_loop().time()
        self.draining = True
        if admit_s > 0:
            await comes(self._closing, now_s + min(admit_s, timeout_s))
        self._closing.set()
        until_s = now_s + timeout_s
        if not await comes(self._idle, until_s - CLOSING_SHARE * timeout_s):
            await self._dismiss(until_s)
        await self._idle.wait()

    async def _dismiss(self, until_s: float) -> None:
        """Tell everybody to go, the last one shortly before *until_s*."""
        now_s, leaving = asyncio.get_running_loop().time(), list(self._live)
        step_s = max(0.0, until_s - now_s) / len(leaving)
        for number, session in enumerate(leaving):
            if step_s > 0:
                await comes(self._idle, now_s + (number + 0.5) * step_s)
            session.stop()
