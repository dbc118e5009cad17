"""What can be made to go wrong, and when."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable
from typing import TypeAlias, TypeVar

from attrs import define, frozen

__all__ = [
    "Close",
    "Cut",
    "Delay",
    "ErrorFirst",
    "FailResponse",
    "Fault",
    "FaultScript",
    "Moment",
    "Occasion",
    "Plan",
    "Refuse",
    "Selector",
    "Silence",
    "Stage",
]


class Stage(enum.StrEnum):
    """Where a session can be held up."""

    ACCEPT = "accept"
    HANDSHAKE = "handshake"
    FIRST_EVENT = "first-event"
    RESPONSE = "response"


@frozen(kw_only=True)
class Selector:
    """Which occasions a fault takes.

    An occasion is what the fault is about: a connection for ``accept``, a response for ``response`` and
    `FailResponse`, a handshake for everything else. They are counted per fault, from 1.

    Attributes:
        skip: Let so many pass first.
        every: Of the rest, take each so-many-th.
        first: Of the rest, look at only so many.
        count: Take so many in all; None is no limit.
    """

    skip: int = 0
    every: int = 1
    first: int | None = None
    count: int | None = None

    def chooses(self, occasion: int, taken: int) -> bool:
        """Say whether the fault takes the *occasion*-th, having taken *taken* before."""
        rest = occasion - self.skip
        in_time = rest >= 1 and (self.first is None or rest <= self.first)
        return in_time and rest % self.every == 0 and (self.count is None or taken < self.count)


@frozen(kw_only=True)
class Moment:
    """When in a session a fault strikes: right behind the *after*-th server event.

    Attributes:
        after: How many events get out before; 0 strikes before the first.
        on: Count only events of this type; None counts all.
    """

    after: int = 0
    on: str | None = None


@frozen(kw_only=True)
class Refuse:
    """Answer the handshake with an HTTP status.

    Attributes:
        status: The status, 400 to 599.
        retry_after_s: Value of ``Retry-After``.
        selector: Which handshakes.
    """

    status: int
    retry_after_s: float | None = None
    selector: Selector = Selector()


@frozen(kw_only=True)
class Delay:
    """Hold a session up.

    Attributes:
        stage: Where.
        delay_s: How long; infinity stalls it for good.
        selector: Which occasions.
    """

    stage: Stage
    delay_s: float = math.inf
    selector: Selector = Selector()


@frozen(kw_only=True)
class ErrorFirst:
    """Take the upgrade, then send an ``error`` and close.

    Attributes:
        code: ``error.code``.
        message: Its words; None means usual ones.
        close_code: The close code; the reason is ``<type>.<code>``.
        selector: Which handshakes.
    """

    code: str
    message: str | None = None
    close_code: int = 4000
    selector: Selector = Selector()


@frozen(kw_only=True)
class FailResponse:
    """End a response as ``failed``, on a socket that stays open.

    Attributes:
        code: ``status_details.error.code``.
        message: Its words; None means usual ones.
        selector: Which responses.
    """

    code: str
    message: str | None = None
    selector: Selector = Selector()


@frozen(kw_only=True)
class Cut:
    """End the TCP connection, without a closing handshake.

    Attributes:
        fin: Say so with FIN, as a system does for a process that has ended, and not with RST.
        moment: When.
        selector: Which sessions.
    """

    fin: bool = False
    moment: Moment = Moment()
    selector: Selector = Selector()


@frozen(kw_only=True)
class Close:
    """Close the websocket.

    Attributes:
        code: The close code.
        reason: The close reason.
        moment: When.
        selector: Which sessions.
    """

    code: int
    reason: str = ""
    moment: Moment = Moment()
    selector: Selector = Selector()


@frozen(kw_only=True)
class Silence:
    """Say nothing more, on a socket that stays open and still answers pings.

    Attributes:
        moment: When.
        selector: Which sessions.
    """

    moment: Moment = Moment()
    selector: Selector = Selector()


Fault: TypeAlias = Refuse | Delay | ErrorFirst | FailResponse | Cut | Close | Silence

_F = TypeVar("_F", bound=Fault)


class Occasion(enum.Enum):
    """What a fault is decided at."""

    CONNECTION = enum.auto()
    HANDSHAKE = enum.auto()
    RESPONSE = enum.auto()


def _occasion(fault: Fault) -> Occasion:
    if isinstance(fault, FailResponse):
        return Occasion.RESPONSE
    if isinstance(fault, Delay):
        return _STAGES.get(fault.stage, Occasion.HANDSHAKE)
    return Occasion.HANDSHAKE


_STAGES = {Stage.ACCEPT: Occasion.CONNECTION, Stage.RESPONSE: Occasion.RESPONSE}


@define
class _Line:
    fault: Fault
    seen: int = 0
    taken: int = 0

    def takes_next(self) -> bool:
        self.seen += 1
        takes = self.fault.selector.chooses(self.seen, self.taken)
        self.taken += takes
        return takes


class FaultScript:
    """Faults with their counts.

    Args:
        faults: In order; where two of one kind take the same occasion, the first has it.
    """

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lines = [_Line(fault) for fault in faults]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults, in order."""
        return tuple(line.fault for line in self._lines)

    def next(self, occasion: Occasion) -> Plan:
        """Count one *occasion* and return the faults that take it."""
        lines = [line for line in self._lines if _occasion(line.fault) is occasion]
        return Plan(tuple(line.fault for line in lines if line.takes_next()))


@frozen
class Plan:
    """The faults of one occasion."""

    faults: tuple[Fault, ...] = ()

    def find(self, kind: type[_F]) -> _F | None:
        """Return the first fault of *kind*, or None."""
        return next((fault for fault in self.faults if isinstance(fault, kind)), None)

    def delay_s(self, stage: Stage) -> float:
        """Return how long *stage* is held up."""
        return sum(f.delay_s for f in self.faults if isinstance(f, Delay) and f.stage is stage)

    def strikes(self) -> tuple[Cut | Close | Silence, ...]:
        """Return the faults that strike at a `Moment`."""
        return tuple(fault for fault in self.faults if isinstance(fault, (Cut, Close, Silence)))
