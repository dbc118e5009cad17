"""Events that are odd, hidden or made to cost: translated if they can be, never a failure or a long wait."""

import json
from contextlib import nullcontext
from typing import Any

import pytest

from realtime_lb.dialects import Translator
from realtime_lb.errors import InvalidEvent
from realtime_lb.frames import Frame, Opcode
from realtime_lb.parsing import MOST_STRUCTURE_BYTES
from realtime_lb.typing import Dialect
from tests.dialects.talk import BETA, GA, Pair

TOOLS = [
    {"type": "function", "name": f"tool_{n}", "parameters": {"type": "object", "properties": {"a": {}}}}
    for n in range(200)
]


def between(client: Dialect, upstream: Dialect, **options: Any) -> tuple[Translator, list[tuple[str, str]]]:
    pair = Pair.of(client, upstream, **options)
    return pair.translator, pair.lost


def frame(event: Any) -> Frame:
    return Frame(Opcode.TEXT, event if isinstance(event, bytes) else json.dumps(event).encode())


def heard(frames: tuple[Frame, ...]) -> list[Any]:
    return [json.loads(bytes(each.payload)) for each in frames]


def nested(depth: int) -> bytes:
    return b'{"x":' * depth + b"1" + b"}" * depth


def test_a_type_that_stands_behind_a_large_body_is_found_all_the_same() -> None:
    """pydantic writes ``session`` before ``type``, and tools are many values."""
    translator, _ = between(GA, BETA)
    update = {"session": {"type": "realtime", "output_modalities": ["text"], "tools": TOOLS}}
    (sent,) = heard(translator.from_client(frame({**update, "type": "session.update"})))
    assert sent["session"]["modalities"] == ["text"]
    assert "type" not in sent["session"]
    assert len(sent["session"]["tools"]) == 200


def test_so_is_one_of_an_upstreams_events() -> None:
    translator, _ = between(GA, BETA)
    content = [{"type": "text", "text": "x"}]
    output = [{"id": f"i{n}", "type": "message", "role": "assistant", "content": content} for n in range(300)]
    done = {"response": {"id": "r", "status": "completed", "output": output}, "type": "response.done"}
    (*_, shown) = heard(translator.from_upstream(frame(done)))
    assert {part["type"] for item in shown["response"]["output"] for part in item["content"]} == {
        "output_text"
    }
    delta = {"pad": [{} for _ in range(2_000)], "delta": "x", "type": "response.text.delta"}
    assert heard(translator.from_upstream(frame(delta)))[0]["type"] == "response.output_text.delta"


@pytest.mark.parametrize("depth", [5, 100, 490, 600, 900, 5_000])
@pytest.mark.parametrize(("client", "upstream"), [(GA, BETA), (BETA, GA), (GA, GA)])
def test_no_depth_ends_a_session(client: Dialect, upstream: Dialect, depth: int) -> None:
    translator, _ = between(client, upstream)
    for name, body in (("session.update", "session"), ("response.create", "response")):
        event = b'{"type":"%s","%s":%s}' % (name.encode(), body.encode(), nested(depth))
        with pytest.raises(InvalidEvent) if depth > 900 else nullcontext():
            translator.from_client(frame(event))
    event = b'{"type":"response.created","response":%s}' % nested(depth)
    assert translator.from_upstream(frame(event))


@pytest.mark.parametrize("value", [b"[],", b"1,", b'"k":1,', b"1e400,"])
def test_an_event_of_more_values_than_anybody_has_is_refused_unread(value: bytes) -> None:
    translator, _ = between(BETA, GA)
    heap = value * MOST_STRUCTURE_BYTES
    is_object = b":" in value
    body = b'{"a":' + (b"{" if is_object else b"[") + heap.rstrip(b",") + (b"}" if is_object else b"]")
    for event in (body + b"}", body + b',"type":"session.update","session":{}}'):
        with pytest.raises(InvalidEvent, match="too many values"):
            translator.from_client(frame(event))


def test_a_large_event_of_few_values_is_read() -> None:
    translator, _ = between(BETA, GA)
    update = {"type": "session.update", "session": {"instructions": "x, [y] {z} " * 4_000, "voice": "alloy"}}
    (sent,) = heard(translator.from_client(frame(update)))
    assert sent["session"]["audio"]["output"]["voice"] == "alloy"


