"""What many measurements come to."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["percentile"]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that *share* percent are not above; infinity for none."""
    if not values:
        return math.inf
    return sorted(values)[max(0, math.ceil(len(values) * share / 100) - 1)]
