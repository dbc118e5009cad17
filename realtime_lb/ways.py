"""Both ways between a client and an upstream, with a meter at each."""

from __future__ import annotations

from collections.abc import Callable

from realtime_lb.meter import Meter
from realtime_lb.relay import Translate, Way
from realtime_lb.shortcut import Shortcut

__all__ = ["metered"]


def metered(
    meter: Meter,
    up: Translate,
    down: Translate,
    *,
    sound: Shortcut | None = None,
    pieces: Shortcut | None = None,
) -> tuple[Way, Way]:
    """Return the client's way and the upstream's.

    Args:
        meter: Counts and sees what passes.
        up: Says what to send for a client's frame.
        down: The same for an upstream's.
        sound: Takes a client's sound past *up*. Not where the meter is to see it.
        pieces: The same of the pieces of an answer, past *down*.
    """
    if sound is not None and not meter.skips_sound:
        sound = None
    if pieces is not None:
        is_open = _both(meter.skips_pieces, pieces.is_open)
        pieces = Shortcut(pieces.kinds, pieces.seen, pieces.backlog, is_open)
    return (
        Way(tap=meter.see_client, translate=up, shortcut=sound, count=meter.client_count),
        Way(tap=meter.see_upstream, translate=down, shortcut=pieces, count=meter.upstream_count),
    )


def _both(one: Callable[[], bool], other: Callable[[], bool]) -> Callable[[], bool]:
    return lambda: one() and other()
