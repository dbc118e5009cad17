"""Results as pictures, for the docs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.choosing.contenders import CONTENDERS
from benchmarks.choosing.runs import Results, scenario_of
from benchmarks.choosing.world import World, played

__all__ = ["draw"]

FOLLOWED = ("simple-shuffle", "least-busy", "latency-based-routing", "adaptive", "oracle")
"""Whom the pictures over time show."""

FOLLOWED_SEEDS = 5
FOLLOWED_OPENS = 600
SPAN_S = 10.0

_COLOURS = {
    "adaptive": "#d62728",
    "oracle": "#2ca02c",
    "simple-shuffle": "#1f77b4",
    "least-busy": "#9467bd",
    "latency-based-routing": "#ff7f0e",
}


def draw(results: Results, folder: Path) -> list[Path]:
    """Write all pictures that *results* have what it takes for to *folder*; return where."""
    drawn = [_by_scenario(results, folder / "choosing-first-event.png")]
    if "slow" in results.scenarios:
        title = "New sessions of the one that is ten times as slow for half of the time, %"
        drawn.append(_over_time("slow", _placed_share, title, folder / "choosing-slow.png"))
    if "herd" in results.scenarios:
        title = "Live sessions of the one that crashes and comes back, % of all"
        drawn.append(_over_time("herd", _live_share, title, folder / "choosing-herd.png"))
    return drawn


def _pyplot() -> Any:  # matplotlib is in the group `bench`, which type checks do without
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _by_scenario(results: Results, path: Path) -> Path:
    """Draw the 99th percentile of the time to first event, a panel for each scenario."""
    pyplot, names = _pyplot(), list(reversed(results.contenders))
    wide = 4
    high = -(-len(results.scenarios) // wide)
    figure, panels = pyplot.subplots(high, wide, figsize=(13, 2.6 * high), sharey=True, squeeze=False)
    for panel, scenario in zip(panels.flat, results.scenarios, strict=False):
        for place, name in enumerate(names):
            if not results.of(scenario, name):
                continue
            found = results.estimates(scenario, name)["first_event_p99"]
            colour = _COLOURS.get(name, "#7f7f7f")
            panel.errorbar(
                found.mean, place, xerr=found.margin, fmt="o", color=colour, capsize=2, markersize=4
            )
        panel.set_title(scenario_of(scenario, results.opens).title, fontsize=9)
        panel.set_yticks(range(len(names)), names, fontsize=8)
        panel.set_xlim(left=0)
        panel.grid(axis="x", alpha=0.3)
    for panel in list(panels.flat)[len(results.scenarios) :]:
        panel.set_visible(False)
    figure.suptitle("Time to first event, 99th percentile, ms (95 % confidence)", fontsize=11)
    return _saved(pyplot, figure, path)


def _over_time(scenario: str, read: Callable[[World, float], float], title: str, path: Path) -> Path:
    pyplot, story = _pyplot(), scenario_of(scenario, FOLLOWED_OPENS)
    moments = [step * SPAN_S for step in range(int(story.end_s // SPAN_S))]
    figure, panel = pyplot.subplots(figsize=(8, 3.4))
    for name in FOLLOWED:
        worlds = [played(story, CONTENDERS[name], seed) for seed in range(FOLLOWED_SEEDS)]
        shares = [100 * _mean([read(world, moment) for world in worlds]) for moment in moments]
        panel.plot(moments, shares, label=name, color=_COLOURS.get(name), linewidth=1.5)
    for fault in story.faults:
        panel.axvspan(fault.start_s, fault.end_s, color="#000000", alpha=0.07)
    panel.set_xlabel("seconds")
    panel.set_title(title, fontsize=10)
    panel.set_ylim(bottom=0)
    panel.legend(fontsize=8)
    return _saved(pyplot, figure, path)


def _placed_share(world: World, start_s: float) -> float:
    placed = [name for moment, name in world.placed if start_s <= moment < start_s + SPAN_S]
    return placed.count(world.scenario.faults[0].node) / max(len(placed), 1)


def _live_share(world: World, start_s: float) -> float:
    inside = [sample.live for sample in world.samples if start_s <= sample.now_s < start_s + SPAN_S]
    node = world.scenario.faults[0].node
    return _mean([live[node] / max(sum(live.values()), 1) for live in inside])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(len(values), 1)


def _saved(pyplot: Any, figure: Any, path: Path) -> Path:
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return path
