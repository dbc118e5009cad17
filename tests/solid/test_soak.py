"""Processes that sessions come to and leave, seen from outside."""

from benchmarks.scoreboard.case import Size
from benchmarks.scoreboard.cases.soak import Soak
from benchmarks.scoreboard.run import judge
from benchmarks.scoreboard.subjects import Ours


async def test_nothing_of_300_sessions_stays() -> None:
    cells = await judge([Soak()], [Ours("fast"), Ours("aiohttp")], Size.SHORT, lambda _: None)
    assert [cell.outcome is not None and cell.outcome.holds for cell in cells] == [True, True], cells
