"""What goes into the other dialect and comes back is what it was, but for the losses that the tables name."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime_lb.dialects.bodies import carry_item, carry_order, carry_response, carry_session
from realtime_lb.dialects.carry import Carried, other
from realtime_lb.dialects.field_table import SESSION
from realtime_lb.typing import Dialect
from tests.dialects import objects

BODIES: dict[str, tuple[Any, Any]] = {
    "session": (objects.sessions, lambda value, target: carry_session(value, target, "realtime")),
    "transcription": (
        objects.transcriptions,
        lambda value, target: carry_session(value, target, "transcription"),
    ),
    "order": (objects.orders, carry_order),
    "response": (objects.responses, carry_response),
    "item": (objects.items, carry_item),
}


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("body", BODIES)
@given(data=st.data())
def test_there_and_back_nothing_is_lost(body: str, dialect: Dialect, data: st.DataObject) -> None:
    drawn, carry = BODIES[body]
    value = data.draw(drawn(dialect))
    there: Carried = carry(value, other(dialect))
    assert there.lost == ()
    back: Carried = carry(there.value, dialect)
    assert back.value == value
    assert back.lost == ()


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("body", BODIES)
@given(data=st.data())
def test_what_is_there_is_said_in_the_other_dialect_only(
    body: str, dialect: Dialect, data: st.DataObject
) -> None:
    """No field of the old dialect leaks: a server rejects a whole update for one that it does not know."""
    drawn, carry = BODIES[body]
    there = carry(data.draw(drawn(dialect)), other(dialect)).value
    assert set(there) <= set(FIELDS[other(dialect)]) | {name for name in there if name.startswith("new_")}


FIELDS = {
    Dialect.GA: {
        *("type", "model", "instructions", "tools", "tool_choice", "tracing", "include", "output_modalities"),
        *(
            "audio",
            "max_output_tokens",
            "conversation",
            "metadata",
            "input",
            "id",
            "status",
            "status_details",
        ),
        *("output", "conversation_id", "usage", "role", "content", "phase", "name", "arguments"),
    },
    Dialect.BETA: {
        *("model", "instructions", "tools", "tool_choice", "tracing", "include", "modalities", "voice"),
        *("speed", "input_audio_format", "output_audio_format", "input_audio_transcription"),
        *("input_audio_noise_reduction", "turn_detection", "max_response_output_tokens", "conversation"),
        *("metadata", "input", "id", "status", "status_details", "output", "conversation_id", "usage"),
        *("max_output_tokens", "type", "role", "content", "phase", "name", "arguments"),
    },
}

LOSSES: list[tuple[str, Dialect, Any, Any, tuple[str, ...]]] = [
    ("session", Dialect.GA, {"temperature": 0.9}, {"type": "realtime"}, ("temperature",)),
    ("order", Dialect.GA, {"temperature": 0.9}, {}, ("temperature",)),
    ("session", Dialect.BETA, {"type": "realtime", "prompt": {"id": "p"}}, {}, ("prompt.id",)),
    ("session", Dialect.BETA, {"prompt": None, "truncation": "auto"}, {}, ("truncation",)),
    ("session", Dialect.BETA, {"parallel_tool_calls": True}, {}, ("parallel_tool_calls",)),
    ("session", Dialect.BETA, {"reasoning": {"effort": "low"}}, {}, ("reasoning.effort",)),
    ("session", Dialect.BETA, {"audio": {"output": {"voice": "marin"}}}, {}, ("audio.output.voice",)),
    ("session", Dialect.BETA, {"audio": {"output": {"voice": {"id": "v"}}}}, {}, ("audio.output.voice",)),
    (
        "session",
        Dialect.BETA,
        {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16_000}}}},
        {},
        ("audio.input.format",),
    ),
    (
        "session",
        Dialect.BETA,
        {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 6_000}}}},
        {"turn_detection": {"type": "server_vad"}},
        ("audio.input.turn_detection.idle_timeout_ms",),
    ),
    (
        "session",
        Dialect.BETA,
        {"audio": {"input": {"noise_reduction": {"type": "near_field", "strength": 0.5}}}},
        {"input_audio_noise_reduction": {"type": "near_field"}},
        ("audio.input.noise_reduction.strength",),
    ),
    (
        "session",
        Dialect.BETA,
        {"audio": {"input": {"transcription": {"model": "m", "delay": "low", "keywords": ["k"]}}}},
        {"input_audio_transcription": {"model": "m"}},
        ("audio.input.transcription.keywords", "audio.input.transcription.delay"),
    ),
    ("session", Dialect.BETA, {"audio": {"input": {"new": 1}}}, {}, ("audio.input.new",)),
    (
        "session",
        Dialect.BETA,
        {"tools": [{"type": "mcp", "server_label": "s"}, {"type": "function", "name": "f"}]},
        {"tools": [{"type": "function", "name": "f"}]},
        ("tools",),
    ),
    ("session", Dialect.BETA, {"tool_choice": {"type": "mcp"}}, {}, ("tool_choice",)),
    ("transcription", Dialect.GA, {"modalities": ["text"]}, {"type": "transcription"}, ("modalities",)),
    ("item", Dialect.BETA, {"type": "mcp_call", "id": "i"}, None, ("type=mcp_call",)),
    (
        "item",
        Dialect.BETA,
        {"type": "message", "content": [{"type": "input_image", "image_url": "data:"}]},
        {"type": "message", "content": []},
        ("content.type=input_image",),
    ),
]


@pytest.mark.parametrize(("body", "target", "value", "there", "lost"), LOSSES)
def test_what_cannot_be_said_is_left_out_and_named(
    body: str, target: Dialect, value: Any, there: Any, lost: tuple[str, ...]
) -> None:
    carried = BODIES[body][1](value, target)
    assert (carried.value, set(carried.lost)) == (there, set(lost))


def test_a_reference_inside_of_a_message_moves_beside_it() -> None:
    words = {"type": "input_text", "text": "see"}
    reference = {"type": "item_reference", "id": "item_1"}
    message = {"type": "message", "role": "user", "content": [words, reference, words]}
    before = {"type": "message", "role": "user", "content": [words]}
    assert carry_order({"input": [message]}, Dialect.GA).value == {"input": [before, reference, before]}
    only = {"type": "message", "role": "user", "content": [reference]}
    assert carry_order({"input": [only]}, Dialect.GA).value == {"input": [reference]}


def test_fields_of_the_target_that_are_there_already_win() -> None:
    mixed = {"type": "realtime", "voice": "alloy", "speed": 1.5, "audio": {"output": {"voice": "cedar"}}}
    assert carry_session(mixed, Dialect.GA, "realtime").value == {
        "type": "realtime",
        "audio": {"output": {"voice": "cedar", "speed": 1.5}},
    }


@pytest.mark.parametrize("value", ["mp3", 5, ["pcm16"], {"a": 1}])
def test_a_format_that_nobody_knows_goes_up_for_the_upstream_to_refuse(value: Any) -> None:
    carried = carry_session({"input_audio_format": value}, Dialect.GA, "realtime")
    assert carried.value["audio"]["input"]["format"] == value


LOSSY: dict[Dialect, st.SearchStrategy[Any]] = {
    Dialect.BETA: st.fixed_dictionaries({}, optional={"temperature": st.floats(0.6, 1.2)}),
    Dialect.GA: st.fixed_dictionaries(
        {},
        optional={
            "prompt": st.just({"id": "p"}),
            "truncation": st.sampled_from(["auto", {"type": "retention_ratio", "retention_ratio": 0.5}]),
            "reasoning": st.just({"effort": "low"}),
            "parallel_tool_calls": st.booleans(),
            "audio": st.fixed_dictionaries(
                {"input": st.just({"turn_detection": {"type": "server_vad", "idle_timeout_ms": 6_000}})},
                optional={
                    "output": st.sampled_from(
                        [
                            {"voice": "marin"},
                            {"voice": {"id": "v"}},
                            {"format": {"type": "audio/pcm", "rate": 8}},
                        ]
                    ),
                },
            ),
        },
    ),
}


@pytest.mark.parametrize("dialect", list(Dialect))
@given(data=st.data())
def test_what_does_not_come_back_is_what_was_named(dialect: Dialect, data: st.DataObject) -> None:
    """And each of these names is in a row of the table that tells of losses."""
    value = {**data.draw(objects.sessions(dialect)), **data.draw(LOSSY[dialect])}
    there = carry_session(value, other(dialect), "realtime")
    back = carry_session(there.value, dialect, "realtime").value
    assert back == without(value, there.lost)
    told = [path for row in SESSION if row.loss and (path := row.path(dialect)) is not None]
    for place in there.lost:
        assert any(tuple(place.split("."))[: len(path)] == path for path in told), place


def without(value: Any, places: tuple[str, ...], at: str = "") -> Any:
    """Return *value* less *places*, and less the objects that held nothing else."""
    if not isinstance(value, dict):
        return value
    left = {
        name: without(inner, places, f"{at}{name}.")
        for name, inner in value.items()
        if at + name not in places
    }
    return {name: inner for name, inner in left.items() if inner != {} or value[name] == {}}
