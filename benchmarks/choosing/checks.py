"""What must hold of `adaptive`, each with its figures."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator

from attrs import frozen

from benchmarks.choosing.figures import COLUMNS, Figures
from benchmarks.choosing.runs import Results, scenario_of
from benchmarks.choosing.statistics import holm, p_greater

__all__ = ["CHECKED", "Check", "checks"]

CHECKED = "adaptive"
"""Whom the checks are about."""

BEYOND_ORACLE = 1.10
UNPROMISED = {"untold"}
"""Where the oracle knows from the first session on what all others must find out by overloading somebody."""

FAULTY_DIALS_PER_MINUTE = 6.0
LIMITING_DIALS = 0.05
SLOW_LOSES = 0.80
HEDGED_WAIT = 1.3
HEDGED_DIALS = 1.1


@frozen
class Check:
    """One promise.

    Attributes:
        passed: It is kept; None where nothing was promised.
        text: What it is, with what was measured.
    """

    passed: bool | None
    text: str

    def __str__(self) -> str:
        verdict = "INFO" if self.passed is None else "PASS" if self.passed else "FAIL"
        return f"{verdict}  {self.text}"


def checks(results: Results, *, live: bool = False) -> list[Check]:
    """Return every check that *results* have what it takes to make.

    Args:
        results: What to look at.
        live: Real seconds, of which there are too few for most of them.
    """
    if CHECKED not in results.contenders:
        return []
    makers = (_no_open_fails, _limiting, _near_the_oracle, _probes_bounded, _not_worse, _slow, _hedging)
    return [check for make in (makers[:2] if live else makers) for check in make(results)]


def _values(
    results: Results, scenario: str, read: Callable[[Figures], float], who: str = CHECKED
) -> list[float]:
    return [read(found) for found in results.of(scenario, who)]


def _no_open_fails(results: Results) -> Iterator[Check]:
    failed = {name: sum(_values(results, name, lambda f: f.avoidable)) for name in results.scenarios}
    where = ", ".join(f"{name} {count:g}" for name, count in failed.items() if count) or "none"
    text = (
        f"failed opens while a healthy deployment had room: {sum(failed.values()):g} (by scenario: {where})"
    )
    yield Check(not any(failed.values()), text)


def _near_the_oracle(results: Results) -> Iterator[Check]:
    """By the mean, which every wait counts in: the median would not see one open in ten that waits long."""
    if "oracle" not in results.contenders:
        return
    for scenario in results.scenarios:
        mean, p50 = (
            statistics.fmean(_values(results, scenario, read))
            / statistics.fmean(_values(results, scenario, read, "oracle"))
            for read in (lambda f: f.settled_mean_s, lambda f: f.settled_p50_s)
        )
        promised = scenario not in UNPROMISED
        text = f"{scenario}: time to first event from 10 s after a change, over the oracle's: mean {mean:.3f}"
        passed = mean <= BEYOND_ORACLE if promised else None
        yield Check(passed, f"{text} (at most {BEYOND_ORACLE:.2f}), p50 {p50:.3f}")


def _probes_bounded(results: Results) -> Iterator[Check]:
    for scenario in results.scenarios:
        per_minute = _values(results, scenario, lambda f: f.faulty_dials_per_minute)
        if any(per_minute):
            text = f"{scenario}: dials of the faulty one a minute, after the first that failed: mean "
            text += f"{statistics.fmean(per_minute):.2f}, worst seed {max(per_minute):.2f}"
            yield Check(
                max(per_minute) <= FAULTY_DIALS_PER_MINUTE, f"{text} (at most {FAULTY_DIALS_PER_MINUTE:g})"
            )


def _not_worse(results: Results) -> Iterator[Check]:
    """Hold every column of every scenario against simple-shuffle's, corrected for how many they are."""
    other = "simple-shuffle"
    if other not in results.contenders:
        return
    pairs = [(scenario, column) for scenario in results.scenarios for column in COLUMNS]
    columns = [[results.column(s, who, c) for s, c in pairs] for who in (CHECKED, other)]
    worse = holm([p_greater(ours, theirs) for ours, theirs in zip(*columns, strict=True)])
    found = [
        f"{s} {COLUMNS[c].title} {statistics.fmean(ours):.4g} against {statistics.fmean(theirs):.4g}"
        for (s, c), ours, theirs, is_worse in zip(pairs, *columns, worse, strict=True)
        if is_worse
    ]
    text = (
        f"significantly worse than {other} (paired t-test, Holm, 5 %) in {len(found)} of {len(pairs)} cells"
    )
    yield Check(not found, "; ".join([text, *found]))


def _limiting(results: Results) -> Iterator[Check]:
    shares = _values(results, "limiting", lambda f: f.faulty_dial_share)
    if shares:
        text = f"the instant-429 endpoint gets {statistics.fmean(shares):.1%} of the dials, worst seed "
        yield Check(max(shares) <= LIMITING_DIALS, f"{text}{max(shares):.1%} (at most {LIMITING_DIALS:.0%})")


def _slow(results: Results) -> Iterator[Check]:
    kept = _values(results, "slow", lambda f: f.faulty_share)
    if kept:
        loses = 1 - statistics.fmean(kept)
        text = f"the x10-slow endpoint loses {loses:.1%} of its new sessions from 10 s on, worst seed "
        yield Check(loses >= SLOW_LOSES, f"{text}{1 - max(kept):.1%} (at least {SLOW_LOSES:.0%})")


def _hedging(results: Results) -> Iterator[Check]:
    for scenario in ("hedging", "hedging-told"):
        found = results.of(scenario, CHECKED)
        if not found:
            continue
        delay_s = statistics.fmean(f.hedge_delay_s for f in found)
        healthy_s = scenario_of(scenario, results.opens).nodes[0].first_event_p95_s
        p99_s = statistics.fmean(f.columns["first_event_p99"] for f in found) / 1e3
        dials = statistics.fmean(f.columns["dials"] for f in found)
        text = f"{scenario}: p99 time to first event {p99_s * 1e3:.0f} ms, "
        text += f"{p99_s / (delay_s + healthy_s):.2f} times hedge delay {delay_s * 1e3:.0f} ms + healthy p95 "
        text += f"{healthy_s * 1e3:.0f} ms (at most {HEDGED_WAIT}), {dials:.3f} dials per open "
        text += f"(at most {HEDGED_DIALS})"
        yield Check(p99_s <= HEDGED_WAIT * (delay_s + healthy_s) and dials <= HEDGED_DIALS, text)
