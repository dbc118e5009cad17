"""Results as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.choosing.figures import COLUMNS, Column
from benchmarks.choosing.runs import Results, scenario_of
from benchmarks.choosing.statistics import Estimate

__all__ = ["rows", "section"]


def section(results: Results, scenario: str) -> str:
    """Return one scenario: what happens in it, and its table."""
    story = scenario_of(scenario, results.opens)
    lines = {
        name: results.estimates(scenario, name) for name in results.contenders if results.of(scenario, name)
    }
    return f"### {story.title}\n\n{story.about}\n\n{rows(lines, _telling(lines))}\n"


def _telling(lines: Mapping[str, Mapping[str, Estimate]]) -> Mapping[str, Column]:
    """Leave out the columns that nobody would look at: answers and sessions that nobody lost."""
    optional = {"failed_answers", "lost"}
    empty = {name for name in optional if not any(line[name].mean for line in lines.values())}
    return {name: column for name, column in COLUMNS.items() if name not in empty}


def rows(lines: Mapping[str, Mapping[str, Estimate]], columns: Mapping[str, Column]) -> str:
    """Return a table: a line for each contender, its estimates as mean ± margin."""
    table = [["strategy", *(column.title for column in columns.values())]]
    table.append(["---", *("---:" for _ in columns)])
    for contender, line in lines.items():
        name = f"**{contender}**" if contender == "adaptive" else contender
        table.append([name, *(_cell(line[key], column.digits) for key, column in columns.items())])
    return "\n".join(map(_line, table))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: Estimate, digits: int) -> str:
    return f"{value.mean:.{digits}f} ± {value.margin:.{digits}f}"
