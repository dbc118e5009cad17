"""What each candidate was worth, kept as it was computed until somebody asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from realtime_lb.abc import Candidate

__all__ = ["Scores"]


class Scores(Mapping[str, float]):
    """Scores by deployment id. The ids are looked up when somebody reads them, which few picks see.

    Args:
        candidates: The candidates; what becomes of the list afterwards does not matter.
        values: Their scores, in the same order.
    """

    def __init__(self, candidates: Sequence[Candidate], values: Sequence[float]) -> None:
        self._candidates = tuple(candidates)
        self._values = values

    @cached_property
    def _by_id(self) -> dict[str, float]:
        return {c.deployment.id: score for c, score in zip(self._candidates, self._values, strict=True)}

    def __getitem__(self, deployment_id: str) -> float:
        return self._by_id[deployment_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def __repr__(self) -> str:
        return repr(self._by_id)
