"""What can be said on the command line, and how large a run is."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import evolve, frozen

from benchmarks.rig.subjects.base import ROOT, STAGES

__all__ = ["Options", "Sizes", "parse"]

_EPILOG = """\
stages, each with newly started proxies:
  session  voice in short turns, then flood, opens and storm, in every round
  growth   voice with few sessions and with many, in every round; ws only, not nginx, not LiteLLM
  idle     memory and CPU of silent sessions, once
  churn    memory behind thousands of sessions, once; not nginx, not LiteLLM

what the figures mean, and how not to fool yourself: benchmarks/README.md
"""


@frozen
class Sizes:
    """How much of everything.

    Attributes:
        voice_sessions: Live sessions of the voice pattern.
        voice_s: How long it is measured in each turn.
        warm_s: How long it runs before.
        settle_s: The same for sessions that have not said anything yet.
        sweeps: How many turns there are in a round.
        heap_ms: How far apart its heaps of frames are where they come in heaps.
        flood_sessions: Live sessions of the flood.
        flood_s: How long it is measured.
        opens: Sessions opened one after the other.
        storm_s: How long many are opened at once.
        growth_sessions: Few and many; none leaves the stage out.
        growth_s: How long each is measured.
        idle_sessions: Silent sessions; a slow proxy gets a tenth of them.
        idle_s: How long their CPU is measured.
        churn_sessions: Sessions that come and go.
        churn_limit_s: When no more of them come.
    """

    voice_sessions: int = 100
    voice_s: float = 1.0
    warm_s: float = 0.3
    settle_s: float = 2.5
    sweeps: int = 5
    heap_ms: float = 1.0
    flood_sessions: int = 16
    flood_s: float = 1.5
    opens: int = 100
    storm_s: float = 1.5
    growth_sessions: tuple[int, ...] = (50, 400)
    growth_s: float = 2.5
    idle_sessions: int = 2000
    idle_s: float = 8.0
    churn_sessions: int = 10_000
    churn_limit_s: float = 120.0


QUICK = Sizes(
    voice_sessions=20,
    voice_s=0.5,
    warm_s=0.2,
    settle_s=0.3,
    sweeps=2,
    flood_sessions=4,
    flood_s=0.3,
    opens=20,
    storm_s=0.3,
    growth_sessions=(),
    idle_sessions=50,
    idle_s=0.3,
    churn_sessions=100,
    churn_limit_s=10.0,
)
"""Enough to see that all of it works; too little to believe a figure."""


@frozen
class Options:
    """A run.

    Attributes:
        rounds: How often each subject is measured.
        only: Names of subjects; none stands for all.
        stages: Names of stages.
        sizes: How much of everything.
        quick: Whether the figures are not to be believed.
        seed: Of all that is random.
        json: Where the samples go.
        save: Where table, samples and plots go as well, if they are to be kept.
        show: A file of samples to show, instead of a run.
    """

    rounds: int
    only: tuple[str, ...]
    stages: tuple[str, ...]
    sizes: Sizes
    quick: bool
    seed: int
    json: Path
    save: Path | None
    show: Path | None


def parse(arguments: Sequence[str], names: Sequence[str]) -> Options:
    """Read the command line; *names* are those of the subjects."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.rig",
        description="Measure websocket proxies from outside, under the load of voice sessions.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # None tells what was not given from what was given and is the default: --quick has other defaults.
    parser.add_argument("--rounds", type=_positive, help="how often each is measured (3; with --quick 1)")
    parser.add_argument("--only", type=_names(names), default=(), help=f"some of: {', '.join(names)}")
    parser.add_argument("--stages", type=_names(STAGES), default=STAGES, help=f"some of: {', '.join(STAGES)}")
    parser.add_argument("--quick", action="store_true", help="a minute: shows that the rig works, no more")
    parser.add_argument("--sessions", type=_positive, help="sessions of the voice pattern (100)")
    parser.add_argument("--seconds", type=float, help="how long a turn of the voice pattern is (1)")
    parser.add_argument(
        "--heap", type=float, metavar="MS", help="how far apart frames are that come in heaps (1)"
    )
    parser.add_argument("--idle-sessions", type=_positive, help="silent sessions (2000)")
    parser.add_argument("--churn-sessions", type=_positive, help="sessions that come and go (10000)")
    parser.add_argument("--seed", type=int, default=1, help="of audio, words and phases (1)")
    parser.add_argument(
        "--json",
        type=Path,
        default=ROOT / ".bench" / "latest.json",
        help="where the samples go (.bench/latest.json)",
    )
    parser.add_argument(
        "--save",
        type=Path,
        nargs="?",
        const=ROOT / "docs" / "images",
        help="keep table, samples and plots (docs/images)",
    )
    parser.add_argument(
        "--show", type=Path, metavar="JSON", help="show the samples of an earlier run, and run nothing"
    )
    given = parser.parse_args(arguments)
    changes = {
        "voice_sessions": given.sessions,
        "voice_s": given.seconds,
        "heap_ms": given.heap,
        "idle_sessions": given.idle_sessions,
        "churn_sessions": given.churn_sessions,
    }
    sizes = evolve(
        QUICK if given.quick else Sizes(),
        **{name: value for name, value in changes.items() if value is not None},
    )
    return Options(
        rounds=given.rounds or (1 if given.quick else 3),
        only=given.only,
        stages=given.stages,
        sizes=sizes,
        quick=given.quick,
        seed=given.seed,
        json=given.json,
        save=given.save,
        show=given.show,
    )


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _names(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """Return what reads names that are separated by commas, all of them known."""

    def read(text: str) -> tuple[str, ...]:
        names = tuple(name.strip() for name in text.split(",") if name.strip())
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(
                f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}"
            )
        return names

    return read
