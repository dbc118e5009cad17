"""Whether the demo went as it should, by its clients' word and by the router's."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from attrs import frozen

from realtime_lb.cli.configuration import counted
from realtime_lb.cli.demo.board import Board
from realtime_lb.cli.demo.caller import Call, CallFailed
from realtime_lb.cli.demo.stage import AZURE, OPENAI

__all__ = ["Acts", "Verdict", "verdicts"]


@frozen
class Acts:
    """What clients got.

    Attributes:
        before: While both providers were up.
        during: When one died in the middle.
        after: When it was down.
    """

    before: Sequence[Call | CallFailed]
    during: Sequence[Call | CallFailed]
    after: Sequence[Call | CallFailed]


@frozen
class Verdict:
    """One thing that had to be so.

    Attributes:
        claim: What, with the figures that were seen.
        holds: Whether it was so.
    """

    claim: str
    holds: bool


def verdicts(board: Board, acts: Acts, struck: int) -> list[Verdict]:
    """Return what is to be said of all acts.

    Args:
        board: What the router recorded.
        acts: What clients got.
        struck: How many live sessions the provider had that died.
    """
    calls = [*acts.before, *acts.during, *acts.after]
    return [
        _none_failed(board, calls),
        _all_answered(calls),
        _both_served(board, len(acts.before)),
        _survived(board, struck),
        _unnoticed(acts.during),
        _went_elsewhere(board, len(acts.after)),
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


def _both_served(board: Board, sessions: int) -> Verdict:
    served = {name: board.served(name, act=1) for name in (OPENAI, AZURE)}
    return Verdict(
        f"both upstreams served while both were up: {OPENAI} {served[OPENAI]}, {AZURE} {served[AZURE]}",
        holds=min(served.values()) > 0 and sum(served.values()) == sessions,
    )


def _survived(board: Board, struck: int) -> Verdict:
    """By the router's word: whoever was on the provider that died went on at the other and ended well."""
    moved = [row for row in board.rows.values() if row.act == 2 and row.moves]
    alive = sum(
        row.deployment == OPENAI and row.closed is not None and row.closed.error is None for row in moved
    )
    gaps_ms = [move.gap_s * 1000 for move in board.moves()]
    gap = f"; gap {median(gaps_ms):.0f} ms, at most {max(gaps_ms):.0f} ms" if gaps_ms else ""
    return Verdict(
        f"{AZURE} died during {counted(struck, 'call')}: {alive} of {struck} went on at {OPENAI}{gap}",
        holds=struck > 0 and alive == len(moved) == struck,
    )


def _unnoticed(calls: Sequence[Call | CallFailed]) -> Verdict:
    """By the clients' word: a `Call` saw no close, no error and nothing twice."""
    unaware = sum(isinstance(one, Call) and one.heard_ms >= one.said_ms > 0 for one in calls)
    return Verdict(
        f"{unaware} of {len(calls)} callers then noticed nothing: no close, no error, every word heard",
        holds=unaware == len(calls),
    )


def _went_elsewhere(board: Board, sessions: int) -> Verdict:
    served = {name: board.served(name, act=3) for name in (OPENAI, AZURE)}
    turned = sum(len(row.path) > 1 for row in board.rows.values() if row.act == 3)
    return Verdict(
        f"{AZURE} down: {served[OPENAI]} of {counted(sessions, 'new session')} went to {OPENAI} "
        f"({turned} tried {AZURE} first)",
        holds=served == {OPENAI: sessions, AZURE: 0},
    )
