"""Many calls at once, each somewhere in a turn: all of them get through, whatever goes, or all in turn."""

from itertools import cycle

import pytest

from tests.rehoming.crowd import CAUSES, KINDS, crowd

SESSIONS = 24


@pytest.mark.parametrize(("cause", "victim"), list(zip(CAUSES, cycle(KINDS), strict=False)))
async def test_all_calls_get_through(cause: str, victim: str) -> None:
    """``python -m benchmarks.rehoming calls`` does it with 200."""
    outcome = await crowd(cause, sessions=SESSIONS, victim=victim)
    assert outcome.failures == ()
    assert outcome.refused == ()
    assert outcome.survivors == SESSIONS
    assert outcome.struck >= 1
    assert len(outcome.moves) >= outcome.struck
