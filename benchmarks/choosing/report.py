"""The page of the docs that holds the results."""

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
one, with its health, retries and hedges; simulated are upstreams, callers and time. Means over the seeds ±
half of their 95 % confidence interval.

- *shuffle, bare* is `simple-shuffle` with one try, without health and hedges: what a proxy is that knows
  nothing of all this.
- *oracle* looks into the upstreams: it picks who will be fastest in truth, and needs no health.
- *First event* is from the client's request to the upstream's first event, all tries included. Failed opens
  are not in it.
- *Imbalance* is the highest load over the mean load of the upstreams that are well, averaged over time; a
  load is sessions per capacity. 1 is even.

![Time to first event by scenario](../explanation/choosing-first-event.png)
"""


def save(results: Results, found: Sequence[Check], docs: Path = DOCS) -> list[Path]:
    """Write the page and its pictures; return what was written."""
    seeds = len({run[2] for run in results.by_run})
    head = _HEAD.format(runs=len(results.by_run), seeds=seeds, opens=results.opens)
    tables = [section(results, scenario) for scenario in results.scenarios]
    words = {True: "Holds", False: "Does not hold", None: "Not promised"}
    held = [f"- {words[check.passed]}: {check.text}." for check in found]
    page = docs / "reference" / "choosing-benchmark.md"
    text = "\n".join([head, *tables, "### What must hold of `adaptive`\n", *held])
    page.write_text(text.replace("\n### ", "\n## ") + "\n", encoding="utf-8")
    return [page, *draw(results, docs / "explanation")]
