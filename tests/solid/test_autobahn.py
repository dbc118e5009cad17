"""The Autobahn suite's cases for websockets, with the gateway between the fuzzing side and an honest one."""

import pytest
from yarl import URL

from benchmarks.scoreboard.autobahn import SLOW, Verdict, echo, fuzzed_by_clients, fuzzing_upstream
from realtime_lb import HealthSettings
from tests.support import deployment, gateway, upstream

pytestmark = pytest.mark.usefixtures("each_lane")

CASES = 241
"""Of 517; 216 are about compression, which is never negotiated, and 60 take long."""

PATH = "/v1/realtime?model=voice"


def failed(verdicts: list[Verdict]) -> list[Verdict]:
    assert len(verdicts) == CASES
    return [verdict for verdict in verdicts if not verdict.passed]


async def test_clients_that_try_everything() -> None:
    async with upstream(echo) as url, gateway(deployment("a", url, opaque=True)) as gate:
        assert failed(await fuzzed_by_clients(URL(gate.url).port or 0, PATH, {}, without=SLOW)) == []


async def test_upstreams_that_try_everything() -> None:
    """The gateway is told not to mind: it would leave such an upstream alone before long."""
    async with fuzzing_upstream(without=SLOW) as fuzzing:
        fuzzed = deployment("a", f"http://127.0.0.1:{fuzzing.port}/v1", opaque=True)
        async with gateway(fuzzed, health=HealthSettings(enabled=False)) as gate:
            verdicts = await fuzzing.verdicts(URL(gate.url).port or 0, PATH, {})
    assert failed(verdicts) == []
