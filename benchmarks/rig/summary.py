"""From samples to figures: medians over rounds, with their spread, and ratios to HAProxy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from attrs import frozen

from benchmarks.rig.figures import Figure, figure
from benchmarks.rig.samples import Run, Sample

__all__ = ["Summary", "summarize"]

BASE = "direct"
YARDSTICKS = {False: "haproxy", True: "haproxy-wss"}
"""What a subject is compared with, by whether it speaks TLS upstream."""

_ADDED = {
    "voice": ("latency_p50_ms", "latency_p90_ms", "latency_p99_ms", "latency_p99.9_ms"),
    "opens": ("created_p50_ms", "created_p90_ms", "created_p99_ms"),
}
"""What is also given over no proxy's."""


@frozen
class Summary:
    """The figures of a run.

    Attributes:
        figures: By subject and ``pattern.measure``.
        yardsticks: By subject, whom it is compared with.
    """

    figures: Mapping[str, Mapping[str, Figure]]
    yardsticks: Mapping[str, str]

    def figure(self, subject: str, measure: str) -> Figure | None:
        """Return a figure; None if it was not measured."""
        return self.figures.get(subject, {}).get(measure)

    def ratio(self, subject: str, measure: str) -> float | None:
        """Return the ratio of two medians, a subject's and its yardstick's; None where either is missing."""
        mine, other = self.figure(subject, measure), self.figure(self.yardsticks.get(subject, ""), measure)
        if mine is None or other is None or other.median <= 0:
            return None
        return mine.median / other.median

    def facts(self) -> dict[str, Any]:
        """Return all of it, as JSON can hold it."""
        return {
            subject: {
                measure: attrs.asdict(each) | {"ratio_to_haproxy": self.ratio(subject, measure)}
                for measure, each in measures.items()
            }
            for subject, measures in self.figures.items()
        }


def summarize(run: Run) -> Summary:
    """Return the figures of *run*."""
    values: dict[str, dict[str, list[float]]] = {}
    bases = {(each.round, each.pattern): each for each in run.samples if each.subject == BASE}
    for sample in run.samples:
        mine = values.setdefault(sample.subject, {})
        base = bases.get((sample.round, sample.pattern)) if sample.subject != BASE else None
        for name, value in (*sample.values.items(), *_added(sample, base)):
            mine.setdefault(f"{sample.pattern}.{name}", []).append(value)
    for subject, growths in _growths(run.samples).items():
        values[subject]["growth.cpu_us_per_frame"] = growths
    return Summary(
        figures={
            subject: {name: made for name, each in measures.items() if (made := figure(each)) is not None}
            for subject, measures in values.items()
        },
        yardsticks={each.name: YARDSTICKS[each.tls] for each in run.subjects},
    )


def _added(sample: Sample, base: Sample | None) -> Iterable[tuple[str, float]]:
    """Yield what a sample has over no proxy's of the same round."""
    if base is not None:
        for name in _ADDED.get(sample.pattern, ()):
            if name in sample.values and name in base.values:
                yield f"added_{name}", sample.values[name] - base.values[name]


def _growths(samples: Iterable[Sample]) -> dict[str, list[float]]:
    """Return, by subject and for each round, how much more a frame costs among many sessions."""
    costs: dict[tuple[str, int], dict[int, float]] = {}
    for each in samples:
        name, _, sessions = each.pattern.partition("-")
        if name == "voice" and sessions and "cpu_us_per_frame" in each.values:
            costs.setdefault((each.subject, each.round), {})[int(sessions)] = each.values["cpu_us_per_frame"]
    grown: dict[str, list[float]] = {}
    for (subject, _), by_sessions in costs.items():
        if len(by_sessions) > 1:
            growth = by_sessions[max(by_sessions)] / by_sessions[min(by_sessions)] - 1
            grown.setdefault(subject, []).append(growth)
    return grown
