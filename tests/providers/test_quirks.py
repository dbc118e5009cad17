"""Departures from a dialect, undone: with the events that xAI and Voice Live were seen to send."""

import json
from typing import Any

import pytest
from openai.types import realtime as ga_types
from openai.types.beta import realtime as beta_types
from pydantic import TypeAdapter, ValidationError

from realtime_lb.dotted import put
from realtime_lb.own_words import Word
from realtime_lb.providers import load_providers
from realtime_lb.providers.quirk_tables import VOICE_LIVE_QUIRKS, VOICE_LIVE_WORDS, XAI_QUIRKS
from realtime_lb.quirks import NO_QUIRKS, Quirks
from realtime_lb.simulator import voice_live_schema
from realtime_lb.typing import Dialect
from tests.dialects.talk import Pair

GA: TypeAdapter[Any] = TypeAdapter(ga_types.RealtimeServerEvent)
BETA: TypeAdapter[Any] = TypeAdapter(beta_types.RealtimeServerEvent)

_MESSAGE = {
    "id": "i",
    "object": "realtime.item",
    "type": "message",
    "status": "completed",
    "role": "assistant",
}
_HERE = {"event_id": "e", "response_id": "r", "item_id": "i", "previous_item_id": None}

FROM_XAI: list[dict[str, Any]] = [
    {
        "type": "session.created",
        "event_id": "e",
        "session": {
            "id": "s",
            "object": "realtime.session",
            "model": "grok-voice-latest",
            "instructions": "",
            "voice": "ara",
            "modalities": ["audio"],
            "turn_detection": {"type": None},
            "tools": [],
        },
    },
    {
        "type": "session.updated",
        "event_id": "e",
        "previous_item_id": None,
        "session": {
            "voice": "human_Ara",
            "turn_detection": {"type": "server_vad", "create_response": True},
            "modalities": ["audio"],
            "input_audio_format": "not specified",
            "output_audio_format": "not specified",
            "temperature": -1.0,
            "max_response_output_tokens": "inf",
            "audio": {
                "input": {"format": {"type": "audio/pcm", "rate": 24000}},
                "output": {"format": {"type": "audio/pcm", "rate": 24000}},
            },
        },
    },
    {
        "type": "response.created",
        "event_id": "e",
        "response": {
            "id": "r",
            "object": "realtime.response",
            "output": [],
            "status": "in_progress",
            "status_details": "unimplemented",
            "usage": {},
        },
    },
    {"type": "response.output_item.added", "event_id": "e", "response_id": "r", "output_index": 0}
    | {"item": _MESSAGE},
    {"type": "response.function_call_arguments.delta", **_HERE, "delta": "{}", "call_id": "c"},
    {"type": "response.content_part.done", **_HERE, "content_index": 0, "output_index": 0},
    {"type": "response.output_audio.done", **_HERE},
    {"type": "input_audio_buffer.speech_started", "event_id": "e", "item_id": "i"},
    {
        "type": "conversation.item.input_audio_transcription.completed",
        "event_id": "e",
        "item_id": "i",
        "transcript": "Hello.",
        "status": "completed",
    },
    {
        "type": "response.done",
        "event_id": "e",
        "response_id": "r",
        "response": {
            "id": "r",
            "object": "realtime.response",
            "status": "completed",
            "status_details": "unimplemented",
            "output": [{**_MESSAGE, "content": [{"type": "audio", "transcript": "Hi."}]}],
            "usage": {},
        },
        "usage": {"input_tokens": 7, "output_tokens": 82, "total_tokens": 89},
    },
]

FROM_VOICE_LIVE: list[dict[str, Any]] = [
    {
        "type": "session.created",
        "event_id": "e",
        "session": {
            "id": "s",
            "model": "gpt-realtime",
            "modalities": ["audio"],
            "voice": {"name": "alloy", "type": "openai"},
            "output_audio_format": None,
            "turn_detection": {"type": "server_vad", "threshold": 0.5, "auto_truncate": False},
            "max_response_output_tokens": "inf",
        },
    },
    {
        "type": "response.created",
        "event_id": "e",
        "response": {
            "object": "realtime.response",
            "id": "r",
            "status": "in_progress",
            "output": [],
            "conversation_id": "c",
            "modalities": ["audio", "text"],
            "voice": {"name": "en-US-Ava:DragonHDLatestNeural", "type": "azure-standard"},
            "temperature": None,
            "max_output_tokens": "inf",
        },
    },
]


