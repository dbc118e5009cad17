"""Run every case before every subject, one after the other."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.rig.cores import choose_cores
from benchmarks.scoreboard.board import Cell
from benchmarks.scoreboard.case import Case, Outcome, Size
from benchmarks.scoreboard.record import Record
from benchmarks.scoreboard.stand import Stand
from benchmarks.scoreboard.subjects import Subject

__all__ = ["judge"]

Tell = Callable[[str], None]


async def judge(
    cases: Sequence[Case], subjects: Sequence[Subject], size: Size, record: Record, tell: Tell
) -> None:
    """See what each case shows of each subject, but for what *record* has already.

    Args:
        cases: What happens.
        subjects: To whom.
        size: How much of it.
        record: Takes what was seen.
        tell: Hears of each as it ends.
    """
    for case in cases:
        for subject in subjects:
            if not record.has(case.id, subject.name):
                began = time.monotonic()
                cell = await _cell(case, subject, size)
                record.keep(cell)
                tell(f"{case.id} {subject.name}: {cell.text} ({time.monotonic() - began:.0f} s)")


async def _cell(case: Case, subject: Subject, size: Size) -> Cell:
    reason = case.not_for.get(subject.name) or subject.missing()
    if reason is not None:
        return Cell(case.id, subject.name, reason=reason)
    with tempfile.TemporaryDirectory() as folder:
        stand = Stand(subject, Path(folder), choose_cores())
        return Cell(case.id, subject.name, outcome=await _outcome(case, stand, size))


async def _outcome(case: Case, stand: Stand, size: Size) -> Outcome:
    try:
        async with asyncio.timeout(case.limit_s) as limit:
            return await case.run(stand, size)
    except Exception as error:  # noqa: BLE001  # a proxy that breaks the case has failed it, and the next one's turn comes
        if limit.expired():
            return Outcome(f"not over after {case.limit_s:g} s", holds=False)
        cause = _first(error)
        lines = str(cause).strip().splitlines()
        return Outcome(f"{type(cause).__name__}: {lines[0][:120] if lines else ''}", holds=False)


def _first(error: Exception) -> Exception:
    """Return what went wrong first, of several things at once."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
