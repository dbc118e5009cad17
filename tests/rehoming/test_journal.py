"""What is kept of a session stays small, costs little, and lets the least important go first."""

import asyncio
import base64
import json
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from attrs import define, field

from realtime_lb import RehomeSettings
from realtime_lb.alarms import Alarms
from realtime_lb.frames import Frame, Opcode
from realtime_lb.journal import Continuity, Journal
from realtime_lb.journal.items import Kept
from realtime_lb.shortcut import Backlog, Seen
from realtime_lb.typing import Dialect
from tests.clients.conversation import sound
from tests.rehoming.stage import Session, said

CHUNK = sound(loud_ms=20, silent_ms=0)[0]


def told(journal: Journal, kind: str, **fields: Any) -> None:
    event = {"type": kind, "event_id": "event_1", **fields}
    journal.client_told(kind, Frame(Opcode.TEXT, json.dumps(event).encode()))


def event_of(kind: str, **fields: Any) -> bytes:
    return json.dumps({"type": kind, **fields}).encode()


def append(journal: Journal, count: int, chunk: str = CHUNK) -> None:
    payload = json.dumps({"type": "input_audio_buffer.append", "audio": chunk}).encode()
    for _ in range(count):
        journal.client_said("input_audio_buffer.append", payload)


def manual(most_bytes: int = 2**21, most_items: int = 1000) -> Journal:
    journal = Journal(Dialect.GA, most_bytes=most_bytes, most_items=most_items)
    session = {"type": "realtime", "id": "sess_1", "audio": {"input": {"turn_detection": None}}}
    told(journal, "session.created", session=session)
    return journal


def commit(journal: Journal, item_id: str, words: str | None = None) -> None:
    journal.client_said("input_audio_buffer.commit", b'{"type":"input_audio_buffer.commit"}')
    told(journal, "input_audio_buffer.committed", item_id=item_id, previous_item_id=None)
    if words is not None:
        kind = "conversation.item.input_audio_transcription.completed"
        told(journal, kind, item_id=item_id, content_index=0, transcript=words)


def test_the_sound_of_a_turn_is_exactly_what_was_said() -> None:
    """Frames of odd sizes end anywhere in base64's groups, and carry padding of their own."""
    journal = manual()
    pieces = [bytes([n]) * (n + 2 & ~1) for n in range(1, 60)]
    for piece in pieces:
        append(journal, 1, base64.b64encode(piece).decode())
    commit(journal, "item_1")
    (kept,) = journal.items
    assert kept.speech is not None
    assert base64.b64decode(kept.speech.encoded() or "") == b"".join(pieces)
    assert journal.tail.sound_bytes == 0


@pytest.mark.parametrize("size", [640, 800, 960, 1_600, 3_200])
def test_a_turn_whose_end_has_no_time_ends_with_the_last_sound(size: int) -> None:
    """Servers leave the time out; sizes are such that a frame's milliseconds have no exact float."""
    journal = Journal(Dialect.GA)
    told(journal, "session.created", session={"type": "realtime", "id": "sess_1"})
    told(journal, "input_audio_buffer.speech_started", item_id="item_1", audio_start_ms=0)
    append(journal, 77, base64.b64encode(bytes(size)).decode())
    told(journal, "input_audio_buffer.speech_stopped", item_id="item_1")
    told(journal, "input_audio_buffer.committed", item_id="item_1", previous_item_id=None)
    (kept,) = journal.items
    assert kept.speech is not None
    assert (len(kept.speech.sounds), journal.tail.sound_bytes) == (77, 0)


def steps(story: Callable[[], None]) -> int:
    """Count the lines of the journal's code that *story* runs through."""
    count = 0

    def step(_frame: object, kind: str, _value: object) -> Any:
        nonlocal count
        count += kind == "line"
        return step

    def enter(frame: FrameType, _kind: str, _value: object) -> Any:
        return step if "/realtime_lb/journal/" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        story()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("size", [960, 160, 20])
