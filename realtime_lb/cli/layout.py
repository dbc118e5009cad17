"""Rows and columns, laid out for the terminal that there is. Nothing is ever cut off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import evolve, frozen
from rich import box
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from realtime_lb.cli.consoles import UNBOUNDED
from realtime_lb.cli.failures import printable

__all__ = ["Column", "as_blocks", "as_table", "filled", "fits", "folded", "shown_number", "shown_text"]


@frozen
class Column:
    """A column, and what is in it.

    Attributes:
        title: Its head, of one line or two; a hyphen may part a word.
        cells: One for each row.
        right: Numbers, whose last digits stand below each other.
    """

    title: str
    cells: Sequence[Text]
    right: bool = False


def filled(columns: Sequence[Column]) -> list[Column]:
    """Return those in which at least one row has something."""
    return [column for column in columns if any(cell.plain for cell in column.cells)]


def as_table(columns: Sequence[Column]) -> Table:
    """Return a table with a line for each row."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for column in columns:
        table.add_column(column.title, justify="right" if column.right else "left")
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*row)
    return table


def as_blocks(columns: Sequence[Column]) -> Iterator[RenderableType]:
    """Yield a list of titles and cells for each row, for where a table is too wide."""
    for row in zip(*(column.cells for column in columns), strict=True):
        block = Table.grid(padding=(0, 2))
        block.add_column(style="dim")
        block.add_column(overflow="fold")
        for column, cell in zip(columns, row, strict=True):
            if cell.plain:
                block.add_row(column.title.replace("-\n", "").replace("\n", " ").strip(), cell)
        yield block
        yield Text()


def folded(column: Column, width: int) -> Column:
    """Return *column* with its cells broken into lines of no more than *width* characters."""
    cells = []
    for cell in column.cells:
        lines = cell.divide(range(width, len(cell), width))
        cells.append(Text("\n").join(lines))
    return evolve(column, cells=cells)


def fits(shown: RenderableType, console: Console) -> bool:
    """Say whether *console* has room for *shown* without folding it."""
    unbounded = console.options.update(width=UNBOUNDED)
    return Measurement.get(console, unbounded, shown).maximum <= console.width


def shown_number(value: float | None, form: str = "g") -> Text:
    """Return *value* in the format *form*; nothing where there is none."""
    return Text("" if value is None else f"{value:{form}}")


def shown_text(text: str, style: str = "") -> Text:
    """Return *text*, which may be a stranger's, without what would steer the terminal."""
    return Text(printable(text), style)
