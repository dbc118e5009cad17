"""Quantiles and medians."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from attrs import frozen

__all__ = ["Figure", "figure", "quantile"]


@frozen
class Figure:
    """What several rounds gave for one measure.

    Attributes:
        median: The one in the middle.
        low: The lowest.
        high: The highest.
        rounds: How many there were.
    """

    median: float
    low: float
    high: float
    rounds: int

    @property
    def spread(self) -> float:
        """Half the way from the lowest to the highest, as a share of the median."""
        return (self.high - self.low) / 2 / abs(self.median) if self.median else 0.0


def figure(values: Iterable[float]) -> Figure | None:
    """Return the figure of *values*; None if there are none."""
    ordered = sorted(values)
    if not ordered:
        return None
    return Figure(statistics.median(ordered), ordered[0], ordered[-1], len(ordered))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which *share* of the sorted values lie; not a number if there are none."""
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
