"""What has been seen so far, kept in a file: an hour's run goes on where it was stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cattrs
from attrs import define, field

from benchmarks.scoreboard.board import Cell

__all__ = ["Record"]


@define
class Record:
    """Cells by case and subject, written as they come.

    Attributes:
        path: The file.
        resumes: Go on with what it holds; otherwise it is begun anew.
    """

    path: Path
    resumes: bool
    _cells: dict[tuple[str, str], Cell] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        if self.resumes and self.path.exists():
            for cell in cattrs.structure(json.loads(self.path.read_text()), list[Cell]):
                self._cells[cell.case, cell.subject] = cell

    def __iter__(self) -> Iterator[Cell]:
        return iter(self._cells.values())

    def has(self, case: str, subject: str) -> bool:
        """Say whether something was seen, which a reason not to look is not."""
        cell = self._cells.get((case, subject))
        return cell is not None and cell.outcome is not None

    def keep(self, cell: Cell) -> None:
        """Take one in, in place of an earlier one."""
        self._cells[cell.case, cell.subject] = cell
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(cattrs.unstructure(list(self)), indent=1))
