"""OpenAI's own clients hold their whole conversation while upstreams die under them, and do not notice."""

import pytest

from realtime_lb.settings import RoutingSettings
from realtime_lb.simulator import Cut, Moment
from tests.clients.matrix import MODEL, Sdks, by_beta_sdk, by_ga_sdk
from tests.clients.processes import BETA_PYTHON
from tests.rehoming.caller import house

NEEDS_BETA = pytest.mark.skipif(not BETA_PYTHON.exists(), reason="openai 1.58.1 is not installed")
CLIENTS = [
    pytest.param(by_ga_sdk, id="openai GA"),
    pytest.param(by_beta_sdk, id="openai 1.58.1", marks=NEEDS_BETA),
]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    "pair", [("OpenAI GA", "Azure preview"), ("Azure preview", "Azure v1")], ids="->".join
)
@pytest.mark.parametrize("turn", [1, 2, 3])
async def test_the_upstream_dies_after_a_turn_and_the_client_finishes(
    turn: int, pair: tuple[str, str], client: object, sdks: Sdks
) -> None:
    routing = RoutingSettings(group_aliases={MODEL: "voice"})
    async with house(*pair, rules={"realtime_factor": 4.0}, routing=routing) as stage:
        next(iter(stage.simulators.values())).faults = [Cut(moment=Moment(after=turn, on="response.done"))]
        heard = await client(sdks, stage.url)  # type: ignore[operator]
        assert len(stage.rehomed) == 1
    kinds = [event["type"] for event in heard]
    assert kinds.count("session.created") == 1
    assert kinds.count("response.created") == kinds.count("response.done")


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    "event",
    [
        "response.created",
        "response.content_part.added",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
    ],
)
async def test_the_upstream_dies_in_the_middle_of_a_turn_and_the_client_finishes(
    event: str, client: object, sdks: Sdks
) -> None:
    """Its stream of events goes on with what the next upstream says."""
    routing = RoutingSettings(group_aliases={MODEL: "voice"})
    rules = {"realtime_factor": 4.0}
    async with house("OpenAI GA", "Azure preview", rules=rules, routing=routing) as stage:
        next(iter(stage.simulators.values())).faults = [Cut(moment=Moment(after=1, on=event))]
        heard = await client(sdks, stage.url)  # type: ignore[operator]
        assert len(stage.rehomed) == 1
    kinds = [event["type"] for event in heard]
    assert kinds.count("session.created") == 1
    assert kinds.count("response.created") == kinds.count("response.done")
