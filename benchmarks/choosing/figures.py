"""What a run comes to: the columns of the tables, and what the checks look at."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from attrs import frozen

from benchmarks.choosing.callers import Open
from benchmarks.choosing.scenarios import Fault, Scenario
from benchmarks.choosing.world import Sample, World

__all__ = ["COLUMNS", "SETTLING_S", "Column", "Figures", "figures", "quantile"]

SETTLING_S = 10.0
"""So long after a change a strategy may take to find its way."""


@frozen
class Column:
    """One column of a table. Less is better in all of them.

    Attributes:
        title: Its head.
        digits: Behind the point.
    """

    title: str
    digits: int


COLUMNS: Mapping[str, Column] = {
    "failed": Column("failed opens", 2),
    "first_event_p50": Column("first event p50, ms", 0),
    "first_event_p99": Column("first event p99, ms", 0),
    "first_audio_p99": Column("first audio p99, ms", 0),
    "imbalance": Column("imbalance", 2),
    "dials": Column("dials per open", 3),
    "usd": Column("USD per 1,000 answers", 2),
    "failed_answers": Column("failed answers", 1),
    "lost": Column("lost sessions", 1),
}


@frozen(kw_only=True)
class Figures:
    """What one run comes to.

    Attributes:
        columns: The table's columns, by their name in `COLUMNS`.
        avoidable: Opens that failed while somebody was well and had room.
        settled_mean_s: Mean time to first event, from `SETTLING_S` after a change to the next change.
        settled_p50_s: The median of the same.
        hedge_delay_s: After how long hedges were begun, on average; 0 without any.
        faulty_dials_per_minute: Dials of a faulty upstream while it was so, once it had shown it.
        faulty_dial_share: Share of all dials that went to a faulty upstream while it was so.
        faulty_share: Share of new sessions that a faulty upstream got from `SETTLING_S` after its fault had
            begun until it was over, relative to an even share.
    """

    columns: Mapping[str, float]
    avoidable: int
    settled_mean_s: float
    settled_p50_s: float
    hedge_delay_s: float
    faulty_dials_per_minute: float
    faulty_dial_share: float
    faulty_share: float


def figures(world: World) -> Figures:
    """Measure *world*."""
    scenario = world.scenario
    opens = [each for each in world.diary.opens if each.start_s >= scenario.start_s]
    settled = [each.took_s for each in opens if not each.error and _settled(scenario, each.start_s)]
    return Figures(
        columns=_columns(world, opens),
        avoidable=sum(each.avoidable for each in opens),
        settled_mean_s=statistics.fmean(settled) if settled else 0.0,
        settled_p50_s=quantile(settled, 0.5),
        hedge_delay_s=_mean(world.hedge_delays_s),
        faulty_dials_per_minute=_mean([_dials_per_minute(world, fault) for fault in scenario.faults]),
        faulty_dial_share=_mean([_dial_share(world, fault) for fault in scenario.faults]),
        faulty_share=_mean([_share(world, fault) for fault in scenario.faults]),
    )


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that *share* of *values* do not exceed, between neighbours in a straight line."""
    if not values:
        return 0.0
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _columns(world: World, opens: Sequence[Open]) -> dict[str, float]:
    start_s, nodes = world.scenario.start_s, world.nodes.values()
    waits = [each.took_s for each in opens if not each.error]
    first_audio = [took_s for asked_s, took_s in world.diary.answers if asked_s >= start_s]
    answers = sum(node.answers for node in nodes)
    return {
        "failed": sum(1 for each in opens if each.error),
        "first_event_p50": quantile(waits, 0.5) * 1e3,
        "first_event_p99": quantile(waits, 0.99) * 1e3,
        "first_audio_p99": quantile(first_audio, 0.99) * 1e3,
        "imbalance": _mean(
            [_imbalance(world, sample) for sample in world.samples if sample.now_s >= start_s]
        ),
        "dials": sum(_count(node.dials, start_s) for node in nodes) / max(len(opens), 1),
        "usd": sum(node.usd for node in nodes) / max(answers, 1) * 1e3,
        "failed_answers": sum(_count(node.failed_answers, start_s) for node in nodes),
        "lost": _count(world.diary.lost, start_s),
    }


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else 0.0


def _count(moments: Sequence[float], start_s: float, end_s: float = float("inf")) -> int:
    return sum(1 for moment in moments if start_s <= moment < end_s)


def _imbalance(world: World, sample: Sample) -> float:
    """Return the highest load of those that are well over their mean; a load is sessions per capacity.

    Upstreams with which something is the matter do not count: to keep away from them is no imbalance.
    """
    loads = [
        live / world.nodes[name].spec.capacity
        for name, live in sample.live.items()
        if world.nodes[name].spec.script.at(sample.now_s).well
    ]
    mean = _mean(loads)
    return max(loads) / mean if mean else 1.0


def _settled(scenario: Scenario, moment_s: float) -> bool:
    """Say whether the last change before *moment_s* is long enough ago."""
    changes = [scenario.start_s, *scenario.changes]
    return moment_s - max(change for change in changes if change <= moment_s) >= SETTLING_S


def _dials_per_minute(world: World, fault: Fault) -> float:
    """Count from the first dial that failed; a fault shorter than a minute counts as one."""
    node = world.nodes[fault.node]
    failed = [moment for moment in node.failed_dials if fault.start_s <= moment < fault.end_s]
    if not failed:
        return 0.0
    minutes = max((fault.end_s - failed[0]) / 60.0, 1.0)
    return (_count(node.dials, failed[0], fault.end_s) - 1) / minutes


def _dial_share(world: World, fault: Fault) -> float:
    dials = [_count(node.dials, fault.start_s, fault.end_s) for node in world.nodes.values()]
    return _count(world.nodes[fault.node].dials, fault.start_s, fault.end_s) / max(sum(dials), 1)


def _share(world: World, fault: Fault) -> float:
    start_s = fault.start_s + SETTLING_S
    placed = [name for moment, name in world.placed if start_s <= moment < fault.end_s]
    return placed.count(fault.node) / max(len(placed), 1) * len(world.nodes)