def test_sound_beyond_the_room_costs_no_more_the_more_there_is(size: int) -> None:
    """Whoever never commits has the oldest dropped with each frame that comes."""
    chunk = base64.b64encode(bytes(size)).decode()

    def cost(room_bytes: int) -> float:
        journal, frames = manual(most_bytes=room_bytes), 2 * room_bytes // (size + 250)
        append(journal, frames, chunk)
        return steps(lambda: append(journal, frames, chunk)) / frames

    assert cost(400_000) == pytest.approx(cost(100_000), rel=0.2)


@pytest.mark.parametrize(
    ("text", "length_ms"),
    [
        ('{"type":"input_audio_buffer.append","audio":"%s"}', 20),
        ('{"type": "input_audio_buffer.append", "audio": "%s"}', 20),
        ('{"audio"\n:\t"%s","type":"input_audio_buffer.append"}', 20),
        ('{"type":"input_audio_buffer.append","audio":"%s', 0),
        ('{"type":"input_audio_buffer.append","sound":"%s"}', 0),
    ],
)
def test_how_long_sound_is_does_not_depend_on_how_it_is_written(text: str, length_ms: int) -> None:
    journal = manual()
    journal.client_said("input_audio_buffer.append", (text % CHUNK).encode())
    assert journal.tail.position_ms == length_ms


def test_sound_cut_unevenly_is_as_long_as_it_is_together() -> None:
    """What resamples has pieces of 958 and of 960 bytes in turn, which are equally long in base64."""
    journal = manual()
    for size in [958, 960, 956] * 100:
        append(journal, 1, base64.b64encode(bytes(size)).decode())
    assert journal.tail.position_ms == pytest.approx((958 + 960 + 956) * 100 / 48)


@pytest.mark.parametrize("sizes", [[960], [958], [160], [958, 960], [956, 960], [960, 480]])
def test_sound_that_nobody_looked_at_as_it_passed_is_as_long(sizes: list[int]) -> None:
    journal = manual()
    keep = journal.tail.backlog.keep
    for size in sizes * 30:
        keep(event_of("input_audio_buffer.append", audio=base64.b64encode(bytes(size)).decode()))
    assert journal.tail.position_ms == pytest.approx(30 * sum(sizes) / 48)
    told(journal, "input_audio_buffer.committed", item_id="item_1")
    (kept,) = journal.items
    assert kept.speech is not None
    assert [each.length_ms for each in kept.speech.sounds] == pytest.approx([n / 48 for n in sizes * 30])


