"""How an upstream behaves from one moment to the next."""

from __future__ import annotations

import enum
import math
from bisect import bisect_right
from collections.abc import Sequence

from attrs import field, frozen

__all__ = ["Mood", "Phase", "Script", "flapping", "spell"]

NOTICEABLE = 2.0
"""An upstream slower than this is not well."""


class Mood(enum.StrEnum):
    """What becomes of a dial."""

    UP = "up"
    REFUSING = "refusing"
    LIMITING = "limiting"
    HANGING = "hanging"


@frozen(kw_only=True)
class Phase:
    """How it is from a moment on.

    Attributes:
        start_s: That moment.
        mood: What becomes of a dial.
        slowness: How much longer everything takes than it usually does.
        retry_after_s: What it names where it limits; None names nothing.
        cuts: Close code that the sessions which live at its start are ended with; None leaves them.
        opens_per_s: How many sessions it can open in a second; more have to wait in line.
        hang_share: Share of dials that never get an answer.
    """

    start_s: float = 0.0
    mood: Mood = Mood.UP
    slowness: float = 1.0
    retry_after_s: float | None = None
    cuts: int | None = None
    opens_per_s: float = math.inf
    hang_share: float = 0.0

    @property
    def well(self) -> bool:
        """Nothing is the matter."""
        return self.mood is Mood.UP and self.slowness < NOTICEABLE


@frozen
class Script:
    """The phases of one upstream, in order, the first from the start on."""

    phases: Sequence[Phase] = (Phase(),)
    _starts: list[float] = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_starts", [phase.start_s for phase in self.phases])

    def at(self, now_s: float) -> Phase:
        """Return the phase that *now_s* is in."""
        return self.phases[max(bisect_right(self._starts, now_s) - 1, 0)]

    def well_throughout(self, start_s: float, end_s: float) -> bool:
        """Say whether nothing is the matter between these moments."""
        inside = [phase for phase in self.phases if start_s < phase.start_s <= end_s]
        return all(phase.well for phase in (self.at(start_s), *inside))


def spell(bad: Phase, end_s: float) -> Script:
    """Return the script of an upstream that is well but for *bad*, until *end_s*."""
    return Script((Phase(), bad, Phase(start_s=end_s)))


def flapping(start_s: float, end_s: float, down_s: float, up_s: float) -> Script:
    """Return the script of an upstream that crashes and comes back, again and again."""
    phases, now_s = [Phase()], start_s
    while now_s < end_s:
        phases.append(Phase(start_s=now_s, mood=Mood.REFUSING, cuts=1006))
        phases.append(Phase(start_s=now_s + down_s))
        now_s += down_s + up_s
    return Script(phases)
