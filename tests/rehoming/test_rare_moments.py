"""Moments that only chance finds. ``test_conversations.py`` looks for more of them."""

from collections.abc import Sequence
from typing import Any

from realtime_lb.typing import Dialect
from tests.clients.conversation import sound
from tests.rehoming.stage import Session, said

VAD = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}


def listen(session: Session, turn: dict[str, Any] | None) -> None:
    told = {"type": "realtime", "audio": {"input": {"turn_detection": turn}}}
    session.send("session.update", session=told)


def speak(session: Session, chunks: Sequence[str]) -> None:
    for chunk in chunks:
        session.send("input_audio_buffer.append", audio=chunk)


def test_what_is_added_while_an_announced_answer_is_made_again_stands_where_the_upstream_has_it() -> None:
    """The upstream takes the user's item before it begins the answer: nothing precedes it there."""
    session = Session(Dialect.GA)
    session.begin(Dialect.GA)
    session.send("response.create")
    session.work(4)
    session.deliver(4)
    (announced,) = session.view.items
    session.cut(Dialect.GA)
    session.send("conversation.item.create", item=said("hello", id="msg_1"))
    session.drain()
    assert [seen.id for seen in session.view.items] == ["msg_1", announced.id]
    session.cut(Dialect.GA)
    session.drain()
    session.check_equal()


def test_times_do_not_go_back_where_the_server_listened_anew_in_the_middle_of_a_word() -> None:
    """The upstream before began to listen behind sound that the next one hears from its beginning."""
    session = Session(Dialect.GA)
    session.begin(Dialect.GA)
    loud, quiet = sound(loud_ms=100, silent_ms=0), sound(loud_ms=0, silent_ms=100)
    listen(session, None)
    speak(session, quiet)
    listen(session, VAD)
    speak(session, loud)
    session.drain()
    assert session.view.turns[-1][1] > 0
    listen(session, {**VAD, "create_response": False})
    session.drain()
    session.cut(Dialect.GA)
    session.drain()
    speak(session, loud + quiet * 5)
    session.drain()
    assert [end is not None for _, _, end in session.view.turns] == [True, True]
    session.check_equal()


def test_a_turn_does_not_end_before_it_began_where_the_next_upstream_hears_it_otherwise() -> None:
    """The client was told of a turn that began after a pause; the next one hears what was before it, too."""
    session = Session(Dialect.GA)
    session.begin(Dialect.GA)
    loud, quiet = sound(loud_ms=200, silent_ms=0), sound(loud_ms=0, silent_ms=200)
    listen(session, None)
    speak(session, loud + quiet * 2)
    listen(session, VAD)
    speak(session, loud)
    session.drain()
    assert session.view.turns[-1][2] is None
    session.cut(Dialect.GA)
    session.drain()
    _, start_ms, end_ms = session.view.turns[0]
    assert end_ms is not None
    assert end_ms > start_ms


def test_a_turn_that_ended_with_new_rules_of_listening_is_not_taken_for_the_next_one() -> None:
    """Its sound is gone, so late was it announced; the next upstream hears nobody before the new rules."""
    session = Session(Dialect.GA)
    session.begin(Dialect.GA)
    loud, quiet = sound(loud_ms=200, silent_ms=0), sound(loud_ms=0, silent_ms=200)
    speak(session, loud[:5])
    listen(session, {**VAD, "create_response": False})
    session.work(2)
    speak(session, loud * 10)
    session.deliver(2)
    ((cut_short, _, _),) = session.view.turns
    session.cut(Dialect.GA)
    speak(session, quiet)
    session.drain()
    turns = session.view.turns
    assert [item_id == cut_short for item_id, _, _ in turns] == [True, False]
    assert all(end_ms is not None for _, _, end_ms in turns)
    session.check_equal()
