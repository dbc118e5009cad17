"""What is kept of a session stays small, costs little, and lets the least important go first."""

import base64
import json
import time
from typing import Any

from realtime_lb.journal import Continuity, Journal
from realtime_lb.journal.items import Kept
from realtime_lb.typing import Dialect
from tests.clients.conversation import sound
from tests.rehoming.stage import Session, said

CHUNK = sound(loud_ms=20, silent_ms=0)[0]


def told(journal: Journal, kind: str, **fields: Any) -> None:
    journal.client_told(kind, json.dumps({"type": kind, "event_id": "event_1", **fields}).encode())


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
    assert most <= 2**21 + 10_000
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


def test_a_frame_of_sound_costs_next_to_nothing() -> None:
    """The bound is for a busy machine; ``python -m benchmarks.rehoming cost`` has the figures."""
    journal = manual(most_bytes=2**30)
    count = 20_000
    began_s = time.process_time()
    append(journal, count)
    assert (time.process_time() - began_s) / count < 20e-6


def test_of_a_truncated_answer_the_part_stays_that_was_heard() -> None:
    content = [{"type": "output_audio", "transcript": "one two three four"}]
    kept = Kept("item_1", {"type": "message", "role": "assistant", "content": content}, audio_ms=2_000)
    kept.truncated(0, 1_000)
    assert kept.parts()[0]["transcript"] == "one two"