@pytest.mark.parametrize(
    ("quirks", "official", "event"),
    [
        *((XAI_QUIRKS, GA, event) for event in FROM_XAI),
        *((VOICE_LIVE_QUIRKS, BETA, event) for event in FROM_VOICE_LIVE),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_what_was_seen_becomes_what_the_dialects_own_types_accept(
    quirks: Quirks, official: TypeAdapter[Any], event: dict[str, Any]
) -> None:
    """And it was not before: every example shows a departure. The event itself is left alone."""
    before = json.dumps(event)
    with pytest.raises(ValidationError):
        official.validate_json(before, strict=True)
    plain = quirks.to_dialect(event)
    assert plain is not None
    assert quirks.touch(event["type"])
    official.validate_json(json.dumps(plain), strict=True)
    assert plain != event
    assert json.dumps(event) == before


@pytest.mark.parametrize(
    ("quirks", "event"),
    [
        (XAI_QUIRKS, {"type": "ping", "event_id": "e", "timestamp": 1790702298912}),
        (
            XAI_QUIRKS,
            {"type": "conversation.item.input_audio_transcription.updated", "transcript": "Hel"},
        ),
        (
            XAI_QUIRKS,
            {
                "type": "conversation.item.input_audio_transcription.completed",
                "status": "in_progress",
                "transcript": "Hel",
            },
        ),
        (VOICE_LIVE_QUIRKS, {"type": "warning", "warning": {"message": "x"}}),
        (VOICE_LIVE_QUIRKS, {"type": "conversation.item.done", "item": {}}),
    ],
)
def test_what_a_dialect_does_not_know_reaches_no_client(quirks: Quirks, event: dict[str, Any]) -> None:
    """pipecat's read loop ends at the first event that it does not know."""
    assert quirks.touch(event["type"])
    assert quirks.to_dialect(event) is None


def test_a_voice_and_its_turns_go_where_xai_looks_for_them_and_come_back() -> None:
    vad = {"type": "server_vad"}
    said = {"output": {"voice": "eve", "speed": 1.2}, "input": {"turn_detection": vad}}
    update = {"type": "session.update", "session": {"type": "realtime", "audio": said}}
    sent = XAI_QUIRKS.to_upstream(update)
    assert sent["session"] == {
        "type": "realtime",
        "audio": {"output": {"speed": 1.2}, "input": {}},
        "voice": "eve",
        "turn_detection": vad,
    }
    back = XAI_QUIRKS.to_dialect({**sent, "type": "session.updated"})
    assert back is not None
    assert back["session"] == update["session"]


def test_turning_detection_off_is_not_lost_on_the_way_to_xai() -> None:
    session = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
    sent = XAI_QUIRKS.to_upstream({"type": "session.update", "session": session})
    assert sent["session"]["turn_detection"] is None


@pytest.mark.parametrize("event_type", ["conversation.item.added", "response.output_item.done"])
@pytest.mark.parametrize("role", ["tool", "user"])
def test_a_call_bears_no_role(event_type: str, role: str) -> None:
    """Beta's types refuse the role of a tool; a message keeps its own."""
    call = {"type": "function_call", "name": "f", "call_id": "c", "arguments": "{}"}
    plain = XAI_QUIRKS.to_dialect({"type": event_type, "item": {**call, "role": role}})
    assert plain == {"type": event_type, "item": call}
    done = {"type": "response.done", "response": {"output": [{**call, "role": role}, _MESSAGE]}}
    assert XAI_QUIRKS.to_dialect(done) == {"type": "response.done", "response": {"output": [call, _MESSAGE]}}


def test_tokens_are_found_where_the_dialect_has_them() -> None:
    plain = XAI_QUIRKS.to_dialect(FROM_XAI[-1])
    assert plain is not None
    assert plain["response"]["usage"]["total_tokens"] == 89


@pytest.mark.parametrize("quirks", [XAI_QUIRKS, VOICE_LIVE_QUIRKS])
def test_the_bulk_of_the_traffic_is_not_even_looked_at(quirks: Quirks) -> None:
    for stem in (
        "audio",
        "audio_transcript",
        "text",
        "output_audio",
        "output_audio_transcript",
        "output_text",
    ):
        assert not quirks.touch(f"response.{stem}.delta")
    assert not quirks.touch("input_audio_buffer.append")


@pytest.mark.parametrize("quirks", [XAI_QUIRKS, VOICE_LIVE_QUIRKS, NO_QUIRKS])
@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": 5},
        {"type": []},
        {"type": "session.update"},
        {"type": "session.created", "session": None},
        {"type": "session.created", "session": {"audio": 1, "voice": [], "turn_detection": "x"}},
        {"type": "response.done", "response": {"output": [1, {"content": [None, {}]}], "voice": "alloy"}},
        {"type": "response.output_item.added", "item": "x"},
    ],
)
def test_events_of_another_form_pass_and_break_nothing(quirks: Quirks, event: dict[str, Any]) -> None:
    assert quirks.to_dialect(event) is not None
    assert quirks.to_upstream(event) is not None


def test_openai_and_azure_have_none() -> None:
    plain = {name for name, adapter in load_providers([]).items() if "quirks" not in vars(type(adapter))}
    assert plain == {"openai", "azure", "openai_compatible"}
    assert NO_QUIRKS.to_dialect(event := {"type": "ping"}) is event
    assert NO_QUIRKS.to_upstream(event) is event
    assert not NO_QUIRKS.touch("session.created")


