"""How long a caller is expected to wait at each candidate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from realtime_lb.abc import Candidate

__all__ = ["LONGEST_S", "Times", "averages", "peaks", "usual_waits", "waits"]

LONGEST_S = 3_600.0
"""The longest wait that means anything: a session's hour. Keeps scores finite."""


Times: TypeAlias = tuple[float | None, float | None]
"""To the first event and to the first audio, in seconds; None where not known."""


def peaks(candidate: Candidate) -> Times:
    """Return the peaks of late: what a caller may have to wait."""
    return candidate.first_event_s, candidate.first_audio_s


def averages(candidate: Candidate) -> Times:
    """Return the averages of late, or the peaks where no average is known."""
    event_s, audio_s = candidate.usual_event_s, candidate.usual_audio_s
    return (
        candidate.first_event_s if event_s is None else event_s,
        candidate.first_audio_s if audio_s is None else audio_s,
    )


def waits(times: Sequence[Times]) -> list[float]:
    """Return the expected wait of each candidate, in seconds: to the first event, and to the first audio.

    Their sum is what a caller waits for the first answer. Where one of the two is not known, the best that is
    known among all stands in for it, and where neither is, the best sum: what nobody has tried is worth a
    try. All are 0 where nothing is known of anybody.
    """
    sums = [_sum(*each) for each in times]
    if None not in sums:
        return sums  # type: ignore[return-value]  # mypy does not see what `in` has shown
    event_s = min((event_s for event_s, _ in times if event_s is not None), default=0.0)
    audio_s = min((audio_s for _, audio_s in times if audio_s is not None), default=0.0)
    filled = [
        _filled(each, event_s, audio_s) if known is None else known
        for each, known in zip(times, sums, strict=True)
    ]
    best = min((wait for wait in filled if wait is not None), default=0.0)
    return [best if wait is None else wait for wait in filled]


def usual_waits(candidates: Sequence[Candidate]) -> list[float]:
    """Return `waits` of `averages`; where all of them are known, without a call for each candidate."""
    sums = [
        event_s + audio_s
        for c in candidates
        if (event_s := c.usual_event_s) is not None and (audio_s := c.usual_audio_s) is not None
    ]
    if len(sums) < len(candidates):
        return waits([averages(c) for c in candidates])
    return sums if max(sums) <= LONGEST_S else [min(wait, LONGEST_S) for wait in sums]


def _sum(event_s: float | None, audio_s: float | None) -> float | None:
    return None if event_s is None or audio_s is None else min(event_s + audio_s, LONGEST_S)


def _filled(times: Times, event_s: float, audio_s: float) -> float | None:
    if times[0] is not None:
        return min(times[0] + audio_s, LONGEST_S)
    return None if times[1] is None else min(event_s + times[1], LONGEST_S)
