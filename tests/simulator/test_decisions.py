"""The decisions behind the simulator, without a socket: hearing, coding, shapes and conversations."""

from __future__ import annotations

import array
import json
import math
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime_lb.events import parse_event
from realtime_lb.simulator.answers import Call, Speech, answer, transcribe
from realtime_lb.simulator.audio import AudioFormat, loudness, tone
from realtime_lb.simulator.checks import either, list_of, number, one_of, record, text
from realtime_lb.simulator.common_schema import client_events
from realtime_lb.simulator.conversation import Conversation
from realtime_lb.simulator.dialogue import Dialogue
from realtime_lb.simulator.ear import MAX_BUFFER_BYTES, Ear, TurnEnded, TurnStarted
from realtime_lb.simulator.face import Face
from realtime_lb.simulator.faults import Plan
from realtime_lb.simulator.ga import GaShape
from realtime_lb.simulator.ids import Ids
from realtime_lb.simulator.items import Item, Part, PartKind
from realtime_lb.simulator.refusals import EventRefused
from realtime_lb.simulator.settings import SessionKind, SessionSettings, TurnDetection
from realtime_lb.simulator.shape import Terms
from realtime_lb.simulator.shared_values import output_limit
from realtime_lb.simulator.usage import Tokens, item_tokens
from realtime_lb.simulator.vad import Edge, SpeechEdge, Vad
from realtime_lb.typing import Dialect, JsonObject
from tests.simulator.talk import hush, sound

PCM, ULAW, ALAW = AudioFormat.PCM16, AudioFormat.ULAW, AudioFormat.ALAW


def edges(audio: bytes, turn: TurnDetection | None = None, *, chunk: int = 960) -> list[SpeechEdge]:
    vad = Vad(turn or TurnDetection(), PCM)
    return [edge for at in range(0, len(audio), chunk) for edge in vad.hear(audio[at : at + chunk])]


def test_silence_holds_no_speech() -> None:
    assert edges(hush(2000)) == []


def test_speech_starts_before_it_is_heard_and_ends_after_its_silence() -> None:
    turn = TurnDetection(prefix_padding_ms=100, silence_duration_ms=500)
    audio = hush(400) + sound(600) + hush(400) + sound(200) + hush(600)
    assert edges(audio, turn) == [SpeechEdge(Edge.STARTED, 300), SpeechEdge(Edge.STOPPED, 2100)]


def test_a_second_turn_does_not_reach_back_into_the_first() -> None:
    audio = sound(200) + hush(200) + sound(200) + hush(200)
    assert [edge.at_ms for edge in edges(audio)] == [0, 400, 400, 800]


def test_a_click_is_no_speech() -> None:
    assert edges(hush(100) + sound(20) + hush(300)) == []


def test_a_higher_threshold_wants_louder_speech() -> None:
    quiet = array.array("h", [1200] * 24_000).tobytes()
    assert edges(quiet, TurnDetection(threshold=0.5)) != []
    assert edges(quiet, TurnDetection(threshold=0.9)) == []


