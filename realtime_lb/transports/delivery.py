"""Where a connection's messages go."""

from __future__ import annotations

from typing import Protocol

from realtime_lb.abc import Connection, Splice
from realtime_lb.frames import Frame, OnFrame
from realtime_lb.transports.assembly import Assembly

__all__ = ["Delivery", "drop"]


def drop(_frame: Frame) -> None:
    """Take a message that nobody wants."""


class Messages(Protocol):
    """Has whole messages, and sends each where it is told to.

    Attributes:
        deliver: Gets each that *splice* does not take.
        splice: Says which messages go to another connection of the same lane instead, if any do.
    """

    deliver: OnFrame
    splice: Splice | None


class Delivery:
    """Directs a connection's messages, and notes the end of one that somebody has looked at.

    Args:
        messages: What is directed.
        lane: Connections of this class can be spliced to.
        assembly: Told of the end of a message that was noted.
    """

    __slots__ = ("_assembly", "_lane", "_messages", "_on_frame", "_splice")

    def __init__(self, messages: Messages, lane: type[Connection], assembly: Assembly) -> None:
        self._messages = messages
        self._lane = lane
        self._assembly = assembly
        self._on_frame: OnFrame = drop
        self._splice: Splice | None = None

    def begin(self, on_frame: OnFrame) -> None:
        """Deliver to *on_frame* from now on."""
        self._messages.deliver = self._on_frame = on_frame

    def redirect(self, on_frame: OnFrame, splice: Splice | None) -> None:
        """Deliver there, and by *splice*, if anything is delivered. A message that was noted comes first."""
        if self._messages.deliver is drop:
            return
        is_noted = self._messages.deliver is not self._on_frame
        self._on_frame, self._splice = on_frame, splice
        if not is_noted:
            self._direct()

    def note(self) -> None:
        """Have the next message told of: it is the one that is under way."""
        if self._messages.deliver is self._on_frame:
            self._messages.deliver, self._messages.splice = self._deliver_noted, None

    def end(self) -> None:
        """Deliver nothing any more."""
        self._on_frame, self._splice = drop, None
        self._direct()

    def _direct(self) -> None:
        splice = self._splice
        self._messages.deliver = self._on_frame
        self._messages.splice = splice if splice is not None and isinstance(splice.sink, self._lane) else None

    def _deliver_noted(self, frame: Frame) -> None:
        self._direct()
        self._assembly.restart()
        self._on_frame(frame)
