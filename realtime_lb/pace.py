"""How fast a client may send, looked at once a second: no frame pays for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from realtime_lb.records import Traffic
from realtime_lb.settings import LimitSettings
from realtime_lb.typing import Clock

__all__ = ["LOOKS_EVERY_S", "Bucket", "Pace"]

LOOKS_EVERY_S = 1.0


class Bucket:
    """Fills steadily, up to a limit, and is taken from. Full at first.

    Args:
        per_s: How much comes in a second.
        most: How much there may be.
        now_s: The time, in seconds.
    """

    def __init__(self, per_s: float, most: float, now_s: float) -> None:
        self._per_s = per_s
        self._most = self._left = most
        self._at_s = now_s

    def take(self, amount: float, now_s: float) -> bool:
        """Take *amount*; say whether there was so much."""
        self._left = min(self._most, self._left + self._per_s * (now_s - self._at_s)) - amount
        self._at_s = now_s
        return self._left >= 0


class Pace:
    """Ends who sends faster than the settings allow.

    Args:
        limits: The rates; where both are None, nothing is ever looked at.
        sent: Returns all that the client has sent so far.
        on_excess: Called once, if that came too fast.
        clock: Monotonic seconds.
    """

    __slots__ = ("_before", "_bytes", "_clock", "_messages", "_on_excess", "_sent", "_timer")

    def __init__(
        self, limits: LimitSettings, sent: Callable[[], Traffic], on_excess: Callable[[], None], clock: Clock
    ) -> None:
        self._sent = sent
        self._on_excess = on_excess
        self._clock = clock
        self._before = sent()
        now_s, burst_s = clock(), max(limits.client_burst_s, 2 * LOOKS_EVERY_S)  # a look may come late
        self._messages = self._bytes = None
        self._timer: asyncio.TimerHandle | None = None
        if limits.client_messages_per_s is not None:
            per_s = limits.client_messages_per_s
            self._messages = Bucket(per_s, per_s * burst_s, now_s)
        if limits.client_bytes_per_s is not None:
            per_s = limits.client_bytes_per_s
            self._bytes = Bucket(per_s, max(per_s * burst_s, limits.max_message_bytes), now_s)
        if self._messages is not None or self._bytes is not None:
            self._look_again()

    def _look_again(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOKS_EVERY_S, self._look)

    def _look(self) -> None:
        sent, before, now_s = self._sent(), self._before, self._clock()
        self._before = sent
        fits = self._messages is None or self._messages.take(sent.frames - before.frames, now_s)
        fits &= self._bytes is None or self._bytes.take(sent.bytes - before.bytes, now_s)
        if fits:
            self._look_again()
        else:
            self._on_excess()

    def stop(self) -> None:
        """Look no more. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