def test_the_same_piece_is_longer_in_another_format() -> None:
    journal = manual()
    append(journal, 2)
    telephone = {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu"}}}}
    told(journal, "session.updated", session=telephone)
    append(journal, 2)
    assert journal.tail.position_ms == 20 + 20 + 120 + 120


def test_what_does_not_fit_goes_in_the_order_of_its_worth() -> None:
    """Sound first, the oldest first, while its words stay; then the oldest items."""
    journal = manual(most_bytes=100_000)
    for turn in range(3):
        append(journal, 25)
        commit(journal, f"item_{turn}", f"words of turn {turn}")
    speeches = [kept.speech is not None for kept in journal.items]
    assert (speeches, journal.speech_lost) == ([False, True, True], 0)
    assert journal.kept_bytes <= 100_000
    append(journal, 70)
    assert [kept.speech for kept in journal.items] == [None, None, None]
    texts = [kept.to_create(journal.words) for kept in journal.items]
    assert [item and item["content"][0]["text"] for item in texts] == [f"words of turn {n}" for n in range(3)]


def test_the_oldest_items_go_last_and_can_still_be_deleted() -> None:
    journal = manual(most_items=2)
    for number in range(3):
        told(journal, "conversation.item.added", item={"id": f"msg_{number}", **said("hi")})
    assert [kept.id for kept in journal.items] == ["msg_1", "msg_2"]
    continuity = Continuity(journal, lambda: "n1")
    sent, answers = continuity.from_client(
        "conversation.item.delete", b'{"type":"conversation.item.delete","item_id":"msg_0"}'
    )
    assert (list(sent), answers[0]["type"]) == ([], "conversation.item.deleted")


def test_an_hour_of_talk_stays_under_its_bound() -> None:
    """Two turns a minute, with sound in frames of 20 ms, and an answer to each."""
    session = Session(Dialect.GA)
    session.begin(Dialect.GA)
    session.deliver()
    most = 0
    for turn in range(120):
        append(session.journal, 1500)
        most = max(most, session.journal.kept_bytes)
        session.send("conversation.item.create", item=said(f"turn {turn}"))
        session.send("response.create")
        session.drain()
        most = max(most, session.journal.kept_bytes)
    assert most <= 2**21
    assert len(session.journal.items) == 240


def test_an_idle_session_keeps_little() -> None:
    """Two seconds of what a detector heard nobody in, and nothing else."""
    session = Session(Dialect.GA)
    session.begin(Dialect.GA)
    session.deliver()
    assert session.journal.kept_bytes == 0
    append(session.journal, 3_000, sound(loud_ms=0, silent_ms=20)[0])
    assert session.journal.tail.position_ms == 60_000
    assert sum(1 for _ in session.journal.tail.entries) <= 101


def test_no_frame_of_sound_takes_more_room_than_there_is() -> None:
    journal = manual(most_bytes=50_000)
    for _ in range(500):
        append(journal, 1)
        assert journal.kept_bytes <= 50_000


@pytest.mark.parametrize("field", ["audio", "x" * 1_000], ids=["usual", "made to be remembered"])
def test_names_of_fields_are_kept_once_for_all_sessions(field: str) -> None:
    """Each has some thirty, and lives for an hour; but long ones, which may be anybody's, are forgotten."""
    calls = [Journal(Dialect.GA) for _ in range(2)]
    shown = {"id": "sess_1", field: {"input": {"format": {"type": "audio/pcm", "rate": 24_000}}}}
    for journal in calls:
        told(journal, "session.created", session=shown)
    one, other = (journal.session for journal in calls)
    assert one == other == shown
    assert all(name is same for name, same in zip(one, other, strict=True)) is (field == "audio")


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")], ids=["tight", "spaced"])
def test_an_answer_told_in_pieces_is_known_whenever_it_is_asked_for(separators: tuple[str, str]) -> None:
    """Pieces are read late: when somebody asks, or not at all where the server has said the whole again."""
    journal = manual()

    def told_so(kind: str, **fields: Any) -> bool:
        event = {"type": kind, "response_id": "resp_1", "item_id": "item_1", "output_index": 0, **fields}
        return journal.client_told(
            kind, Frame(Opcode.TEXT, json.dumps(event, separators=separators).encode())
        )

    told_so("response.created", response={"id": "resp_1"})
    told_so("response.output_item.added", item={"id": "item_1", "type": "message"})
    assert list(journal.awaited) == ["resp_1"]
    assert told_so("response.output_audio_transcript.delta", content_index=0, delta="One ")
    assert list(journal.awaited) == []
    assert not told_so("response.output_audio_transcript.delta", content_index=0, delta="two ")
    told_so("response.output_text.delta", content_index=1, delta='a "content_index":0 b')
    told_so("response.output_audio_transcript.done", content_index=0, transcript="One two three")
    told_so("response.output_text.delta", content_index=1, delta=" c")
    (running,) = journal.running
    (output,) = running.outputs
    assert [part.words for part in output.parts.values()] == ["One two three", 'a "content_index":0 b c']


def test_a_call_told_in_pieces_is_known_whenever_it_is_asked_for() -> None:
    journal = manual()
    told(journal, "response.created", response={"id": "resp_1"})
    call = {"id": "item_1", "type": "function_call"}
    told(journal, "response.output_item.added", response_id="resp_1", output_index=0, item=call)
    for piece in ("", '{"city"', ':"Li', "ma"):
        told(journal, "response.function_call_arguments.delta", item_id="item_1", delta=piece)
    (running,) = journal.running
    assert running.half_call is not None
    assert running.half_call.arguments == '{"city":"Lima'
    told(journal, "response.function_call_arguments.delta", item_id="item_1", delta='"}')
    told(journal, "response.function_call_arguments.done", item_id="item_1", arguments='{"city":"Lima"}')
    assert all(each.half_call is None for each in journal.running)
    assert running.outputs[0].arguments == '{"city":"Lima"}'


def test_sound_alone_is_an_answer() -> None:
    """Who hears the model speak waits for nothing, whether or not its words are told beside it."""
    journal = manual()
    told(journal, "response.created", response={"id": "resp_1"})
    item = {"id": "item_1", "type": "message"}
    told(journal, "response.output_item.added", response_id="resp_1", output_index=0, item=item)
    piece = Frame(Opcode.TEXT, b'{"type":"response.output_audio.delta","item_id":"item_1","delta":"AAAA"}')
    assert list(journal.awaited) == ["resp_1"]
    assert journal.client_told("response.output_audio.delta", piece)
    assert list(journal.awaited) == []
    assert not journal.client_told("response.output_audio.delta", piece)


@pytest.mark.parametrize(
    "first",
    [
        {"type": "response.output_item.added", "item": {"id": "item_1", "type": "message"}},
        {"type": "response.output_text.delta", "item_id": "item_1", "delta": "Hi"},
        {"type": "response.done", "response": {"id": "resp_1", "status": "completed"}},
    ],
    ids=lambda event: event["type"],
)
def test_an_answer_is_one_though_nothing_said_that_it_begins(first: dict[str, Any]) -> None:
    """Some compatible servers send no ``response.created``; theirs are not taken for silent."""
    journal = manual()
    journal.client_said("response.create", b'{"type":"response.create"}')
    assert list(journal.awaited) == ["response.create"]
    told(journal, first.pop("type"), response_id="resp_1", output_index=0, **first)
    told(journal, "response.output_text.delta", response_id="resp_1", item_id="item_1", delta="!")
    assert list(journal.awaited) == []
    assert [output.id for each in journal.running for output in each.outputs] in ([], ["item_1"])
    told(journal, "response.done", response={"id": "resp_1", "status": "completed"})
    told(journal, "response.output_text.delta", response_id="resp_1", item_id="item_1", delta="late")
    assert journal.running == []
    assert journal.is_quiet


def test_of_a_truncated_answer_the_part_stays_that_was_heard() -> None:
    content = [{"type": "output_audio", "transcript": "one two three four"}]
    kept = Kept("item_1", {"type": "message", "role": "assistant", "content": content}, audio_ms=2_000)
    kept.truncated(0, 1_000)
    assert kept.parts()[0]["transcript"] == "one two"


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_sound_that_nobody_looks_at_takes_no_more_room_than_there_is(share: float) -> None:
    """Of each stretch a share passes by itself, and the rest comes in large pieces."""
    journal = manual(most_bytes=500_000)
    tail, backlog = journal.tail, journal.tail.backlog
    small = event_of("input_audio_buffer.append", audio=CHUNK)
    large = event_of("input_audio_buffer.append", audio=CHUNK * 3)
    for _ in range(100):
        for _ in range(1 + int(share * backlog.most_bytes / len(small))):
            backlog.keep(small)
        while tail._heard:  # enough of them have all looked at
            unlooked_at_bytes = sum(map(len, tail._heard)) + backlog.most_bytes  # the last: on the other way
            assert tail._sound_bytes + unlooked_at_bytes <= 500_000
            tail.hear(memoryview(large))
    assert journal.kept_bytes > 300_000


@define
class Pieces:
    """What the shortcut does with the pieces of an answer, and how often it has told of a turn."""

    session: Session
    see: Seen
    backlog: Backlog
    turns: list[str] = field(factory=list)


@pytest.fixture
def pieces() -> Pieces:
    session = Session(Dialect.GA)
    session.begin(Dialect.GA)
    shortcut = session.passage.pieces
    assert shortcut.seen is not None
    assert shortcut.backlog is not None
    pieces = Pieces(session, shortcut.seen, shortcut.backlog)
    session.passage.on_turn = lambda: pieces.turns.append("turn")
    return pieces


def test_words_stay_in_their_order_whichever_way_they_pass(pieces: Pieces) -> None:
    """A large piece is looked at at once, though smaller ones before it were not."""
    place = {"response_id": "resp_1", "item_id": "item_1", "content_index": 0}
    words = [f"{n} " for n in range(5)]
    for n, word in enumerate(words):
        piece = event_of("response.output_text.delta", **place, delta=word)
        if n in {0, 3}:
            pieces.see(memoryview(piece))
        else:
            pieces.backlog.keep(piece)
    (output,) = pieces.session.journal.running[0].outputs
    assert output.parts[0].words == "".join(words)


def test_that_an_answer_began_among_pieces_that_were_kept_is_told_when_they_are_looked_at(
    pieces: Pieces,
) -> None:
    for item_id in ("item_1", "item_1"):
        place = {"response_id": "resp_1", "item_id": item_id, "content_index": 0}
        pieces.backlog.keep(event_of("response.output_text.delta", **place, delta="AAAA"))
        assert pieces.turns == []
    pieces.backlog.settle()
    pieces.backlog.settle()
    assert pieces.turns == ["turn"]


def test_sound_that_begins_an_answer_which_had_no_words_yet_is_told_of(pieces: Pieces) -> None:
    place = {"response_id": "resp_1", "item_id": "item_1", "content_index": 0}
    pieces.see(memoryview(event_of("response.output_audio_transcript.delta", **place, delta="")))
    assert pieces.turns == []
    for _ in range(2):
        pieces.see(memoryview(event_of("response.output_audio.delta", **place, delta="AAAA")))
    assert pieces.turns == ["turn"]


async def test_an_answer_whose_pieces_passed_unlooked_at_is_not_taken_for_silence() -> None:
    journal, silent = manual(), asyncio.Event()
    over = asyncio.get_running_loop().create_future()
    alarms = Alarms(
        journal=journal,
        settings=RehomeSettings(answer_timeout_s=0.01),
        usual_s=lambda: None,
        on_silence=silent.set,
        on_expiry=lambda _: None,
        wall=time.time,
    )
    told(journal, "response.created", response={"id": "resp_1"})
    alarms.turned()
    place = {"response_id": "resp_1", "item_id": "item_1", "content_index": 0}
    journal.in_flight.keep(event_of("response.output_text.delta", **place, delta="Hi"))
    asyncio.get_running_loop().call_later(0.02, over.set_result, None)
    await over
    assert not silent.is_set()
    told(journal, "response.created", response={"id": "resp_2"})
    alarms.turned()
    await silent.wait()


@pytest.mark.parametrize("made", [bytes, memoryview])
@pytest.mark.parametrize("kind", ["response.output_text.delta", "response.output_audio.delta"])
def test_that_an_answer_begins_is_told_though_the_shortcut_takes_it(
    kind: str, made: type[bytes] | type[memoryview], pieces: Pieces
) -> None:
    """Some servers announce no item: a piece of the next may follow the last of one with nothing between."""
    for item_id in ("item_1", "item_1", "item_2", "item_2"):
        place = {"response_id": "resp_1", "item_id": item_id, "content_index": 0}
        pieces.see(made(event_of(kind, **place, delta="AAAA")))
    assert pieces.turns == ["turn"] * 2


LAYOUTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "tight": lambda event: json.dumps(event, separators=(",", ":")),
    "spaced": json.dumps,
    "indented": lambda event: json.dumps(event, indent=1),
    "an id first": lambda event: json.dumps({"event_id": "event_1", **event}),
    "type last": lambda event: json.dumps({**dict(list(event.items())[1:]), "type": event["type"]}),
}


TAKES: dict[str, Callable[[Journal, bytes], object]] = {
    "whole": lambda journal, piece: journal.in_flight.streamed(piece),
    "as a view": lambda journal, piece: journal.in_flight.streamed(memoryview(piece)),
    "unlooked at": lambda journal, piece: journal.in_flight.keep(piece),
}


@pytest.mark.parametrize("take", TAKES.values(), ids=TAKES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_sound_and_words_are_told_apart_however_they_are_written(
    layout: str, take: Callable[[Journal, bytes], object]
) -> None:
    journal = Journal(Dialect.GA)
    told(journal, "response.created", response={"id": "resp_1", "status": "in_progress", "output": []})
    place = {"response_id": "resp_1", "item_id": "item_1", "content_index": 0}
    for n in range(3):
        for kind, delta in (("audio", "AAAA" * 1_000), ("audio_transcript", f"w{n} ")):
            event = {"type": f"response.output_{kind}.delta", **place, "delta": delta}
            take(journal, LAYOUTS[layout](event).encode())
    (output,) = journal.running[0].outputs
    assert output.sound_chars == pytest.approx(12_000, abs=600)
    assert output.parts[0].words == "w0 w1 w2 "
