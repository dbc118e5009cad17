"""How many dials may be under way beyond those that opens need: the budget of retries and hedges."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["RetryBudget"]

FLOOR = 3
"""Envoy's ``min_retry_concurrency``: so few are no storm, and a quiet gateway needs them."""


class RetryBudget:
    """Counts dials under way, and says whether there may be one more than needed.

    A share of the dials that are *active*, as in Envoy's retry budget: when everything fails, retries stay a
    fraction of the load instead of multiplying it.

    Attributes:
        share: Extra dials for each active one.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self._active = 0
        self._extra = 0

    @property
    def allows_extra(self) -> bool:
        """Whether one more extra dial may begin now."""
        return self._extra < self.share * self._active + FLOOR

    @contextmanager
    def dialling(self) -> Iterator[None]:
        """Count a dial, of whatever kind, while the block runs."""
        self._active += 1
        try:
            yield
        finally:
            self._active -= 1

    @contextmanager
    def extra(self) -> Iterator[None]:
        """Count an extra dial while the block runs, the wait before it included.

        Dials that are refused at once are hardly ever *active*: counted without their waits, a storm of them
        would never meet its limit.
        """
        self._extra += 1
        try:
            yield
        finally:
            self._extra -= 1
