"""The scoreboard as a page."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from benchmarks.scoreboard.case import Case, Outcome
from benchmarks.scoreboard.subjects import Subject

__all__ = ["Cell", "page"]

HEAD = """\
# Scoreboard

What happens to live sessions on bad days, and how other proxies fare on the same machine.
✔ means that the bar in the second column held, ✘ that it did not, — that it says nothing about that proxy.

`make scoreboard` writes this page.
"""

LEFT_OUT = """\
## Left out

These need keys per caller, or state that several processes share, and there is neither yet:

- keys that are revoked while their sessions live, and tenants that must not see each other;
- a cap that holds over several processes, and all that a shared store can do when it is slow, empty or gone;
- a rolling restart of several gateways behind one address.
"""


@frozen
class Cell:
    """What the table says of one case and one subject.

    Attributes:
        case: The case's id.
        subject: The subject's name.
        outcome: What was seen.
        reason: Why there is nothing to see.
    """

    case: str
    subject: str
    outcome: Outcome | None = None
    reason: str = ""

    @property
    def text(self) -> str:
        """The cell, in Markdown."""
        if self.outcome is None:
            return f"— {self.reason}".strip()
        return f"{'✔' if self.outcome.holds else '✘'} {self.outcome.figure}".replace("|", "\\|")


def page(
    cases: Sequence[Case],
    subjects: Sequence[Subject],
    cells: Sequence[Cell],
    figures: Sequence[tuple[str, str]],
    machine: str,
) -> str:
    """Return the whole page.

    Args:
        cases: The rows.
        subjects: The columns.
        cells: What was seen.
        figures: What tests of ours counted: a case's id, and the figure.
        machine: Where and when, in a sentence.
    """
    found = {(cell.case, cell.subject): cell.text for cell in cells}
    rows = [["", "What goes wrong, and what must hold", *(subject.title for subject in subjects)]]
    rows += [
        [
            case.id,
            f"**{case.title}**: {case.bar}",
            *(found.get((case.id, subject.name), "not run") for subject in subjects),
        ]
        for case in cases
    ]
    versions = [f"- {each.title}: {each.version()}" for each in subjects if each.version()]
    inside = _table([["", "What tests counted inside realtime-lb"], *map(list, figures)])
    seen = ["## Seen from inside", inside] if figures else []
    parts = [
        HEAD,
        _table(rows),
        machine,
        "\n".join(versions),
        *seen,
        LEFT_OUT,
    ]
    return "\n".join(f"{part.strip()}\n" for part in parts if part.strip())


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(map(_escaped, row))} |" for row in rows]
    return "\n".join([lines[0], f"|{' --- |' * len(rows[0])}", *lines[1:]])


def _escaped(text: str) -> str:
    return text.replace("|", r"\|")