def test_the_answering_tone_is_no_speech() -> None:
    assert edges(tone(PCM, 1000)) == []


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 40)), max_size=8), st.integers(100, 5000))
@hypothesis.settings(deadline=None)
def test_how_audio_is_cut_into_events_does_not_matter(pieces: list[tuple[bool, int]], chunk: int) -> None:
    audio = b"".join(sound(20 * frames) if loud else hush(20 * frames) for loud, frames in pieces)
    found = edges(audio, chunk=chunk)
    assert found == edges(audio, chunk=len(audio) or 1)
    kinds = [edge.edge for edge in found]
    assert kinds == [Edge.STARTED, Edge.STOPPED] * (len(kinds) // 2) + [Edge.STARTED] * (len(kinds) % 2)
    assert [edge.at_ms for edge in found] == sorted(edge.at_ms for edge in found)


def test_an_ear_gives_each_turn_its_own_audio() -> None:
    ear = Ear(PCM, TurnDetection(prefix_padding_ms=100))
    turns = ear.hear(hush(1000) + sound(400) + hush(500))
    assert turns[0] == TurnStarted(900)
    ended = turns[1]
    assert isinstance(ended, TurnEnded)
    assert ended.audio == hush(100) + sound(400) + hush(200)
    assert ended.audio_end_ms == 1600


def test_an_ear_that_waits_for_speech_keeps_no_more_than_it_needs() -> None:
    ear = Ear(PCM, TurnDetection())
    for _ in range(100):
        ear.hear(hush(100))
    assert PCM.duration_ms(len(ear.commit())) == 400


def test_an_ear_keeps_time_when_its_settings_change() -> None:
    ear = Ear(PCM, None)
    ear.hear(hush(1000))
    ear.adapt(PCM, TurnDetection(prefix_padding_ms=0))
    assert ear.hear(hush(200) + sound(100))[0] == TurnStarted(1200)


def test_an_ear_is_not_a_bottomless_pit() -> None:
    ear = Ear(PCM, None)
    ear.hear(bytes(MAX_BUFFER_BYTES))
    with pytest.raises(EventRefused, match="full"):
        ear.hear(b"\0")


@pytest.mark.parametrize("audio_format", list(AudioFormat))
def test_a_tone_keeps_its_length_and_loudness_in_every_format(audio_format: AudioFormat) -> None:
    made = tone(audio_format, 200)
    assert audio_format.duration_ms(len(made)) == 200
    expected = 500 / 32768 / math.sqrt(2)
    assert loudness(audio_format.samples(made)) == pytest.approx(expected, rel=0.05)


def test_g711_decodes_as_the_standard_says() -> None:
    assert list(ULAW.samples(bytes([0x00, 0x80, 0x7F, 0xFF, 0xF0]))) == [-32124, 32124, 0, 0, 120]
    assert list(ALAW.samples(bytes([0xD5, 0x55, 0x2A, 0xAA, 0x80]))) == [8, -8, -32256, 32256, 5504]


def test_no_sound_is_silent() -> None:
    assert loudness(PCM.samples(b"\1")) == 0


def settings(**changes: Any) -> SessionSettings:
    given: dict[str, Any] = {
        "speaks": False,
        "voice": "alloy",
        "input_format": PCM,
        "output_format": PCM,
        "turn_detection": None,
        "transcription": None,
        "instructions": "",
        "tools": (),
        "tool_choice": "auto",
        "max_output_tokens": None,
    }
    return SessionSettings(**(given | changes))


def user(words: str) -> Item:
    return Item(id="i", role="user", parts=(Part(kind=PartKind.INPUT_TEXT, text=words),))


def test_a_tool_is_called_when_its_whole_name_is_said() -> None:
    tools = ({"type": "function", "name": "time"}, {"type": "function", "name": "weather"})
    asked = settings(tools=tools)
    assert answer([user("the Weather, please")], asked, 0) == Call("weather", "{}")
    assert isinstance(answer([user("sometimes")], asked, 0), Speech)
    assert isinstance(answer([user("weather"), Item(id="j", role="assistant")], asked, 0), Speech)
    forced = settings(tools=tools, tool_choice={"type": "function", "name": "nothing"})
    assert isinstance(answer([user("time")], forced, 0), Speech)
    assert isinstance(answer([], settings(tool_choice="required"), 0), Speech)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(),
        lambda inner: st.dictionaries(
            st.sampled_from(["type", "properties", "required", "enum", "default"]), inner
        ),
    )
)
def test_any_parameters_make_arguments_that_are_an_object(schema: Any) -> None:
    tool = {"type": "function", "name": "f", "parameters": schema}
    made = answer([user("f")], settings(tools=(tool,)), 0)
    assert isinstance(made, Call)
    assert isinstance(json.loads(made.arguments), dict)


