"""Finding out that a peer is gone which has not said so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from realtime_lb.transports.tcp import silence_s

__all__ = ["Heartbeat"]


def _never() -> float:
    """Nothing has come, and nobody asks."""
    return 0.0


def _nothing() -> None:
    """Nobody wants to know."""


class Heartbeat:
    """Pings a peer that has been silent, and gives it up when it stays so.

    One timer a connection, set once in a period: no frame touches it.

    Args:
        transport: Talks to the peer.
        interval_s: A ping goes out after this much silence; half of it later the peer is dead.
        heard_at_s: When something came last, in the loop's time: asked where the kernel does not tell.
        ping: Sends one.
        on_dead: Called once, when nothing came of it.
    """

    __slots__ = ("_heard_at_s", "_interval_s", "_on_dead", "_ping", "_pinged", "_timer", "_transport")

    def __init__(
        self,
        transport: asyncio.Transport,
        interval_s: float,
        heard_at_s: Callable[[], float],
        ping: Callable[[], None],
        on_dead: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._interval_s = interval_s
        self._heard_at_s = heard_at_s
        self._ping = ping
        self._on_dead = on_dead
        self._pinged = False
        self._look_again(interval_s)

    def _look(self) -> None:
        told_s = silence_s(self._transport)
        silent_s = asyncio.get_running_loop().time() - self._heard_at_s() if told_s is None else told_s
        if silent_s < self._interval_s:
            self._pinged = False
            self._look_again(self._interval_s - silent_s)
        elif self._pinged:
            self._on_dead()
        else:
            self._pinged = True
            self._look_again(self._interval_s / 2)
            self._ping()

    def _look_again(self, delay_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._look)

    def stop(self) -> None:
        """Look no more, and refer to nobody's methods. Idempotent."""
        self._timer.cancel()
        self._heard_at_s, self._ping, self._on_dead = _never, _nothing, _nothing
