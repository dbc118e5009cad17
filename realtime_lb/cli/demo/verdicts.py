"""Whether the demo went as it should, by its clients' word and by the router's."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from realtime_lb.cli.configuration import counted
from realtime_lb.cli.demo.board import Board
from realtime_lb.cli.demo.caller import Call, CallFailed
from realtime_lb.cli.demo.stage import AZURE, OPENAI

__all__ = ["Verdict", "verdicts"]


@frozen
class Verdict:
    """One thing that had to be so.

    Attributes:
        claim: What, with the figures that were seen.
        holds: Whether it was so.
    """

    claim: str
    holds: bool


def verdicts(
    board: Board, before: Sequence[Call | CallFailed], after: Sequence[Call | CallFailed]
) -> list[Verdict]:
    """Return what is to be said of both acts.

    Args:
        board: What the router recorded.
        before: What clients got while both providers were up.
        after: What clients got when one was down.
    """
    first = {name: board.served(name, act=1) for name in (OPENAI, AZURE)}
    second = {name: board.served(name, act=2) for name in (OPENAI, AZURE)}
    rows = [row for row in board.rows.values() if row.act == 2]
    turned = sum(len(row.path) > 1 for row in rows)
    return [
        _none_failed(board, [*before, *after]),
        _all_answered([*before, *after]),
        Verdict(
            f"both upstreams served while both were up: {OPENAI} {first[OPENAI]}, {AZURE} {first[AZURE]}",
            holds=min(first.values()) > 0 and sum(first.values()) == len(before),
        ),
        Verdict(
            f"{AZURE} down: {second[OPENAI]} of {counted(len(after), 'new session')} went to {OPENAI} "
            f"({turned} tried {AZURE} first)",
            holds=second == {OPENAI: len(after), AZURE: 0},
        ),
    ]


def _none_failed(board: Board, calls: Sequence[Call | CallFailed]) -> Verdict:
    failures = [outcome for outcome in calls if isinstance(outcome, CallFailed)]
    ended_well = sum(row.closed is not None and row.closed.error is None for row in board.rows.values())
    claim = f"{counted(len(calls), 'session')}, {counted(len(failures), 'failure')}"
    why = "".join(f"; {failure}" for failure in failures[:3])
    return Verdict(claim + why, holds=not failures and ended_well == len(calls))


def _all_answered(calls: Sequence[Call | CallFailed]) -> Verdict:
    done = [outcome for outcome in calls if isinstance(outcome, Call)]
    written, spoken = sum(bool(one.text) for one in done), sum(one.audio_ms > 0 for one in done)
    seconds = sum(one.audio_ms for one in done) / 1000
    return Verdict(
        f"{written} written and {spoken} spoken turns answered, with {seconds:.0f} s of audio",
        holds=written == spoken == len(calls),
    )
