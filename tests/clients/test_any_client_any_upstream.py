"""Every client keeps its own language, whatever the upstream speaks; both sides get what their types say."""

import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

import pytest

from realtime_lb.typing import Dialect
from tests.clients import first_sdk, matrix
from tests.clients.conversation import Event
from tests.clients.processes import BETA_PYTHON
from tests.clients.violations import Violation, models, violations

_log = logging.getLogger(__name__)

NEWEST = {Dialect.GA: "openai.types.realtime", Dialect.BETA: "openai.types.beta.realtime"}
"""The types of both dialects, in the newest ``openai``."""

needs_beta_sdk = pytest.mark.skipif(
    not BETA_PYTHON.exists(),
    reason="openai 1.58.1 is not installed, so no beta SDK was run; `make test` installs it",
)
CLIENTS = [
    pytest.param(matrix.by_ga_sdk, Dialect.GA, id="openai, newest, GA"),
    pytest.param(matrix.by_beta_sdk, Dialect.BETA, id="openai 1.58.1, beta", marks=needs_beta_sdk),
    pytest.param(matrix.by_litellms_script, Dialect.BETA, id="plain websocket, LiteLLM's script"),
]


@pytest.fixture(scope="module")
def first_types() -> Iterator[first_sdk.FirstTypes]:
    with first_sdk.FirstTypes() as types:
        yield types


def against(events: list[Event], dialect: Dialect, union: str) -> list[Violation]:
    known = models(NEWEST[dialect], union)
    return [each for event in events for each in violations(event, known)]


@pytest.mark.parametrize("upstream", [*matrix.UPSTREAMS, *matrix.OTHERS])
@pytest.mark.parametrize(("hold", "dialect"), CLIENTS)
async def test_a_whole_conversation_goes_well(
    hold: Callable[[matrix.Sdks, str], Awaitable[list[Event]]],
    dialect: Dialect,
    upstream: str,
    sdks: matrix.Sdks,
    first_types: first_sdk.FirstTypes,
) -> None:
    """Text, a function call, out of band, sound with VAD and barge-in, truncate, cancel, transcription."""
    async with matrix.stage(upstream) as stage:
        heard = await hold(sdks, stage.url)
        await stage.told.all_closed(1)
    assert against(heard, dialect, "realtime_server_event") == []
    spoken = {**matrix.UPSTREAMS, **matrix.OTHERS}[upstream]
    if upstream in matrix.UPSTREAMS:
        assert against(stage.sent, spoken, "realtime_client_event") == []
    counts = (len(heard), len(stage.sent))
    _log.info("held against the newest types, nothing found: %d server events, %d client events", *counts)
    if dialect is Dialect.BETA and BETA_PYTHON.exists():
        await check_by_the_first_types(heard, first_types)
    assert len(heard) > 80
    assert "my-voice" not in json.dumps(heard)
    assert "my-whisper" not in json.dumps(heard)
    expected = {"session.temperature"} if dialect is Dialect.BETA is not spoken else set()
    assert stage.lost == expected
    if expected:
        assert [e["session"]["temperature"] for e in heard if "session" in e] == [0.8, 0.7, 0.7]
    check_order(heard, dialect)


async def check_by_the_first_types(heard: list[Event], types: first_sdk.FirstTypes) -> None:
    """Nothing required is missing or of another kind, but where later types correct the first ones."""
    found = await types.corrections_of(heard)
    required = {correction for violation, correction in found if violation.required}
    assert {(each.place, each.value) for each in required} == {
        ("previous_item_id", "null"),
        ("type", '"conversation.item.input_audio_transcription.delta"'),
    }
    assert {correction for _, correction in found} == set(first_sdk.CORRECTIONS)
    corrected = await types.held_against(first_sdk.CORRECTED, heard)
    assert [each for said in corrected for each in said] == []
    counts = Counter(f"{each.place} {each.value} ({each.since})" for _, each in found)
    _log.info(
        "held against openai %s: %d server events, 0 required fields missing; corrected by later types: %s",
        *(first_sdk.FIRST, len(heard), dict(counts)),
    )


def check_order(heard: list[Event], dialect: Dialect) -> None:
    kinds = [event["type"] for event in heard]
    ids = [event["event_id"] for event in heard]
    assert len(set(ids)) == len(ids)
    assert kinds[0] == "session.created"
    assert kinds.count("session.created") == 1
    if dialect is Dialect.BETA:
        assert kinds[1] == "conversation.created"
        assert kinds.count("conversation.created") == 1
        assert "conversation.item.done" not in kinds
        return
    added = [event["item"]["id"] for event in heard if event["type"] == "conversation.item.added"]
    done = [event["item"]["id"] for event in heard if event["type"] == "conversation.item.done"]
    assert sorted(added) == sorted(done)
    assert len(set(added)) == len(added)
    assert {e["name"] for e in heard if e["type"] == "response.function_call_arguments.done"} == {
        "get_weather"
    }
    for item_id in done:
        made = [e["type"] for e in heard if e.get("item", {}).get("id") == item_id]
        if "response.output_item.done" in made:
            assert made == [
                "response.output_item.added",
                "conversation.item.added",
                "response.output_item.done",
                "conversation.item.done",
            ]