def test_a_lost_branch_of_many_leaves_is_named_by_a_few() -> None:
    translator, lost = between(GA, BETA)
    branch = {f"k{n}": {"deep": n} for n in range(5_000)}
    translator.from_client(
        frame({"type": "session.update", "session": {"type": "realtime", "reasoning": branch}})
    )
    assert 0 < len(lost) <= 64


@pytest.mark.parametrize(
    "event",
    [
        b'{"type":"session.created","session":{},"type":5}',
        b'{"type":"response.output_item.added","item":{"id":"a"},"type":[]}',
        b'{"type":"session.created","session":{},"type":"session.updated"}',
    ],
)
def test_an_upstreams_event_of_two_types_is_passed_on_as_it_is(event: bytes) -> None:
    translator, _ = between(GA, BETA)
    sent = frame(event)
    assert translator.from_upstream(sent) == (sent,)


@pytest.mark.parametrize(
    ("event", "speaks"),
    [
        ({"type": "response.create", "response": {"max_output_tokens": 50}}, BETA),
        ({"type": "session.update", "session": {"modalities": ["text"], "max_output_tokens": 50}}, BETA),
        ({"type": "session.update", "session": {"type": "realtime"}}, GA),
        ({"type": "session.update", "session": {"audio": {}}}, GA),
        ({"type": "response.create", "response": {"output_modalities": ["text"]}}, GA),
    ],
)
def test_a_guess_changes_by_what_no_beta_client_says(event: Any, speaks: Dialect) -> None:
    translator, _ = between(BETA, BETA, is_guess=True)
    translator.from_client(frame(event))
    assert translator.client is speaks


def test_what_a_user_said_is_done_at_once_though_an_answer_is_running() -> None:
    translator, _ = between(GA, BETA)
    translator.from_upstream(frame({"type": "response.created", "response": {"id": "r"}}))
    item = {"id": "u", "type": "message", "role": "user", "status": "in_progress", "content": []}
    said = heard(translator.from_upstream(frame({"type": "conversation.item.created", "item": item})))
    assert [event["type"] for event in said] == ["conversation.item.added", "conversation.item.done"]
    assert said[1]["item"]["status"] == "completed"
    assert len({event.get("event_id") for event in said}) == 2


def test_an_object_that_lost_all_it_had_is_not_sent_empty() -> None:
    translator, lost = between(GA, BETA)
    session = {
        "type": "realtime",
        "audio": {"input": {"turn_detection": {"idle_timeout_ms": 5}, "noise_reduction": {"strength": 1}}},
    }
    (sent,) = heard(translator.from_client(frame({"type": "session.update", "session": session})))
    assert sent["session"] == {}
    assert any("idle_timeout_ms" in field for _, field in lost)


def test_a_temperature_never_reaches_a_ga_transcription_session() -> None:
    translator, _ = between(BETA, GA, kind="transcription")
    update = {"type": "transcription_session.update", "session": {"temperature": 0.7}}
    (sent,) = heard(translator.from_client(frame(update)))
    assert "temperature" not in sent["session"]


def test_the_temperature_of_a_refused_order_is_not_the_next_ones() -> None:
    translator, _ = between(BETA, GA)
    translator.from_client(frame({"type": "response.create", "response": {"temperature": 1.1}}))
    error = {"type": "invalid_request_error", "code": "conversation_already_has_active_response"}
    translator.from_upstream(frame({"type": "error", "error": error}))
    (shown,) = heard(translator.from_upstream(frame({"type": "response.created", "response": {"id": "r"}})))
    assert shown["response"]["temperature"] == 0.8


@pytest.mark.parametrize(("given", "shown"), [({}, ""), ({"name": None}, ""), ({"name": "f"}, "f")])
def test_a_call_always_has_a_name_for_a_ga_client(given: dict[str, Any], shown: str) -> None:
    translator, _ = between(GA, BETA)
    done = {"type": "response.function_call_arguments.done", "item_id": "i", "arguments": "{}", **given}
    assert heard(translator.from_upstream(frame(done)))[0]["name"] == shown


def test_an_id_that_is_too_long_is_not_echoed() -> None:
    translator, _ = between(GA, GA)
    with pytest.raises(InvalidEvent) as refused:
        translator.from_client(frame({"event_id": "x" * 513}))
    assert refused.value.event_id is None
