"""Many runs at once, one process for each core."""

from __future__ import annotations

import contextlib
import functools
import gc
import itertools
import logging
import multiprocessing
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from attrs import field, frozen

from benchmarks.choosing.callers import Traffic
from benchmarks.choosing.contenders import CONTENDERS
from benchmarks.choosing.figures import Figures, figures
from benchmarks.choosing.live import LIVE_TRAFFIC, played_live
from benchmarks.choosing.scenarios import SCENARIOS, Scenario
from benchmarks.choosing.statistics import Estimate, estimate
from benchmarks.choosing.world import played

__all__ = ["Plan", "Results", "Run", "ran", "scenario_of"]

Run: TypeAlias = tuple[str, str, int]
"""A scenario, a contender and a seed."""

_MEASURED_S = Traffic(per_s=1.0).until_s - Traffic(per_s=1.0).fill_s


def scenario_of(name: str, opens: int) -> Scenario:
    """Return a scenario in which about so many opens are measured."""
    return SCENARIOS[name](Traffic(per_s=opens / _MEASURED_S))


@frozen
class Results:
    """What all runs came to.

    Attributes:
        opens: About how many opens each of them measured.
        by_run: Their figures, by scenario, contender and seed.
    """

    opens: int
    by_run: dict[Run, Figures] = field(factory=dict)

    @property
    def scenarios(self) -> Sequence[str]:
        """The scenarios, in order."""
        return [name for name in SCENARIOS if any(name == run[0] for run in self.by_run)]

    @property
    def contenders(self) -> Sequence[str]:
        """The contenders, in order."""
        return [name for name in CONTENDERS if any(name == run[1] for run in self.by_run)]

    def of(self, scenario: str, contender: str) -> Sequence[Figures]:
        """Return the figures of one pair, by seed; empty if it did not run."""
        return [
            found for run, found in sorted(self.by_run.items()) if run[0] == scenario and run[1] == contender
        ]

    def column(self, scenario: str, contender: str, name: str) -> Sequence[float]:
        """Return one column of one pair, by seed."""
        return [found.columns[name] for found in self.of(scenario, contender)]

    def estimates(self, scenario: str, contender: str) -> Mapping[str, Estimate]:
        """Return the columns of one pair, over its seeds."""
        names = self.of(scenario, contender)[0].columns
        return {name: estimate(self.column(scenario, contender, name)) for name in names}


@frozen
class Plan:
    """What to run: every contender through every scenario, with every seed from 0.

    Attributes:
        scenarios: By name.
        contenders: By name.
        seeds: How many.
    """

    scenarios: Sequence[str]
    contenders: Sequence[str]
    seeds: int

    @property
    def runs(self) -> list[Run]:
        """Every run that tells something."""
        pairs = itertools.product(self.scenarios, self.contenders)
        return [(*pair, seed) for pair in pairs if _tells(*pair) for seed in range(self.seeds)]


def _tells(scenario: str, contender: str) -> bool:
    story = scenario_of(scenario, 1)
    return CONTENDERS[contender].only in {"", scenario} and (not story.only or contender in story.only)


def ran(plan: Plan, opens: int, processes: int, *, live: bool = False) -> Results:
    """Run a plan.

    Args:
        plan: What to run.
        opens: How many opens a simulated run measures, about.
        processes: How many run at once.
        live: Run on real sockets, in real time.
    """
    results, began_s, runs = Results(opens), time.monotonic(), plan.runs
    run = _run_live if live else functools.partial(_run, opens=opens)
    with contextlib.ExitStack() as stack:
        done: Iterator[tuple[Run, Figures]] = map(run, runs)
        if processes > 1:
            pool = stack.enter_context(multiprocessing.Pool(processes))
            done = pool.imap_unordered(run, runs)
        for number, (name, found) in enumerate(done, 1):
            results.by_run[name] = found
            _tell(number, len(runs), began_s)
    return results


def _run(run: Run, opens: int) -> tuple[Run, Figures]:
    scenario, contender, seed = run
    gc.collect()
    gc.disable()  # a run is short, and what it leaves behind is collected before the next
    try:
        return run, figures(played(scenario_of(scenario, opens), CONTENDERS[contender], seed))
    finally:
        gc.enable()


def _run_live(run: Run) -> tuple[Run, Figures]:
    scenario, contender, seed = run
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # it tells of each loser of a race
    return run, figures(played_live(SCENARIOS[scenario](LIVE_TRAFFIC), CONTENDERS[contender], seed))


def _tell(number: int, of: int, began_s: float) -> None:
    if sys.stderr.isatty() or number % 100 == 0 or number == of:
        end = "\r" if sys.stderr.isatty() and number < of else "\n"
        print(
            f"{number} of {of} runs, {time.monotonic() - began_s:.0f} s", end=end, file=sys.stderr, flush=True
        )