def test_who_said_nothing_is_answered_all_the_same() -> None:
    silent = Item(id="i", role="user", parts=(Part(kind=PartKind.INPUT_AUDIO),))
    made = answer([silent], settings(), 0)
    assert isinstance(made, Speech)
    assert made.words[-1] == "nothing"
    assert len(transcribe(b"", 0, 0).split()) == 1


def test_an_item_costs_what_it_holds() -> None:
    parts = (
        Part(kind=PartKind.INPUT_AUDIO, audio=hush(1000)),
        Part(kind=PartKind.INPUT_IMAGE, image_url="data:"),
        Part(kind=PartKind.OUTPUT_AUDIO, audio=hush(1000), transcript="abcd"),
    )
    assert item_tokens(Item(id="i", parts=parts)) == Tokens(text=1, audio=30, image=85)
    assert item_tokens(Item(id="i", name="four", arguments="{}")) == Tokens(text=2)


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("gpt-realtime", 4096),
        ("gpt-realtime-2025-08-28", 4096),
        ("gpt-realtime-2", 32_000),
        ("gpt-realtime-2.1-mini", 32_000),
        (None, 4096),
    ],
)
def test_newer_models_may_say_more(model: str | None, limit: int) -> None:
    assert output_limit(model) == limit


def test_checks_name_the_place() -> None:
    check = record({"a": list_of(record({"b": text(3)}, needs=["b"]), least=1)})
    for value, place in [
        ({"a": []}, "x.a"),
        ({"a": [{}]}, "x.a[0].b"),
        ({"a": [{"b": "long"}]}, "x.a[0].b"),
        ({"a": [{"b": None}]}, "x.a[0].b"),
        ({"c": 1}, "x.c"),
        (3, "x"),
    ]:
        with pytest.raises(EventRefused) as refused:
            check(value, "x")
        assert refused.value.param == place
    either(str, one_of("a"), number(0, 1))("a", "x")
    either(str, one_of("a"), number(0, 1))(1, "x")


def test_a_conversation_survives_what_it_refuses() -> None:
    held = Conversation("conv_1")
    assert held.add(user("one")) is None
    with pytest.raises(EventRefused):
        held.add(user("again"))
    held.replace(Item(id="gone"))
    assert [item.text for item in held.items] == ["one"]


_NAMES = st.sampled_from(
    ["type", "item", "session", "response", "audio", "content", "role", "id", "input", "turn_detection"]
) | st.text(max_size=5)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=8,
)


@given(
    st.lists(
        st.builds(
            lambda kind, rest: rest | {"type": kind},
            st.sampled_from([*client_events()]) | json_values,
            st.dictionaries(_NAMES, json_values, max_size=4),
        ),
        max_size=5,
    )
)
@hypothesis.settings(deadline=None)
def test_no_event_breaks_a_session(events: list[Any]) -> None:
    dialogue = new_dialogue()
    for event in events:
        for said in dialogue.receive(parse_event(json.dumps(event).encode())):
            assert said["type"]
    while dialogue.busy:
        dialogue.advance()


def new_dialogue() -> Dialogue:
    terms = Terms(
        face=Face.OPENAI,
        dialect=Dialect.GA,
        kind=SessionKind.REALTIME,
        model="gpt-realtime",
        session_id="sess_1",
        expires_at=0,
    )
    return Dialogue(terms, GaShape(terms), Ids("x"), 0, Plan)


def test_an_item_that_is_deleted_while_it_is_spoken_stays_deleted() -> None:
    dialogue = new_dialogue()
    dialogue.receive({"type": "response.create"})
    dialogue.advance()
    (item,) = dialogue.conversation.items
    dialogue.receive({"type": "conversation.item.delete", "item_id": item.id})
    events: list[JsonObject] = []
    while dialogue.busy:
        events += dialogue.advance().events
    assert [event["type"] for event in events][-2:] == ["response.done", "rate_limits.updated"]
    assert dialogue.conversation.items == ()
