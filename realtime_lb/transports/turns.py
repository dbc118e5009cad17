"""How much is read of one peer at once, and when others have their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["LONGEST_TURN_S", "Turn", "after_others"]

LONGEST_TURN_S = 0.001
"""Of one peer, before others are looked at. A kernel may hold megabytes of frames of six bytes."""

FAIR_SHARE = 0.1
"""Of the loop's time. Who takes less keeps nobody waiting, be it for hours; a caller takes a hundredth."""


class Turn:
    """Less is read at once while that takes long, and more while it does not.

    Args:
        usual_bytes: How much to read at once, to begin with.
        least_bytes: At least.
        most_bytes: At most.

    Attributes:
        usual_bytes: How much to read at once by now.
        was_quick: Whether the last read was done with soon.
    """

    __slots__ = ("_began_s", "_least_bytes", "_most_bytes", "_spent_s", "usual_bytes", "was_quick")

    def __init__(self, usual_bytes: int, *, least_bytes: int, most_bytes: int) -> None:
        self._least_bytes = least_bytes
        self._most_bytes = most_bytes
        self._began_s = self._spent_s = 0.0
        self.usual_bytes = usual_bytes
        self.was_quick = False

    def is_over(self, began_s: float, took_s: float) -> bool:
        """Take in when a read began and how long it took, and say whether it is others' turn."""
        forgotten_s = (began_s - self._began_s) * FAIR_SHARE
        self._began_s, self._spent_s = began_s, max(0.0, self._spent_s - forgotten_s) + took_s
        self.was_quick = took_s < LONGEST_TURN_S / 4
        if self.was_quick:
            self.usual_bytes = min(self.usual_bytes * 2, self._most_bytes)
        elif took_s > LONGEST_TURN_S:
            self.usual_bytes = max(self.usual_bytes // 2, self._least_bytes)
        if self._spent_s <= LONGEST_TURN_S:
            return False
        self._spent_s = 0.0
        return True


def after_others(go_on: Callable[[], object]) -> None:
    """Call *go_on* when all other sockets have been looked at once.

    uvloop looks at them behind what is to be called soon, so what goes on there at once comes first again.
    """
    loop = asyncio.get_running_loop()
    loop.call_soon(loop.call_soon, go_on)
