"""Finding out that a peer is gone which has not said so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Heartbeat"]


def _no_time() -> float:
    """Say that something has come just now."""
    return 0.0


def _nothing() -> None:
    """Nobody wants to know."""


class Heartbeat:
    """Pings a peer that has been silent, and gives it up when it stays so.

    One timer a connection, set once in a period: no frame touches it.

    Args:
        interval_s: A ping goes out after this much silence; half of it later the peer is dead.
        silence_s: Tells for how long nothing has come.
        ping: Sends one.
        on_dead: Called once, when nothing came of it.
    """

    __slots__ = ("_interval_s", "_on_dead", "_ping", "_pinged", "_silence_s", "_timer")

    def __init__(
        self,
        interval_s: float,
        silence_s: Callable[[], float],
        ping: Callable[[], None],
        on_dead: Callable[[], None],
    ) -> None:
        self._interval_s = interval_s
        self._silence_s = silence_s
        self._ping = ping
        self._on_dead = on_dead
        self._pinged = False
        self._timer = asyncio.get_running_loop().call_later(interval_s, self._look)

    def _look(self) -> None:
        silence_s = self._silence_s()
        if silence_s < self._interval_s:
            self._pinged = False
            self._look_again(self._interval_s - silence_s)
        elif self._pinged:
            self._on_dead()
        else:
            self._pinged = True
            self._ping()
            self._look_again(self._interval_s / 2)

    def _look_again(self, delay_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._look)

    def stop(self) -> None:
        """Look no more, and refer to nobody. Idempotent."""
        self._timer.cancel()
        self._silence_s, self._ping, self._on_dead = _no_time, _nothing, _nothing
