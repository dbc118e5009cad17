"""What was sent and what arrived, frame by frame: nothing is taken on trust."""

from __future__ import annotations

import array
import json
import time

from attrs import define, field

from benchmarks.rig.events import Stamp, Stencils

__all__ = ["Flow", "Ledger"]


@define(slots=True)
class Flow:
    """One direction of one session.

    Attributes:
        sent: Frames written, which is also the number of the next one.
        due: The number of the frame that has to arrive next.
        arrived: Frames that came out at the other end.
    """

    sent: int = 0
    due: int = 0
    arrived: int = 0


@define(slots=True)
class Ledger:
    """All frames of one direction, of all sessions.

    Attributes:
        stencils: What the frames were made from.
        sent: Frames written.
        latencies_ns: From a frame's writing to its arrival, one for each that arrived, in order of arrival.
        misplaced: Frames that came before or behind their turn: after a loss, twice, or out of order.
        rewritten: Frames with the same JSON in other bytes.
        damaged: Frames whose JSON is another, or none.
    """

    stencils: Stencils
    sent: int = 0
    latencies_ns: array.array[int] = field(factory=lambda: array.array("q"))
    misplaced: int = 0
    rewritten: int = 0
    damaged: int = 0

    @property
    def arrived(self) -> int:
        """Frames that came out at the other end."""
        return len(self.latencies_ns)

    def note(self, flow: Flow, stamp: Stamp, payload: bytes) -> None:
        """Note a frame that has arrived: when, whether it was its turn, and whether it is what was sent."""
        self.latencies_ns.append(time.monotonic_ns() - stamp.sent_ns)
        flow.arrived += 1
        if stamp.number != flow.due:
            self.misplaced += 1
        flow.due = max(flow.due, stamp.number + 1)
        stencil = self.stencils[stamp.stencil]
        if not (
            payload.endswith(stencil.tail)
            and payload.startswith(stencil.head)
            and len(payload) == len(stencil.head) + 39 + len(stencil.tail)
        ):
            self._note_change(payload, stencil.rewrite(stamp))

    def _note_change(self, payload: bytes, original: bytes) -> None:
        try:
            is_same = json.loads(payload) == json.loads(original)
        except ValueError:
            is_same = False
        if is_same:
            self.rewritten += 1
        else:
            self.damaged += 1
