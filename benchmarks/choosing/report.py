"""The pages of the docs that hold the results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.choosing.checks import Check
from benchmarks.choosing.plots import draw
from benchmarks.choosing.runs import Results
from benchmarks.choosing.tables import section

__all__ = ["save"]

DOCS = Path(__file__).parents[2] / "docs"

_HEAD = """\
# How well deployments are chosen

Written by `python -m benchmarks.choosing --save`: {runs:,} simulated runs of ten minutes each, {seeds} seeds
for each pair of a scenario and a strategy, about {opens} opens measured in each run. The router is the real
one, with its health, retries and hedges; simulated are upstreams, callers and time. Sessions are not
re-homed: who loses one calls again. Means over the seeds ± half of their 95 % confidence interval. With
`--live` the same stories are told on real sockets.

- *shuffle, bare* is `simple-shuffle` with one try, without health and hedges: what a proxy is that knows
  nothing of all this.
- *oracle* looks into the upstreams: it picks who is fastest in truth, and needs no health. It sees what is,
  not what comes: who crashes again in a moment is as good to it as any.
- *First event* is from the client's request to the upstream's first event, all tries included. Failed opens
  are not in it.
- *Imbalance* is the highest load over the mean load of the upstreams that are well, averaged over time; a
  load is sessions per capacity. 1 is even.

![Time to first event by scenario](../explanation/choosing-first-event.png)
"""

_LIVE_HEAD = """\
# How well deployments are chosen, live

Written by `python -m benchmarks.choosing --live --save`: {runs:,} runs of half a minute each, {seeds} seeds
for each pair of a scenario and a strategy. Everything is real here: router, sockets, time and the
[simulated](simulator.md) Realtime APIs. The stories are those of [the benchmark](choosing-benchmark.md),
scaled down: ten opens a second, and calls of seconds. A machine that is busy with other things shows in the
latencies. Means over the seeds ± half of their 95 % confidence interval.
"""


def save(results: Results, found: Sequence[Check], docs: Path = DOCS, *, live: bool = False) -> list[Path]:
    """Write the page and its pictures, of which a live one has none; return what was written."""
    seeds = len({run[2] for run in results.by_run})
    head = (_LIVE_HEAD if live else _HEAD).format(runs=len(results.by_run), seeds=seeds, opens=results.opens)
    tables = [section(results, scenario) for scenario in results.scenarios]
    words = {True: "Holds", False: "Does not hold", None: "Not promised"}
    held = [f"- {words[check.passed]}: {check.text}." for check in found]
    page = docs / "reference" / f"choosing-benchmark{'-live' if live else ''}.md"
    text = "\n".join([head, *tables, "### What must hold of `adaptive`\n", *held])
    page.write_text(text.replace("\n### ", "\n## ") + "\n", encoding="utf-8")
    return [page] if live else [page, *draw(results, docs / "explanation")]
