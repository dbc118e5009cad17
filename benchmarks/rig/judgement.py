"""Whether to believe a run: what in its own samples speaks against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from benchmarks.rig.samples import Run, Sample
from benchmarks.rig.summary import BASE, Summary

__all__ = ["cautions", "disturbances"]

OTHERS_SHARE = 0.03
"""Of the two cores: a machine at rest stays below a hundredth."""

STEAL_SHARE = 0.01
RIG_SHARE = 0.8
"""From here on a frame waits for the rig, and the wait is taken for the proxy's."""

RIG_LATE_MS = 2.0
"""Above this frames go out in larger heaps than sessions would send them."""

SATURATED = 0.95
SPREAD = 0.15

_VOICE = ("voice", "heaps")

_FLAWS = (
    ("misplaced", "out of order"),
    ("damaged", "damaged"),
    ("ended_early", "sessions cut"),
    ("rewritten", "re-serialised"),
)


def disturbances(samples: Iterable[Mapping[str, float]]) -> list[str]:
    """Say what happened to frames other than that they arrived."""
    values = list(samples)
    counted = [(int(sum(each.get(name, 0) for each in values)), said) for name, said in _FLAWS]
    return [f"{count:,} {said}" for count, said in counted if count]


def cautions(run: Run, summary: Summary) -> list[str]:
    """Return what speaks against the figures of *run*."""
    found = [*_of_the_machine(run), *_of_the_rig(run.samples), *_of_the_base(run.samples)]
    found += _of_saturation(run.samples)
    for subject in summary.figures:
        cost = summary.figure(subject, "voice.cpu_us_per_frame")
        if cost is not None and cost.spread > SPREAD:
            found.append(f"{subject}: CPU per frame differs by ±{100 * cost.spread:.0f} % between turns")
    return found


def _of_the_machine(run: Run) -> Iterable[str]:
    if run.options["quick"]:
        yield "a quick run: it shows that the rig works, and its figures mean nothing"
    if run.machine.get("halt_poll_us") == 0:
        yield "idle cores of this guest halt at once: see guest_halt_poll_ns in benchmarks/README.md"
    if run.machine["core_of_rig"] == run.machine["core_of_proxy"]:
        yield "one core for rig and proxy: each took the other's time"
    for measure, limit, who in (
        ("others_share", OTHERS_SHARE, "other processes"),
        ("steal_share", STEAL_SHARE, "other guests of the host"),
    ):
        shares = [each.values[measure] for each in run.samples if measure in each.values]
        if shares and max(shares) > limit:
            yield (
                f"{who} took {100 * median(shares):.1f} % of the two cores (median; in the worst sample, "
                f"{_worst(run.samples, measure)}, {100 * max(shares):.0f} %): run it on a machine at rest"
            )


def _worst(samples: Iterable[Sample], measure: str) -> str:
    worst = max(samples, key=lambda each: each.values.get(measure, 0))
    return f"{worst.pattern} of {worst.subject} in round {worst.round}"


def _of_the_rig(samples: Iterable[Sample]) -> Iterable[str]:
    for where, values in _by_voice(samples):
        shares = [share for each in values if (share := each.get("rig_share", 0)) > RIG_SHARE]
        late = [ms for each in values if (ms := each.get("rig_late_p99_ms", 0)) > RIG_LATE_MS]
        if shares:
            told = f"the rig used up to {100 * max(shares):.0f} % of its core"
            yield f"{where}: {told} ({_times(shares, values)})"
        if late:
            told = f"one frame in a hundred was sent up to {max(late):.0f} ms late or more"
            yield f"{where}: {told} ({_times(late, values)})"


def _times(some: Sequence[float], of: Sequence[Mapping[str, float]]) -> str:
    return f"{len(some)} of {len(of)} samples"


def _by_voice(samples: Iterable[Sample]) -> Iterable[tuple[str, Sequence[Mapping[str, float]]]]:
    """Return the values of each subject's voice patterns."""
    found: dict[str, list[Mapping[str, float]]] = {}
    for each in samples:
        if each.pattern.startswith(_VOICE):
            found.setdefault(f"{each.subject}, {each.pattern}", []).append(each.values)
    return found.items()


def _of_the_base(samples: Iterable[Sample]) -> Iterable[str]:
    mine = [each.values for each in samples if each.subject == BASE and "frames_sent" in each.values]
    if any(each["delivered"] != 1 for each in mine) or disturbances(mine):
        yield "frames were lost or changed without any proxy: the rig is broken"


def _of_saturation(samples: Iterable[Sample]) -> Iterable[str]:
    for where, values in _by_voice(samples):
        if any(each.get("proxy_share", 0) > SATURATED for each in values):
            yield f"{where}: its core was full, so its latencies have no bound"
