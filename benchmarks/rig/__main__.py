"""Run the rig: ``python -m benchmarks.rig``, or ``make bench``."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence

import uvloop

from benchmarks.rig.options import Options, parse
from benchmarks.rig.run import measure
from benchmarks.rig.samples import Run
from benchmarks.rig.subjects import Subject, all_subjects
from benchmarks.rig.summary import summarize
from benchmarks.rig.table import render


def main() -> None:
    """Measure, or show what was measured; print the table; write the samples."""
    subjects = all_subjects()
    options = parse(sys.argv[1:], [each.name for each in subjects])
    try:
        run = Run.read(options.show) if options.show else uvloop.run(_measured(subjects, options))
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise SystemExit("stopped: nothing is written") from None
    summary = summarize(run)
    table = render(run, summary)
    print(table)
    if options.show is None:
        run.write(options.json, summary.facts())
        print(f"samples: {options.json}", file=sys.stderr)
    if options.save is not None:
        from benchmarks.rig.plots import save_plots

        run.write(options.save / "benchmarks.json", summary.facts())
        (options.save / "benchmarks.md").write_text(table)
        for path in save_plots(run, summary, options.save):
            print(f"saved: {path}", file=sys.stderr)


async def _measured(subjects: Sequence[Subject], options: Options) -> Run:
    """Measure until done, or until a signal, and leave no proxy behind in either case."""
    task = asyncio.ensure_future(measure(subjects, options))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


if __name__ == "__main__":
    main()
