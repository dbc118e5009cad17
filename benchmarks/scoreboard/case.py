"""What a case is: a bad day, and what must be true of it."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

if TYPE_CHECKING:
    from benchmarks.scoreboard.stand import Stand

__all__ = ["Case", "Outcome", "Size"]


class Size(enum.Enum):
    """How much of it: enough to see that the case works, or what the scoreboard says."""

    SHORT = "short"
    FULL = "full"


@frozen
class Outcome:
    """What a case showed of one proxy.

    Attributes:
        figure: What was counted or measured, such as ``0 of 1,000 lost``.
        holds: Whether that is within the case's bar.
    """

    figure: str
    holds: bool


class Case(ABC):
    """One bad day. Raising anything but a cancellation counts as not held, with the error's name as figure.

    Attributes:
        id: Its name in the table, a letter and a number.
        title: What goes wrong.
        bar: What must hold, in a few words.
        limit_s: How long one proxy may take over it.
        not_for: Names of subjects that it says nothing about, each with the reason.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    bar: ClassVar[str]
    limit_s: ClassVar[float] = 180.0
    not_for: ClassVar[dict[str, str]] = {}

    @abstractmethod
    async def run(self, stand: Stand, size: Size) -> Outcome:
        """Let it happen to the proxy that *stand* starts."""
