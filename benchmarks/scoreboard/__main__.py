"""Regenerate the scoreboard: ``python -m benchmarks.scoreboard``, or ``make scoreboard``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.rig.cores import allow_many_sockets
from benchmarks.rig.subjects.base import ROOT
from benchmarks.scoreboard.board import page
from benchmarks.scoreboard.case import Size
from benchmarks.scoreboard.cases import all_cases
from benchmarks.scoreboard.inside import figures_from_tests
from benchmarks.scoreboard.record import Record
from benchmarks.scoreboard.run import judge
from benchmarks.scoreboard.subjects import all_subjects

RECORD = ROOT / ".bench" / "scoreboard.json"
PAGE = ROOT / "docs" / "reference" / "scoreboard.md"


def main() -> None:
    """Run what is asked for; print the page, or write it; exit with 1 where realtime-lb fell short."""
    options = _options()
    allow_many_sockets()
    logging.getLogger("aiohttp.server").disabled = True  # the upstreams, whom a proxy may leave
    subjects = [each for each in all_subjects() if not options.only or each.name in options.only]
    cases = [each for each in all_cases() if not options.cases or each.id in options.cases]
    size = Size.SHORT if options.short else Size.FULL
    record = Record(options.record, options.resume)
    asyncio.run(judge(cases, subjects, size, record, _tell))
    cells = list(record)
    figures = [] if options.short or options.cases else asyncio.run(figures_from_tests())
    text = page(cases, subjects, cells, figures, _machine(size))
    if options.save is None:
        print(text)
    else:
        options.save.write_text(text)
        _tell(f"saved: {options.save}")
    fell_short = [
        f"{cell.case} {cell.subject}"
        for cell in cells
        if cell.subject.startswith("ours") and cell.outcome is not None and not cell.outcome.holds
    ]
    if fell_short:
        raise SystemExit(f"realtime-lb falls short of: {', '.join(fell_short)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scoreboard", description=main.__doc__)
    parser.add_argument("--only", nargs="+", help="subjects, such as ours-fast relay; otherwise all")
    parser.add_argument("--cases", nargs="+", help="cases, such as A1 C3; otherwise all, and the long tests")
    parser.add_argument(
        "--record", type=Path, default=RECORD, help=f"what is seen ({RECORD.relative_to(ROOT)})"
    )
    parser.add_argument("--resume", action="store_true", help="go on with what an earlier run has recorded")
    parser.add_argument("--short", action="store_true", help="a little of each, to see that the cases work")
    parser.add_argument(
        "--save", nargs="?", type=Path, const=PAGE, help=f"write the page ({PAGE.relative_to(ROOT)})"
    )
    return parser.parse_args()


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _machine(size: Size) -> str:
    argv = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    commit = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    short = ", short forms" if size is Size.SHORT else ""
    return f"Linux {platform.release()}, Python {platform.python_version()}, {when}, commit {commit}{short}."


if __name__ == "__main__":
    main()
