"""The scoreboard's cases, in short, before a gateway in each lane."""

from pathlib import Path

import pytest

from benchmarks.scoreboard.case import Case
from benchmarks.scoreboard.cases.all_down import AllDown
from benchmarks.scoreboard.cases.deaths import Death, Freeze
from benchmarks.scoreboard.cases.exactness import Exactness
from benchmarks.scoreboard.cases.goodbyes import CloseMatrix
from benchmarks.scoreboard.cases.outages import Handshakes, Refused, Statuses, StrangeUpgrades
from benchmarks.scoreboard.cases.races import CloseRaces
from tests.solid.stand import show

pytestmark = pytest.mark.usefixtures("each_lane")

CASES = [
    *(Refused(), Statuses(), Handshakes(), StrangeUpgrades(), Death(), Freeze(), AllDown()),
    *(Exactness(), CloseMatrix(), CloseRaces()),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_a_bad_day_is_got_through(case: Case, tmp_path: Path) -> None:
    await show(case, tmp_path)
