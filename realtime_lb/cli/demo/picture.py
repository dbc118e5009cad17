"""The demo's board as something to look at."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from statistics import median

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from realtime_lb.cli.demo.board import ACTS, Board, SessionRow
from realtime_lb.cli.demo.stage import AZURE, OPENAI
from realtime_lb.cli.demo.verdicts import Verdict

__all__ = ["picture", "summary"]

_COLOURS = {OPENAI: "cyan", AZURE: "magenta"}
_WIDE_COLUMNS = 110
_LINES_AROUND_THE_SESSIONS = 12


def picture(board: Board, address: str, width: int, height: int) -> RenderableType:
    """Return the whole board, made to fit."""
    lines = max(4, height - _LINES_AROUND_THE_SESSIONS)
    sessions: RenderableType = _sessions(board, lines)
    if width >= _WIDE_COLUMNS:
        beside = Table.grid(padding=(0, 3))
        beside.add_column(no_wrap=True)  # so that the other one gives way
        beside.add_row(sessions, _passing(board, lines))
        sessions = beside
    return Group(
        Text.assemble(("realtime_lb", "bold"), f"  {address}", ("  least-busy", "dim")),
        Text(),
        _upstreams(board),
        Text(),
        Text.assemble((f"act {board.act} of {ACTS}  ", "bold"), board.title),
        Text(),
        sessions,
    )


def summary(board: Board, verdicts: Iterable[Verdict]) -> RenderableType:
    """Return what came of it all."""
    acts = range(1, ACTS + 1)
    table = _table("upstream", *(f">act {act}" for act in acts), ">taken over", ">first event (median)")
    for name in board.up:
        waits = board.first_event_ms(name)
        table.add_row(
            _upstream(name),
            *(str(board.served(name, act)) for act in acts),
            str(board.taken_over(name)),
            f"{median(waits):.1f} ms" if waits else "-",
        )
    lines = [
        Text.assemble(("✓ ", "bold green") if verdict.holds else ("✗ ", "bold red"), verdict.claim)
        for verdict in verdicts
    ]
    return Group(Text(), table, Text(), *lines)


def _upstreams(board: Board) -> Table:
    table = _table("upstream", "state", ">live", ">served", ">taken over")
    for name, is_up in board.up.items():
        state = Text("● up", "green") if is_up else Text("✗ down", "bold red")
        counts = (board.live(name), board.served(name), board.taken_over(name))
        table.add_row(_upstream(name), state, *map(str, counts))
    return table


def _sessions(board: Board, lines: int) -> Table:
    table = _table("session", "placed on", ">after", ">gap", "last event")
    for row in islice(board.rows.values(), max(0, len(board.rows) - lines), None):
        after = "" if row.opened_ms is None else f"{row.opened_ms:.0f} ms"
        gap = Text(", ".join(f"{move.gap_s * 1000:.0f} ms" for move in row.moves), "bold green")
        table.add_row(row.name, _path(row), after, gap, Text(_short(row.last), "dim" if row.closed else ""))
    return table


def _passing(board: Board, lines: int) -> Table:
    table = _table("events as they pass")
    for passing in islice(board.passing, max(0, len(board.passing) - lines), None):
        table.add_row(Text.assemble((f"{passing.who:<11} ", "dim"), _short(passing.text)))
    return table


def _short(text: str) -> str:
    """Return *text* without what makes its longest event types too long for a terminal."""
    return text.replace(" input_audio_buffer.", " ")


def _path(row: SessionRow) -> Text:
    """Return who refused it, who took it, and who took it over."""
    refused = [Text(f"{name} ✗ ", "red") for name in row.path[:-1]]
    taken = [_upstream(name) for name in row.path[-1:]]
    over = [Text.assemble((" → ", "bold"), _upstream(move.to_deployment)) for move in row.moves]
    return Text.assemble(*refused, *taken, *over)


def _upstream(name: str) -> Text:
    return Text(name, _COLOURS.get(name, ""))


def _table(*titles: str) -> Table:
    """Return an empty table; titles with ``>`` head columns of numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for title in titles:
        right = title.startswith(">")
        table.add_column(title.lstrip(">"), justify="right" if right else "left", no_wrap=True)
    return table
