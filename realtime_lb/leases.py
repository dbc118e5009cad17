"""Who holds what: live sessions per deployment, counted by leases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Self

from attrs import define

__all__ = ["Lease", "Leases"]


@define(eq=False)
class Lease:
    """The right to use a deployment, taken at the pick and given back once.

    Use it as a context manager, or call `release` yourself.
    """

    _leases: Leases
    deployment_id: str
    released: bool = False

    def release(self) -> None:
        """Give it back. Idempotent: the count falls once."""
        if not self.released:
            self.released = True
            self._leases.give_back(self.deployment_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Leases:
    """Counts live sessions. Synchronous, so that a pick and its lease are one step.

    Attributes:
        on_room: Called with a deployment's id when a lease on it has been given back.
    """

    def __init__(self) -> None:
        self._live: Counter[str] = Counter()
        self.on_room: Callable[[str], None] = _nobody_waits

    def live(self, deployment_id: str) -> int:
        """Return how many leases on *deployment_id* are out."""
        return self._live[deployment_id]

    def acquire(self, deployment_id: str) -> Lease:
        """Take a lease."""
        self._live[deployment_id] += 1
        return Lease(self, deployment_id)

    def give_back(self, deployment_id: str) -> None:
        """Count one lease less; for `Lease.release` alone."""
        self._live[deployment_id] -= 1
        if not self._live[deployment_id]:
            del self._live[deployment_id]  # configurations come and go, and their ids with them
        self.on_room(deployment_id)


def _nobody_waits(deployment_id: str) -> None:
    """Nothing is told before a queue listens."""
