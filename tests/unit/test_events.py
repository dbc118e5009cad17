"""An event's type is read structurally, whatever else its text holds."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from realtime_lb.events import MOST_SEARCHES, event_of, event_type, parse_event
from realtime_lb.frames import Frame, Opcode
from realtime_lb.parsing import LONGEST_SLASHES
from realtime_lb.transports.memory import memory_pair


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b'{"type":"response.create"}', "response.create"),
        (b' { "event_id" : "e\\"1" , "type" : "session.update" } ', "session.update"),
        (b'{"event_id":"event_1","type":"session.created"}', "session.created"),
        (b'{"audio":"AAAA","type":"input_audio_buffer.append"}', "input_audio_buffer.append"),
        (b'{"item":{"type":"message","content":[{"type":"text"}]},"type":"conversation.item.create"}', None),
        (b'{"note":"\\"type\\":\\"no\\"","type":"yes"}', "yes"),
        (b'{"note":"ends in a slash \\\\","type":"yes"}', "yes"),
        (b'{"n":[1,-2.5e3,"]",{}],"b":true,"z":null,"type":"yes"}', "yes"),
        (b'{"type":"a\\u0062c"}', "abc"),
        (b'{"type":"Session.Created"}', "Session.Created"),
    ],
)
def test_the_type_of_the_top_level_is_found(text: bytes, kind: str | None) -> None:
    assert event_type(text) == (kind or json.loads(text)["type"])
    assert event_type(memoryview(text)) == (kind or json.loads(text)["type"])


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b'"type"', b"{", b'{"type"', b'{"type":5}', b'{"a":1}', b'{"a":"', b'{"a":[{', b'{"a":}',
     b'{"a" 1}', b'{"a":1 "type":"x"}', b'{"type":"\\ud8"}', b'{"type":"\xff"}', b"\xff\xfe"],
)  # fmt: skip
def test_what_is_no_event_has_no_type(text: bytes) -> None:
    assert event_type(text) is None


@pytest.mark.parametrize("text", [b'{"type":"session.created"}', b"no event"])
def test_an_event_is_parsed_once_for_all_who_ask(text: bytes) -> None:
    frame = Frame(Opcode.TEXT, text)
    event = event_of(frame)
    assert event == parse_event(text)
    assert event_of(frame) is event


async def test_what_waits_for_an_app_is_its_text_alone() -> None:
    """Parsed, an event takes four times as much, and up to sixty-four wait for each library session."""
    near, far = memory_pair()
    waiting: list[Frame] = []
    read = Frame(Opcode.TEXT, b'{"type":"response.done"}')
    assert event_of(read) is not None
    near.write(read)
    await near.close()
    await far.pump(waiting.append)
    assert waiting == [read]
    assert not hasattr(waiting[0], "event")


_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
_keys = st.text(max_size=8)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3),
    max_leaves=6,
)
_objects = st.dictionaries(_keys, _values, max_size=4)


@given(
    _objects,
    st.text(),
    _objects,
    st.booleans(),
    st.sampled_from([None, 1, "\t"]),
)
@example({"type ": 1}, "x", {}, True, None)
def test_a_parse_and_a_peek_agree(
    before: dict[str, object], kind: str, after: dict[str, object], ascii_only: bool, indent: int | str | None
) -> None:
    """For every JSON object with one ``type``, however it is written, the peek finds what a parse finds."""
    before.pop("type", None)
    after.pop("type", None)
    text = json.dumps({**before, "type": kind, **after}, ensure_ascii=ascii_only, indent=indent)
    assert event_type(text.encode()) == kind


@given(st.binary())
def test_no_bytes_make_the_peek_fail(junk: bytes) -> None:
    for text in (junk, b'{"a":' + junk, b'{"a":"' + junk + b'","type":"x"}'):
        assert isinstance(event_type(text), str | None)


def test_a_parse_gives_objects_only() -> None:
    assert parse_event(b'{"a":1}') == {"a": 1}
    assert parse_event(b"[1]") is None
    assert parse_event(b"{") is None
    assert parse_event(b"[" * 100_000) is None


@pytest.mark.parametrize("value", ["[],", '"",', "{},", '"\\\\\\"",'])
def test_a_type_behind_a_heap_of_values_is_not_searched_for_ever(value: str) -> None:
    """Some hundred values are walked over; a message that is made to cost is given up on."""
    few, many = value * (MOST_SEARCHES // 10), value * (MOST_SEARCHES * 2)
    assert event_type(f'{{"a":[{few}0],"type":"x"}}'.encode()) == "x"
    assert event_type(f'{{"a":[{many}0],"type":"x"}}'.encode()) is None


def test_backslashes_without_end_are_given_up_on() -> None:
    text = '{"a":"' + "\\" * 2 * LONGEST_SLASHES + '","type":"x"}'
    assert event_type(text.encode()) is None
    assert event_type(('{"a":"' + "\\" * 30 + '","type":"x"}').encode()) == "x"
