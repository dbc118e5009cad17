"""Between two upstreams: what is said meanwhile."""

from __future__ import annotations

from realtime_lb.abc import Connection
from realtime_lb.frames import Frame
from realtime_lb.legs import Leg

__all__ = ["Hold"]


class Hold:
    """What one end says while nobody is there to take it. Reading stops when it is too much.

    Args:
        leg: Whose frames are held.
        most_bytes: How many of them.
    """

    def __init__(self, leg: Leg, most_bytes: int) -> None:
        self.frames: list[Frame] = []
        self._room_bytes = most_bytes
        self._connection: Connection = leg.connection
        leg.redirect(self._take)

    def _take(self, frame: Frame) -> None:
        self.frames.append(frame.kept())
        self._room_bytes -= len(frame.payload)
        if self._room_bytes <= 0:
            self._connection.pause()
