"""How many mutants the tests kill, by file: reads what ``mutmut results --all true`` prints.

Usage: mutmut results --all true | python -m benchmarks.mutants [--least 85]

A mutant is the code with one small thing wrong, and is killed where a test fails with it. The figure is raw:
whatever is not killed is no success, a mutant that cannot be told from the original and a timeout included.
Exits with 1 where fewer than the least share are killed.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable

KILLED, SURVIVED, TIMEOUT = "killed", "survived", "timeout"


def by_file(lines: Iterable[str]) -> dict[str, Counter[str]]:
    """Count the verdicts of each file: ``a.b.x_f__mutmut_1: killed`` is one of ``a/b.py``."""
    files: dict[str, Counter[str]] = {}
    for line in lines:
        mutant, _, verdict = line.strip().partition(": ")
        module = mutant.rpartition(".")[0]
        files.setdefault(module.replace(".", "/") + ".py", Counter())[verdict] += 1
    return files


def row(name: str, counts: Counter[str]) -> str:
    """Return a line of the table; what is neither of the three is a mutant that no test runs, or worse."""
    total = counts.total()
    killed, survived, timeout = counts[KILLED], counts[SURVIVED], counts[TIMEOUT]
    others = total - killed - survived - timeout
    share = 100 * killed / total
    return f"{name:<40}{killed:>8}{survived:>10}{timeout:>10}{others:>8}{total:>8}{share:>9.1f} %"


def main() -> int:
    """Print the table of what comes in."""
    parser = argparse.ArgumentParser(description="How many mutants the tests kill, by file.")
    parser.add_argument("--least", type=float, default=0.0, help="the least share that is a success, in %%")
    least = parser.parse_args().least
    files = by_file(sys.stdin)
    everything = sum(files.values(), Counter[str]())
    if not everything:
        print("there is no mutant")
        return 1
    print(f"{'file':<40}{'killed':>8}{'survived':>10}{'timeouts':>10}{'others':>8}{'total':>8}{'killed':>11}")
    for name, counts in sorted(files.items()):
        print(row(name, counts))
    print(row("all", everything))
    return int(100 * everything[KILLED] / everything.total() < least)


if __name__ == "__main__":
    sys.exit(main())