@pytest.mark.parametrize("word", [row for row in VOICE_LIVE_WORDS if isinstance(row, Word)], ids=repr)
def test_each_of_voice_lives_words_goes_up_and_comes_back(word: Word) -> None:
    """And Azure's preview, which speaks beta too, has none of them."""
    pair = Pair.of(Dialect.GA, Dialect.BETA, quirks=VOICE_LIVE_QUIRKS)
    session = put({"type": "realtime"}, word.ours, word.value)
    (sent,) = pair.up({"type": "session.update", "session": session})
    assert sent["session"] == word.theirs
    voice_live_schema.session(4_096)(sent["session"], "session")
    (told,) = pair.down({"type": "session.updated", "event_id": "e", "session": sent["session"]})
    assert told["session"] == session
    assert pair.lost == []
    plain = Pair.of(Dialect.GA, Dialect.BETA)
    (sent,) = plain.up({"type": "session.update", "session": session})
    assert sent["session"] != word.theirs


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ({"type": "azure-standard", "name": "en-US-AvaNeural"},) * 2,
        ({"type": "openai", "name": "marin"},) * 2,
        ("marin", "marin"),
        ({"id": "voice_1"}, None),
        ("nobody", None),
    ],
)
def test_voice_live_gets_its_own_voices_from_ga_clients(said: Any, sent: Any) -> None:
    """One that OpenAI made for its customer stays at home, and the log says so."""
    pair = Pair.of(Dialect.GA, Dialect.BETA, quirks=VOICE_LIVE_QUIRKS)
    for name, kind in (("session", "session.update"), ("response", "response.create")):
        body = {"audio": {"output": {"voice": said}}}
        (event,) = pair.up({"type": kind, name: body})
        assert event[name].get("voice") == sent
        assert "audio" not in event[name]
    assert bool(pair.lost) is (sent is None)


@pytest.mark.parametrize("client", list(Dialect))
def test_what_voice_live_refuses_an_update_for_is_left_out_of_it(client: Dialect) -> None:
    """Whatever the client speaks: it does not know where it is, and all of the update would be lost."""
    said: dict[Dialect, dict[str, Any]] = {
        Dialect.GA: {"type": "realtime", "audio": {"output": {"voice": "alloy", "speed": 1.2}}},
        Dialect.BETA: {"voice": "alloy", "speed": 1.2},
    }
    pair = Pair.of(client, Dialect.BETA, quirks=VOICE_LIVE_QUIRKS)
    for tracing in ("auto", None):
        (sent,) = pair.up({"type": "session.update", "session": {**said[client], "tracing": tracing}})
        assert sent["session"] == {"voice": "alloy"}
        voice_live_schema.session(4_096)(sent["session"], "session")
    speed = "session.audio.output.speed" if client is Dialect.GA else "session.speed"
    assert sorted(pair.lost) == [("session.update", speed), ("session.update", "session.tracing")]


def test_a_rate_that_voice_live_refuses_is_named_in_the_clients_words() -> None:
    pair = Pair.of(Dialect.GA, Dialect.BETA, quirks=VOICE_LIVE_QUIRKS)
    error = {"type": "invalid_request_error", "message": "m", "param": "session.input_audio_sampling_rate"}
    (told,) = pair.down({"type": "error", "event_id": "e", "error": error})
    assert told["error"]["param"] == "session.audio.input.format"


@pytest.mark.parametrize(
    ("param", "ga", "beta"),
    [
        ("session.voice", "session.audio.output.voice", "session.voice"),
        (
            "session.turn_detection.threshold",
            "session.audio.input.turn_detection.threshold",
            "session.turn_detection.threshold",
        ),
        ("response.modalities", "response.output_modalities", "response.modalities"),
        ("session.audio.input.format.rate", "session.audio.input.format.rate", None),
        ("session.voices", "session.voices", "session.voices"),
        (None, None, None),
    ],
)
def test_what_xai_refuses_is_named_in_the_clients_words(param: Any, ga: Any, beta: Any) -> None:
    error = {"type": "invalid_request_error", "message": "m", "param": param}
    for client, shown in ((Dialect.GA, ga), (Dialect.BETA, beta)):
        pair = Pair.of(client, Dialect.GA, quirks=XAI_QUIRKS)
        (told,) = pair.down({"type": "error", "event_id": "e", "error": error})
        assert told["error"]["param"] == (shown or "session.input_audio_format.rate" if param else None)


def test_text_by_betas_name_from_xai_reaches_each_client_by_its_own() -> None:
    """Its page has the name. What is whole but for that is not parsed; the rest is filled in."""
    where = {"event_id": "e", "response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
    for client, name in ((Dialect.GA, "response.output_text"), (Dialect.BETA, "response.text")):
        pair = Pair.of(client, Dialect.GA, quirks=XAI_QUIRKS)
        delta = {"type": "response.text.delta", **where, "delta": "Hi"}
        assert pair.down(delta) == [{**delta, "type": f"{name}.delta"}]
        done = {
            "type": "response.text.done",
            "event_id": "e",
            "response_id": "r",
            "item_id": "i",
            "text": "Hi",
        }
        assert pair.down(done) == [{**done, **where, "type": f"{name}.done"}]
