"""Leaving an upstream in peace: its successor is made ready beside it, and takes over between two turns."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from attrs import define, field

from realtime_lb.errors import RealtimeError
from realtime_lb.takeover import Successor, TakeOver

__all__ = ["Rollover"]

_log = logging.getLogger("realtime_lb")

RETRY_S = 5.0
"""After nobody could be found, or told, or the conversation changed under it so that it must be told anew."""


@define(kw_only=True, eq=False)
class Rollover:
    """Makes one successor ready while the session goes on.

    Attributes:
        take_over: Finds it.
        shunned: Returns the ids of deployments that it should not be at.
        only_elsewhere: It must not be there.
        may_begin: Says whether one may be looked for now.
        timeout_s: How long finding it may take, and telling it what is new.
        on_ready: Called with it once, at a moment when nobody speaks and nothing is under way.
    """

    take_over: TakeOver
    shunned: Callable[[], frozenset[str]]
    only_elsewhere: bool
    may_begin: Callable[[], bool]
    timeout_s: float
    on_ready: Callable[[Successor], None]
    _pause: asyncio.Event = field(factory=asyncio.Event)

    def turned(self) -> None:
        """Take in that something has passed."""
        if self.take_over.journal.is_quiet:
            self._pause.set()
        else:
            self._pause.clear()

    async def run(self) -> None:
        """Find, tell, and wait for the moment. Cancelling lets go of whoever was found.

        A defect, of a strategy or an adapter perhaps, is logged once, and it is tried again: the session is
        well where it is.
        """
        complained = False
        while True:
            try:
                await self._until_ready()
            except Exception:  # noqa: BLE001  # a strategy or an adapter may be anybody's
                if not complained:
                    _log.exception("a defect kept a session from being moved")
                complained = True
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def _until_ready(self) -> None:
        successor: Successor | None = None
        try:
            while True:
                self.turned()
                await self._pause.wait()
                successor = await self._told(successor)
                if successor is None:
                    await asyncio.sleep(RETRY_S)
                elif self._is_right(successor):
                    ready, successor = successor, None
                    self.on_ready(ready)
                    return
        finally:
            if successor is not None:
                await successor.upstream.discard()

    def _is_right(self, successor: Successor) -> bool:
        journal = self.take_over.journal
        return journal.is_quiet and successor.continuity.version == journal.version

    async def _told(self, successor: Successor | None) -> Successor | None:
        """Return a successor that knows all that there was when it was asked; None if there is none."""
        if successor is None:
            return await self._found() if self.may_begin() else None
        if successor.continuity.version == self.take_over.journal.version:
            return successor
        if successor.continuity.is_up_to_date and not successor.upstream.leg.ended.done():
            successor.continuity.tell_items()
            if await self._answered(successor):
                return successor
        await successor.upstream.discard()
        return await self._told(None)

    async def _found(self) -> Successor | None:
        async with self.take_over.dialer.unhurried:
            try:
                async with asyncio.timeout(self.timeout_s):
                    return await self.take_over.find(
                        self.shunned(), only_elsewhere=self.only_elsewhere, in_good_time=True
                    )
            except (TimeoutError, RealtimeError):
                return None

    async def _answered(self, successor: Successor) -> bool:
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self.take_over.answered(successor)
        except TimeoutError:
            return False
