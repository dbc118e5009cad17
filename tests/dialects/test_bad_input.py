"""What is no event gets an answer, and whatever else comes, no session fails of it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime_lb.dialects.event_table import CLIENT_EVENTS, SERVER_EVENTS
from realtime_lb.errors import InvalidEvent
from realtime_lb.frames import Frame, Opcode
from tests.dialects.objects import JSON
from tests.dialects.talk import BETA, GA, Pair
from tests.support import deployment, gateway, greet_and_echo, upstream

ENDS = [(GA, GA), (GA, BETA), (BETA, GA), (BETA, BETA)]

NO_EVENTS = [
    (b"", None),
    (b"not json", None),
    (b'{"type":"response.create"', None),
    (b"[1]", None),
    (b'"response.create"', None),
    (b"null", None),
    (b"{}", None),
    (b'{"event_id":"mine","x":1}', "mine"),
    (b'{"event_id":"mine","type":5}', "mine"),
    (b'{"event_id":"mine","type":null}', "mine"),
    (b'{"event_id":7,"type":["session.update"]}', None),
    (b'{"a":' * 100_000, None),
]


BROKEN_INSIDE = [
    b'{"type":"response.create","x":}',
    b'{"type":"session.update","session":{"n":NaN}}',
]
"""Found where an event is read; where both ends speak beta none is, and the upstream answers."""


@pytest.mark.parametrize(
    ("client", "up", "payload", "event_id"),
    [(*ends, *each) for ends in ENDS for each in NO_EVENTS]
    + [(*ends, payload, None) for ends in ENDS[:-1] for payload in BROKEN_INSIDE],
)
def test_what_is_no_event_is_told_as_such(client: Any, up: Any, payload: bytes, event_id: str | None) -> None:
    with pytest.raises(InvalidEvent) as raised:
        Pair.of(client, up).translator.from_client(Frame(Opcode.TEXT, payload))
    told = raised.value.as_event(raised.value.event_id)["error"]
    assert (told["type"], told["event_id"]) == ("invalid_request_error", event_id)


@pytest.mark.parametrize("bad", ["not json", "[]", '{"event_id":"mine"}', b"\x00\x01"])
async def test_the_client_is_told_and_its_session_lives(bad: str | bytes) -> None:
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url)) as gate, gate.open() as client:
        await client.receive()
        await (client.send_bytes(bad) if isinstance(bad, bytes) else client.send_str(bad))
        answer = json.loads((await client.receive()).data)
        assert answer["type"] == "error"
        assert answer["error"]["type"] == "invalid_request_error"
        assert answer["error"]["event_id"] == ("mine" if "mine" in str(bad) else None)
        await client.send_str('{"type":"still.here"}')
        assert (await client.receive()).data == '{"type":"still.here"}'


NAMES = sorted({name for row in (*CLIENT_EVENTS, *SERVER_EVENTS) for name in (row.ga, row.beta) if name})
WORDS = (
    *("session", "item", "response", "error", "item_id", "id", "content", "type", "output", "input", "audio"),
    *("output_modalities", "voice", "tools", "transcription", "format", "status", "temperature", "param"),
)
KEYS = st.sampled_from(WORDS)
SHAPES = st.recursive(
    JSON | st.sampled_from(["message", "output_text", "text", "mcp_call", "realtime", "in_progress"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


FIELDS = st.dictionaries(KEYS, SHAPES, max_size=4)


@settings(max_examples=300)
@given(
    ends=st.sampled_from(ENDS),
    is_guess=st.booleans(),
    said=st.lists(
        st.tuples(st.booleans(), st.sampled_from(NAMES), st.dictionaries(KEYS, SHAPES, max_size=4)),
        max_size=6,
    ),
)
def test_whatever_events_hold_both_directions_answer_with_events(
    ends: Any, is_guess: bool, said: list[tuple[bool, str, dict[str, Any]]]
) -> None:
    pair = Pair.of(*ends, is_guess=is_guess)
    for is_client, name, fields in said:
        event = {**fields, "type": name}
        for out in pair.up(event) if is_client else pair.down(event):
            assert isinstance(out["type"], str)


@given(payload=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_an_upstream_may_say_anything(payload: bytes) -> None:
    for ends in ENDS:
        frame = Frame(Opcode.TEXT, payload)
        assert all(out is frame for out in Pair.of(*ends).translator.from_upstream(frame))
        binary = Frame(Opcode.BINARY, payload)
        assert Pair.of(*ends).translator.from_upstream(binary) == (binary,)


def test_each_loss_is_told_once_and_no_more_than_a_log_can_bear() -> None:
    pair = Pair.of(GA, BETA)
    for _ in range(3):
        pair.up({"type": "session.update", "session": {"type": "realtime", "truncation": "auto"}})
    assert pair.lost == [("session.update", "session.truncation")]
    for number in range(200):
        pair.up({"type": "session.update", "session": {"type": "realtime", "audio": {f"x{number}": 1}}})
    assert len(pair.lost) == 64


def test_an_index_does_not_make_another_field() -> None:
    pair = Pair.of(GA, BETA)
    image = {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "data:"}]}
    pair.up({"type": "response.create", "response": {"input": [image, image]}})
    assert pair.lost == [("response.create", "response.input[].content.type=input_image")]
