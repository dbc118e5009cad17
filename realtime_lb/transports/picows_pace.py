"""Reading a client that sends much at once a little at a time, so that all others have their turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from picows.picows import WSProtocol  # type: ignore[attr-defined]  # in picows.api's use, not in its stub

from realtime_lb.transports.stand_in import StandIn
from realtime_lb.transports.turns import Turn

__all__ = ["MOST_UNPACED_BYTES", "USUAL_READ_BYTES", "Bound", "Lookout", "Pacer", "unread_bytes"]

MOST_UNPACED_BYTES = 16 * 1024
"""What may be read at once of somebody who is not paced; of the smallest frames that is one long turn."""

CALM_S = 10.0
"""For which a client must have cost little before it is read unpaced again."""

LEAST_READ_BYTES = 128
USUAL_READ_BYTES = 4 * 1024
"""At once, where they may all be small frames: some 700 at worst."""

_FILLED_AT, _LENGTH_AT, _PAYLOAD_AT, _STATE_AT = 15, 16, 18, 34
"""Where these parts of an unfinished frame are in what picows gives to be pickled. It tells nobody else."""

_READS_PAYLOAD = 4

_picows_buffer: Callable[[Any, int], memoryview] = WSProtocol.get_buffer


def unread_bytes(protocol: Any) -> int:
    """Return how much a protocol of picows has of a frame that is not complete."""
    filled: int = protocol.__reduce_cython__()[-1][_FILLED_AT]
    return filled


class Bound(StandIn[Any]):
    """Reads no more at once than this, however much room there is.

    Args:
        protocol: Takes what is read.
        most_read_bytes: How much that is.
    """

    def __init__(self, protocol: Any, most_read_bytes: int) -> None:
        super().__init__(protocol)
        self._most_read_bytes = most_read_bytes

    def get_buffer(self, size_hint: int) -> memoryview:
        return _picows_buffer(self.protocol, size_hint)[: self._most_read_bytes]

    def buffer_updated(self, size: int) -> None:
        self.protocol.buffer_updated(size)


class Lookout(Bound):
    """Reads no more at once than of anybody, where a large frame has left more room; that costs little.

    Args:
        protocol: Takes what is read.
        pace: Called when so much has come at once.
    """

    def __init__(self, protocol: Any, pace: Callable[[], None]) -> None:
        super().__init__(protocol, MOST_UNPACED_BYTES)
        self._pace = pace

    def buffer_updated(self, size: int) -> None:
        super().buffer_updated(size)
        if size == MOST_UNPACED_BYTES:
            self._pace()


class Pacer(StandIn[Any]):
    """Stands before a protocol from the read that has filled its buffer to one that has not.

    Reads less at once while that takes long, and as much as is missing of a large frame.

    Args:
        protocol: Takes what is read.
        most_read_bytes: How much to read at once in any case.
        rest: Stops reading until others had their turn.
        unpace: Takes this away again.
    """

    def __init__(
        self, protocol: Any, most_read_bytes: int, rest: Callable[[], None], unpace: Callable[[int], None]
    ) -> None:
        super().__init__(protocol)
        self._most_read_bytes = most_read_bytes
        self._rest = rest
        self._unpace = unpace
        self._cost_much_at_s = float("-inf")
        self._turn = Turn(USUAL_READ_BYTES, least_bytes=LEAST_READ_BYTES, most_bytes=USUAL_READ_BYTES)

    def get_buffer(self, size_hint: int) -> memoryview:
        room = _picows_buffer(self.protocol, size_hint)
        size = self._turn.usual_bytes
        if self._turn.was_quick and len(room) > size:
            size = min(size + self._missing_bytes(), self._most_read_bytes)
        return room[:size]

    def _missing_bytes(self) -> int:
        """Return how much is yet to come of the frame that has begun."""
        state = self.protocol.__reduce_cython__()[-1]
        if state[_STATE_AT] != _READS_PAYLOAD:
            return 0
        missing: int = state[_LENGTH_AT] - (state[_FILLED_AT] - state[_PAYLOAD_AT])
        return missing

    def buffer_updated(self, size: int) -> None:
        began_s, turn = time.perf_counter(), self._turn
        self.protocol.buffer_updated(size)
        if turn.is_over(began_s, time.perf_counter() - began_s):
            self._cost_much_at_s = began_s
            self._rest()
        elif began_s - self._cost_much_at_s < CALM_S:
            return
        elif turn.was_quick and size < turn.usual_bytes and not unread_bytes(self.protocol):
            self._unpace(len(_picows_buffer(self.protocol, -1)))
