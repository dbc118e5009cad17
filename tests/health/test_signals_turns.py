"""From the end of a turn to the first of the answer, by the events' types."""

import pytest

from realtime_lb.health import TurnClock

FIRSTS = [
    *("response.output_audio.delta", "response.audio.delta"),
    *("response.output_text.delta", "response.text.delta"),
    *("response.output_audio_transcript.delta", "response.audio_transcript.delta"),
    *("response.function_call_arguments.delta", "response.function_call_arguments.done"),
    "response.mcp_call_arguments.delta",
]


def measured(script: str) -> list[float]:
    """Play events a second apart: ``>`` is the client's; ``..`` stands for a long prefix."""
    clock, found = TurnClock(), []
    for now_s, word in enumerate(script.split()):
        kind = word.lstrip(">").replace("..", "input_audio_buffer.")
        kind = {
            "audio": "response.output_audio.delta",
            "created": "response.created",
            "done": "response.done",
        }.get(kind, kind)
        if word.startswith(">"):
            clock.client_sent(kind, float(now_s))
        elif (waited_s := clock.upstream_sent(kind, float(now_s))) is not None:
            found.append(waited_s)
    return found


@pytest.mark.parametrize("first", FIRSTS)
def test_any_audio_text_or_call_begins_an_answer(first: str) -> None:
    assert measured(f">response.create created {first}") == [2.0]


@pytest.mark.parametrize(
    "other",
    [
        *(
            "response.output_item.added",
            "response.content_part.added",
            "conversation.item.added",
            "session.updated",
        ),
        *(
            "conversation.item.input_audio_transcription.delta",
            "rate_limits.updated",
            "response.output_audio.done",
        ),
    ],
)
def test_nothing_else_does(other: str) -> None:
    assert measured(f">response.create created {other} {other}") == []
    assert measured(f">response.create created {other} audio") == [3.0]


@pytest.mark.parametrize(
    ("script", "waits"),
    [
        ("..speech_started ..speech_stopped ..committed created audio audio", [3.0]),
        ("..committed created audio", [2.0]),
        (">response.create created audio", [2.0]),
        ("..speech_stopped ..committed x x >response.create created audio", [2.0]),
        (">input_audio_buffer.commit ..committed >response.create audio", [1.0]),
        (">response.create >response.create created audio", [2.0]),
    ],
    ids=["server VAD", "commit", "asked", "asked later", "push to talk", "asked twice"],
)
def test_a_turn_ends_with_speech_a_commit_or_a_request(script: str, waits: list[float]) -> None:
    assert measured(script) == waits


def test_a_new_end_of_speech_is_a_new_turn() -> None:
    assert measured("..speech_stopped ..committed ..speech_stopped created audio") == [2.0]


def test_each_turn_is_measured_once() -> None:
    turn = "..speech_stopped created audio audio response.output_audio_transcript.delta done"
    assert measured(f"{turn} audio {turn} {turn}") == [2.0, 2.0, 2.0]


def test_audio_without_a_turn_is_no_answer() -> None:
    assert measured("created audio done audio") == []


@pytest.mark.parametrize("undone", [">response.cancel", "..speech_started", "error", "created done"])
def test_a_turn_that_is_cancelled_spoken_over_refused_or_left_unanswered_is_not_measured(undone: str) -> None:
    assert measured(f">response.create {undone} audio") == []
    assert measured(f">response.create {undone} >response.create created audio") == [2.0]


def test_what_is_still_under_way_of_the_answer_before_is_not_taken_for_the_new_one() -> None:
    interrupted = "..speech_stopped created audio ..speech_started ..speech_stopped audio audio"
    assert measured(f"{interrupted} done created audio") == [2.0, 5.0]
    assert measured(f"{interrupted} created audio") == [2.0, 4.0]
    assert measured(f"{interrupted} done") == [2.0]


def test_a_response_that_is_running_when_another_is_asked_for_does_not_answer_it() -> None:
    assert measured(">response.create created >response.create audio done created audio") == [4.0]
    assert measured("created ..committed audio done audio") == [3.0]


def test_an_upstream_that_announces_no_responses_is_measured_too() -> None:
    assert measured(">response.create audio done >response.create audio") == [1.0, 1.0]


def test_of_an_unannounced_response_too_what_is_still_under_way_is_no_answer() -> None:
    assert measured(">response.create audio ..speech_stopped audio done audio") == [1.0, 3.0]


def test_a_commit_does_not_restart_a_turn_that_has_ended() -> None:
    assert measured(">response.create ..committed created audio") == [3.0]


def test_client_events_that_ask_for_nothing_change_nothing() -> None:
    assert measured(">response.create >input_audio_buffer.append >session.update created audio") == [4.0]


def test_a_turn_may_end_at_second_zero_of_any_clock() -> None:
    clock = TurnClock()
    clock.client_sent("response.create", -3.0)
    assert clock.upstream_sent("response.audio.delta", -1.0) == 2.0
