"""Many calls at once, each somewhere in a turn: all of them get through, whatever becomes of one upstream."""

import pytest

from tests.rehoming.crowd import CAUSES, crowd

SESSIONS = 24


@pytest.mark.parametrize("cause", CAUSES)
async def test_all_calls_get_through(cause: str) -> None:
    """``python -m benchmarks.rehoming calls`` does it with 200."""
    outcome = await crowd(cause, sessions=SESSIONS)
    assert outcome.failures == ()
    assert outcome.survivors == SESSIONS
    assert outcome.struck >= 1
    assert len(outcome.gaps_s) >= outcome.struck
