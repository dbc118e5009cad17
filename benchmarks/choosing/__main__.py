"""Compare strategies.

Usage: python -m benchmarks.choosing [--seeds 30] [--only "slow;herd"] [--live] [--save]

Prints one table for each scenario, means over the seeds with their 95 % confidence intervals, and then what
must hold of `adaptive`. Exits with 1 where it does not.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection

from benchmarks.choosing.checks import checks
from benchmarks.choosing.contenders import CONTENDERS
from benchmarks.choosing.report import save
from benchmarks.choosing.runs import Plan, ran
from benchmarks.choosing.scenarios import SCENARIOS
from benchmarks.choosing.tables import section

LIVE_STRATEGIES = ["simple-shuffle", "least-busy", "adaptive"]


def main() -> None:
    """Run what the command line asks for."""
    given = _arguments()
    plan = Plan(given.only, given.strategies or _usual(given), given.seeds or (2 if given.live else 30))
    results = ran(plan, given.opens, given.processes, live=given.live)
    for scenario in results.scenarios:
        print(section(results, scenario))
    found = checks(results, live=given.live)
    print("\n".join(map(str, found)))
    if given.save:
        print("\n".join(f"written: {path}" for path in save(results, found, live=given.live)))
    if any(check.passed is False for check in found):
        raise SystemExit(1)


def _usual(given: argparse.Namespace) -> list[str]:
    return LIVE_STRATEGIES if given.live else list(CONTENDERS)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.choosing",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--seeds", type=int, help="runs of each pair (30; with --live 2)")
    add("--opens", type=int, default=250, help="opens that a simulated run measures, about (250)")
    add("--only", type=_among(SCENARIOS), default=list(SCENARIOS), help="scenarios, divided by ; (all)")
    add(
        "--strategies",
        type=_among(CONTENDERS),
        help=f"the same (all; with --live {'; '.join(LIVE_STRATEGIES)})",
    )
    add("--processes", type=int, default=2, help="how many run at once (2)")
    add("--live", action="store_true", help="scaled down, on real sockets against the simulator")
    add("--save", action="store_true", help="write the tables and pictures to docs/ (needs the group bench)")
    return parser.parse_args()


def _among(known: Collection[str]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        found = [name.strip() for name in text.split(";")]
        if unknown := [name for name in found if name not in known]:
            raise argparse.ArgumentTypeError(f"unknown: {'; '.join(unknown)}. Known: {'; '.join(known)}")
        return found

    return names


if __name__ == "__main__":
    main()
