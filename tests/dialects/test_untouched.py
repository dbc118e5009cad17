"""Where nothing has to change, a frame comes out as the same object, whatever it holds."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from realtime_lb.dialects import json_text
from realtime_lb.dialects.event_table import CLIENT_EVENTS, SERVER_EVENTS, events_from
from realtime_lb.frames import Frame, Opcode
from tests.dialects.talk import BETA, GA, Pair, text

ODD = [
    b'{"type":"%s","a":1,"a":2}',
    b' { "event_id" : "e" ,\n\t"type" : "%s" , "x" : [ ] } ',
    b'{"type":"%s","new_field":{"deep":[null,true]}}',
    b'{"x":"\\ud800","type":"%s","y":"\\udfff\\ud83d\\ude00"}',
    b'{"type":"%s","n":1e400,"m":-0.0,"k":123456789012345678901234567890,"q":1E+2}',
    b'{"type":"%s","n":' + b"9" * 5_000 + b"}",
    b'{"type":"%s","audio":"' + b"A" * 100_000 + b'"}',
    '{"type":"%s","text":"日本\u2028語"}'.encode(),
]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("dialect", [GA, BETA])
def test_what_both_ends_understand_passes_as_the_same_object(odd: bytes, dialect: Any) -> None:
    translator = Pair.of(dialect, dialect).translator
    for name in [*events_from(CLIENT_EVENTS, dialect), "future.event"]:
        frame = Frame(Opcode.TEXT, odd.replace(b"%s", name.encode()))
        (out,) = translator.from_client(frame)
        assert out is frame
    for name in [*events_from(SERVER_EVENTS, dialect), "future.event"]:
        frame = Frame(Opcode.TEXT, odd.replace(b"%s", name.encode()))
        (out,) = translator.from_upstream(frame)
        assert out is frame


SESSIONS = [
    b'{"type":"session.update","session":{"type":"realtime","instructions":"a","instructions":"\\ud800"}}',
    b'{ "type" : "session.update", "session" : {"type":"realtime" , "n" : 1e999} }',
    b'{"type":"response.create","response":{"metadata":{"n":"1"},"new":123456789012345678901234567890}}',
    b'{"type":"response.create"}',
    b'{"type":"response.create","response":null}',
]


@pytest.mark.parametrize("payload", SESSIONS)
def test_an_update_that_needs_no_change_keeps_its_bytes(payload: bytes) -> None:
    frame = Frame(Opcode.TEXT, payload)
    assert Pair.of(GA, GA).translator.from_client(frame)[0] is frame


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every payload that was parsed."""
    seen: list[bytes] = []
    read = json_text.read

    def counted(payload: Any) -> Any:
        seen.append(bytes(payload))
        return read(payload)

    monkeypatch.setattr("realtime_lb.dialects.downward.read", counted)
    monkeypatch.setattr("realtime_lb.dialects.upward.read", counted)
    return seen


@pytest.mark.parametrize(("client", "upstream"), [(GA, GA), (GA, BETA), (BETA, GA), (BETA, BETA)])
def test_sound_is_never_parsed(client: Any, upstream: Any, parses: list[bytes]) -> None:
    sound = "A" * 16_000
    translator = Pair.of(client, upstream).translator
    names = {GA: "response.output_audio.delta", BETA: "response.audio.delta"}
    for _ in range(100):
        (out,) = translator.from_upstream(text({"type": names[upstream], "event_id": "e", "delta": sound}))
        assert json.loads(bytes(out.payload)) == {"type": names[client], "event_id": "e", "delta": sound}
        for end in (b"", b" \r\n"):
            appended = text({"audio": sound, "type": "input_audio_buffer.append"})
            frame = Frame(Opcode.TEXT, bytes(appended.payload) + end)
            assert translator.from_client(frame)[0] is frame
    assert parses == []


@given(before=st.dictionaries(st.text(), st.text(), max_size=3), after=st.binary(max_size=40))
@example({"note": '"type":"x"'}, b"\xff\x00")
def test_renaming_touches_nothing_but_the_name(before: dict[str, str], after: bytes) -> None:
    before.pop("type", None)
    head = json.dumps({**before, "type": "response.audio.delta"}).encode()[:-1]
    for payload in (head + after, memoryview(head + after)):
        (out,) = Pair.of(GA, BETA).translator.from_upstream(Frame(Opcode.TEXT, payload))
        old, new = b'"response.audio.delta"', b'"response.output_audio.delta"'
        at = head.rindex(old)
        assert out.payload == head[:at] + new + head[at + len(old) :] + after


def test_numbers_that_python_cannot_hold_come_through_a_translation() -> None:
    huge = b"9" * 5_000
    payload = b'{"type":"session.update","session":{"voice":"alloy","x":' + huge + b',"y":-1e999,"z":1.5}}'
    (out,) = Pair.of(BETA, GA).translator.from_client(Frame(Opcode.TEXT, payload))
    assert b'"x":' + huge + b',"y":-1e999,"z":1.5' in bytes(out.payload)


def test_half_a_surrogate_pair_comes_through_a_translation() -> None:
    payload = b'{"type":"session.update","session":{"voice":"alloy","instructions":"a\\ud800"}}'
    (out,) = Pair.of(BETA, GA).translator.from_client(Frame(Opcode.TEXT, payload))
    assert b'"instructions":"a\\ud800"' in bytes(out.payload)


def test_a_name_the_tables_lack_is_nobodys_business() -> None:
    for client, upstream in ((GA, BETA), (BETA, GA)):
        translator = Pair.of(client, upstream).translator
        for frame in (text({"type": "future.event", "session": {"voice": "x"}}), text({"type": "ping"})):
            assert translator.from_client(frame)[0] is frame
            assert translator.from_upstream(frame)[0] is frame
