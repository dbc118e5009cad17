"""Every client keeps its own language, whatever the upstream speaks; both sides get what their types say."""

import json
import logging
from collections.abc import Awaitable, Callable

import pytest

from realtime_lb.typing import Dialect
from tests.clients import matrix
from tests.clients.conversation import Event
from tests.clients.violations import models, violations

_log = logging.getLogger(__name__)

NEWEST = {Dialect.GA: "openai.types.realtime", Dialect.BETA: "openai.types.beta.realtime"}
"""The types of both dialects, in the newest ``openai``."""

needs_beta_sdk = pytest.mark.skipif(
    not matrix.BETA_PYTHON.exists(),
    reason="openai 1.58.1 is not installed, so no beta SDK was run; `make test` installs it",
)
CLIENTS = [
    pytest.param(matrix.by_ga_sdk, Dialect.GA, id="openai, newest, GA"),
    pytest.param(matrix.by_beta_sdk, Dialect.BETA, id="openai 1.58.1, beta", marks=needs_beta_sdk),
    pytest.param(matrix.by_litellms_script, Dialect.BETA, id="plain websocket, LiteLLM's script"),
]

WIDER_THAN_1_58 = (
    # Beta servers have always sent these, and the package of the time reads events without a look at them;
    # its types of 2025 (in the newest package) have them.
    "literal_error 'in_progress'",
    "literal_error 'audio'",
    # Null for the first item of a conversation: so on the wire, and in the types of 2025.
    "('previous_item_id',) string_type None",
)


def against(events: list[Event], dialect: Dialect, union: str) -> list[str]:
    known = models(NEWEST[dialect], union)
    return [text for event in events for text in violations(event, known)]


@pytest.mark.parametrize("upstream", [*matrix.UPSTREAMS, *matrix.OTHERS])
@pytest.mark.parametrize(("hold", "dialect"), CLIENTS)
async def test_a_whole_conversation_goes_well(
    hold: Callable[[str], Awaitable[tuple[list[Event], Event]]],
    dialect: Dialect,
    upstream: str,
) -> None:
    """Text, a function call, out of band, sound with VAD and barge-in, truncate, cancel, transcription."""
    async with matrix.stage(upstream) as stage:
        heard, report = await hold(stage.url)
        await stage.told.all_closed(1)
    assert against(heard, dialect, "realtime_server_event") == []
    spoken = {**matrix.UPSTREAMS, **matrix.OTHERS}[upstream]
    if upstream in matrix.UPSTREAMS:
        assert against(stage.sent, spoken, "realtime_client_event") == []
    own = [text for text in report.get("against", ()) if not text.endswith(WIDER_THAN_1_58)]
    assert own == []
    assert set(report.get("unknown", ())) <= {"conversation.item.input_audio_transcription.delta"}
    counts = (len(heard), report.get("checked", 0), len(stage.sent))
    _log.info("held against types: %d server events, %d of them twice, %d client events", *counts)
    assert len(heard) > 80
    assert "my-voice" not in json.dumps(heard)
    assert "my-whisper" not in json.dumps(heard)
    expected = {"session.temperature"} if dialect is Dialect.BETA is not spoken else set()
    assert stage.lost == expected
    if expected:
        assert [e["session"]["temperature"] for e in heard if "session" in e] == [0.8, 0.7, 0.7]
    check_order(heard, dialect)


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
