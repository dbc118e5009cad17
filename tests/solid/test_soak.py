"""Processes that sessions come to and leave, seen from outside."""

from pathlib import Path

from benchmarks.scoreboard.case import Size
from benchmarks.scoreboard.cases.soak import Soak
from benchmarks.scoreboard.record import Record
from benchmarks.scoreboard.run import judge
from benchmarks.scoreboard.subjects import Ours


async def test_nothing_of_300_sessions_stays(tmp_path: Path) -> None:
    seen = Record(tmp_path / "seen.json", resumes=False)
    await judge([Soak()], [Ours("fast"), Ours("aiohttp")], Size.SHORT, seen, lambda _: None)
    assert [cell.outcome is not None and cell.outcome.holds for cell in seen] == [True, True], list(seen)
