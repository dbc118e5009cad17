"""Both ways between a client and an upstream, with a meter at each."""

from __future__ import annotations

from realtime_lb.meter import Meter
from realtime_lb.relay import Sounded, Translate, Way

__all__ = ["metered"]


def metered(meter: Meter, up: Translate, down: Translate, sounded: Sounded | None = None) -> tuple[Way, Way]:
    """Return the client's way and the upstream's.

    Args:
        meter: Counts and sees what passes.
        up: Says what to send for a client's frame.
        down: The same for an upstream's.
        sounded: Told of a client's sound, if *up* would leave it as it is; None where it might not.
    """
    skips_sound = sounded is not None and meter.skips_sound
    return (
        Way(
            tap=meter.see_client,
            translate=up,
            sounded=sounded if skips_sound else None,
            count=meter.client_count,
        ),
        Way(tap=meter.see_upstream, translate=down, count=meter.upstream_count),
    )
