"""Means with their confidence, and whether one is worse than another."""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Sequence

from attrs import frozen

__all__ = ["Estimate", "estimate", "holm", "p_greater", "student_tail"]

_STEPS = 2000
"""Of the integration below: its error is far under a thousandth of any p that matters."""


@frozen
class Estimate:
    """A mean over seeds.

    Attributes:
        mean: The mean.
        margin: Half the width of its 95 % confidence interval (Student's t); 0 with a single seed.
    """

    mean: float
    margin: float


def estimate(values: Sequence[float]) -> Estimate:
    """Return the mean of *values*, of which there is one at least."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return Estimate(mean, 0.0)
    error = statistics.stdev(values) / math.sqrt(len(values))
    return Estimate(mean, _student_quantile(0.025, len(values) - 1) * error)


def p_greater(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return how likely it is to see *ours* so much greater than *theirs*, pair by pair, if they were not.

    The one-sided paired t-test.
    """
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    mean = statistics.fmean(differences)
    if len(differences) < 2 or mean <= 0:
        return 1.0
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    return 0.0 if error == 0 else student_tail(mean / error, len(differences) - 1)


def holm(p_values: Sequence[float], level: float = 0.05) -> list[bool]:
    """Say of each p whether it is significant among so many, with Holm's correction."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    significant = [False] * len(p_values)
    for rank, place in enumerate(order):
        if p_values[place] > level / (len(p_values) - rank):
            break
        significant[place] = True
    return significant


def student_tail(t: float, freedom: int) -> float:
    """Return the chance that Student's t with *freedom* degrees exceeds *t*, which is not negative."""
    # With t = sqrt(freedom) * tan(angle), the density becomes a power of a cosine, and the tail's end finite.
    start = math.atan(t / math.sqrt(freedom))
    width = (math.pi / 2 - start) / _STEPS
    area = sum(math.cos(start + (step + 0.5) * width) ** (freedom - 1) for step in range(_STEPS)) * width
    log_norm = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    return area * math.exp(log_norm) / math.sqrt(math.pi)


@functools.cache
def _student_quantile(tail: float, freedom: int) -> float:
    low, high = 0.0, 1e3
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if student_tail(middle, freedom) > tail else (low, middle)
    return high
