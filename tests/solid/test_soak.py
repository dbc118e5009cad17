"""Processes that sessions come to and leave, seen from outside."""

import asyncio
from pathlib import Path

from benchmarks.scoreboard.case import Size
from benchmarks.scoreboard.cases.soak import Soak
from benchmarks.scoreboard.record import Record
from benchmarks.scoreboard.run import judge
from benchmarks.scoreboard.subjects import Ours


async def test_nothing_of_300_sessions_stays(tmp_path: Path) -> None:
    seen = Record(tmp_path / "seen.json", resumes=False)
    lanes = (Ours("fast"), Ours("aiohttp"))  # at once: they wait most of the time
    await asyncio.gather(*(judge([Soak()], [lane], Size.SHORT, seen, lambda _: None) for lane in lanes))
    assert [cell.outcome is not None and cell.outcome.holds for cell in seen] == [True, True], list(seen)
