"""Quantiles and medians."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from attrs import frozen

__all__ = ["Figure", "figure", "quantile"]


@frozen
class Figure:
    """What several turns gave for one measure.

    Attributes:
        median: The one in the middle.
        low: The lowest.
        lower: The lower quartile.
        upper: The upper one.
        high: The highest.
        samples: How many there were.
    """

    median: float
    low: float
    lower: float
    upper: float
    high: float
    samples: int

    @property
    def spread(self) -> float:
        """Half the way from the lower quartile to the upper, as a share of the median."""
        return (self.upper - self.lower) / 2 / abs(self.median) if self.median else 0.0


def figure(values: Iterable[float]) -> Figure | None:
    """Return the figure of *values*; None if there are none."""
    ordered = sorted(values)
    if not ordered:
        return None
    lower, middle, upper = statistics.quantiles(ordered, method="inclusive") if ordered[1:] else ordered * 3
    return Figure(middle, ordered[0], lower, upper, ordered[-1], len(ordered))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which *share* of the sorted values lie; not a number if there are none."""
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
