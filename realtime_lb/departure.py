"""One session's planned moves: who is made ready, why, and what becomes of it when the plan changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from attrs import define, field

from realtime_lb.records import RehomeCause
from realtime_lb.rollover import Rollover
from realtime_lb.takeover import Successor, TakeOver

__all__ = ["COULD_STAY", "Departure"]

COULD_STAY = frozenset({RehomeCause.DRAINED, RehomeCause.CREDENTIAL_REFUSED, RehomeCause.REMOVED})
"""Nothing is wrong with the upstream that it has: it is left for another that is ready, or not at all."""


@define(kw_only=True, eq=False)
class Departure:
    """Has a successor made ready beside the upstream that is in use.

    Attributes:
        take_over: Finds it.
        shunned: Returns the ids of deployments that it should not be at.
        may_move: Says whether a session that could stay may be moved now.
        timeout_s: How long finding one may take.
        leave: Called with the cause when one is ready, at a moment when nobody speaks.
        is_over: The session has ended: nothing is begun any more.
    """

    take_over: TakeOver
    shunned: Callable[[], frozenset[str]]
    may_move: Callable[[], bool]
    timeout_s: float
    leave: Callable[[RehomeCause], None]
    is_over: bool = False
    _cause: RehomeCause | None = None
    _rollover: Rollover | None = None
    _rolling: asyncio.Task[None] | None = None
    _ready: Successor | None = None
    _dropped: set[asyncio.Task[None]] = field(factory=set)

    def prepare(self, cause: RehomeCause) -> None:
        """Begin, unless it has begun."""
        if self.is_over:
            return
        if self._rolling is not None:
            if self._cause in COULD_STAY:
                self._cause = cause
            return
        self._cause = cause
        self._rollover = Rollover(
            take_over=self.take_over,
            shunned=self.shunned,
            only_elsewhere=cause in COULD_STAY,
            may_begin=lambda: self._cause not in COULD_STAY or self.may_move(),
            timeout_s=self.timeout_s,
            on_ready=self._is_ready,
        )
        self._rolling = asyncio.create_task(self._rollover.run())

    def _is_ready(self, successor: Successor) -> None:
        assert self._cause is not None  # noqa: S101  # `drop` and `stop` end who calls this
        self._ready = successor
        self.leave(self._cause)

    def turned(self) -> None:
        """Take in that something has passed."""
        if self._rollover is not None:
            self._rollover.turned()

    def drop(self) -> None:
        """Give up what was begun for a cause that is none any more. The successor is let go of in time."""
        if self._cause in COULD_STAY and self._ready is None and self._rolling is not None:
            self._rolling.cancel()
            self._dropped.add(self._rolling)
            self._rolling.add_done_callback(self._dropped.discard)
            self._cause = self._rollover = self._rolling = None

    def taken(self) -> Successor | None:
        """Return the successor that was made ready, if it still is."""
        ready, journal = self._ready, self.take_over.journal
        if ready is None or ready.upstream.leg.ended.done() or ready.continuity.version != journal.version:
            return None
        self._ready = None
        return ready

    async def stop(self) -> None:
        """Let go of a successor that is being made ready, or is ready and was not taken.

        Cancelling does not keep it: all is let go of before anything is waited for.
        """
        rolling, self._cause, self._rollover, self._rolling = self._rolling, None, None, None
        if rolling is not None:
            rolling.cancel()
        ready, self._ready = self._ready, None
        if ready is not None:
            ready.upstream.cut()
        if ending := {*self._dropped, *([rolling] if rolling else [])}:
            await asyncio.wait(ending)
        if ready is not None:
            await ready.upstream.discard()
        if rolling is not None and not rolling.cancelled() and (error := rolling.exception()) is not None:
            raise error
