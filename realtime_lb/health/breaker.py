"""The circuit breaker: whether sessions may come to a deployment, or to all that share a credential.

Theory of operation
-------------------

A breaker is closed while all is well. What goes wrong takes it to one of four ways of being out, each with
a time at which it ends. Nothing happens at that time but that the breaker is *due*: the first session that
comes is admitted and makes it half-open, and until that one has told how it went, it is the only one. If it
went well the breaker closes; if not, it is out again. A probe that nobody tells about is given up after
`PROBE_LIMIT_S`, and the next session is let through in its place.

What can happen in which state stands in `TRANSITIONS`; a trigger that is not in a state's row changes
nothing there. Two things cannot be written in the table and are code in `Breaker.on`: a probe that is given
up goes back to where it came from, and a time out of use is never cut short by a shorter one.

Nothing in here reads a clock or counts failures: `realtime_lb.health.member` decides when to pull a trigger.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping

from attrs import define

from realtime_lb.verdicts import Meaning

__all__ = ["OUT", "PROBE_LIMIT_S", "TRANSITIONS", "Breaker", "State", "Trigger"]

PROBE_LIMIT_S = 30.0
"""More than any dial is given: whoever has not told by then never will."""


class State(enum.Enum):
    """Where a breaker is."""

    CLOSED = "closed"
    EJECTED = "ejected"
    COOLING = "cooling"
    EXHAUSTED = "exhausted"
    PARKED = "parked"
    HALF_OPEN = "half_open"


class Trigger(enum.Enum):
    """What moves it.

    ``PROVEN``: a session showed that it works; ``TRIPPED``: failures reached a limit; ``LIMITED``: a rate
    limit; ``SPENT``: the quota is used up; ``REFUSED``: the credential was; ``ADMITTED``: a probe begins;
    ``FREED``: it ended without saying anything.
    """

    PROVEN = "proven"
    TRIPPED = "tripped"
    LIMITED = "limited"
    SPENT = "spent"
    REFUSED = "refused"
    ADMITTED = "admitted"
    FREED = "freed"


TRANSITIONS: Mapping[State, Mapping[Trigger, State]] = {
    State.CLOSED: {
        Trigger.TRIPPED: State.EJECTED,
        Trigger.LIMITED: State.COOLING,
        Trigger.SPENT: State.EXHAUSTED,
        Trigger.REFUSED: State.PARKED,
    },
    # Failures of sessions that were there before tell nothing new: one ejection is not made two by them.
    State.EJECTED: {
        Trigger.ADMITTED: State.HALF_OPEN,
        Trigger.LIMITED: State.EJECTED,
        Trigger.SPENT: State.EXHAUSTED,
    },
    State.COOLING: {
        Trigger.ADMITTED: State.HALF_OPEN,
        Trigger.TRIPPED: State.EJECTED,
        Trigger.LIMITED: State.COOLING,
        Trigger.SPENT: State.EXHAUSTED,
    },
    State.EXHAUSTED: {
        Trigger.ADMITTED: State.HALF_OPEN,
        Trigger.SPENT: State.EXHAUSTED,
    },
    State.PARKED: {
        Trigger.ADMITTED: State.HALF_OPEN,
        Trigger.PROVEN: State.CLOSED,
        Trigger.REFUSED: State.PARKED,
    },
    State.HALF_OPEN: {
        Trigger.ADMITTED: State.HALF_OPEN,
        Trigger.PROVEN: State.CLOSED,
        Trigger.TRIPPED: State.EJECTED,
        Trigger.LIMITED: State.COOLING,
        Trigger.SPENT: State.EXHAUSTED,
        Trigger.REFUSED: State.PARKED,
    },
}

OUT = frozenset({State.EJECTED, State.COOLING, State.EXHAUSTED, State.PARKED})
"""The states in which nobody is admitted before their time."""


@define
class Breaker:
    """One breaker. Times are of the clock that its callers read.

    Attributes:
        state: Where it is.
        origin: How it is out, or was when it became half-open; ``CLOSED`` where it is closed.
        reason: What took it there.
        since_s: When that began; a probe that fails goes on with it.
        until_s: When it is due; infinity means never by itself.
        probe_s: When the last probe began.
    """

    state: State = State.CLOSED
    origin: State = State.CLOSED
    reason: Meaning = Meaning.OK
    since_s: float = -math.inf
    until_s: float = -math.inf
    probe_s: float = -math.inf

    def on(
        self,
        trigger: Trigger,
        now_s: float,
        *,
        until_s: float = -math.inf,
        reason: Meaning = Meaning.OK,
    ) -> None:
        """Take one step.

        Args:
            trigger: What happened.
            now_s: When.
            until_s: When it will be due again, of triggers that take it out.
            reason: Their reason.
        """
        if trigger is Trigger.FREED and self.state is State.HALF_OPEN:
            self.state = self.origin
            return
        after = TRANSITIONS[self.state].get(trigger)
        if after is State.CLOSED:
            self.state = self.origin = after
            self.reason, self.since_s, self.until_s = Meaning.OK, now_s, -math.inf
        elif after is State.HALF_OPEN:
            self.state, self.probe_s = after, now_s
        elif after is not None:
            self._take_out(after, now_s, until_s, reason)

    def _take_out(self, after: State, now_s: float, until_s: float, reason: Meaning) -> None:
        if self.state in OUT:
            until_s = max(until_s, self.until_s)
        if after is not self.origin:
            self.since_s = now_s
        if after is not self.state:
            self.reason = reason
        self.state = self.origin = after
        self.until_s = until_s

    def due(self, now_s: float) -> bool:
        """Whether the next session is to be admitted as the probe."""
        return now_s >= self.due_at_s

    @property
    def due_at_s(self) -> float:
        """When that is; infinity where it never is by itself."""
        if self.state is State.HALF_OPEN:
            return self.probe_s + PROBE_LIMIT_S
        return self.until_s if self.state in OUT else math.inf

    def hurry(self, now_s: float) -> None:
        """Make an ejected breaker due: there is news that speaks for trying it."""
        if self.state is State.EJECTED:
            self.until_s = min(self.until_s, now_s)

    def left_s(self, now_s: float) -> float | None:
        """Return how long it is until it is due; None if never by itself, or if it is not out."""
        if self.state not in OUT or math.isinf(self.until_s):
            return None
        return max(0.0, self.until_s - now_s)
