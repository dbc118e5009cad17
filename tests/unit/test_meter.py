"""What a meter has to see of an answer: its beginning, once a turn, and each piece where it is asked to."""

import json
from typing import Any, cast

from realtime_lb import LoggingSettings
from realtime_lb.deployments import Deployment
from realtime_lb.events import STREAMED
from realtime_lb.frames import Frame, Opcode
from realtime_lb.meter import Meter
from realtime_lb.reports import Reports, Watch

WORDS, AUDIO = "response.output_audio_transcript.delta", "response.output_audio.delta"
A_TURN = ("response.created", WORDS, AUDIO, WORDS, AUDIO, "response.done")


class Listener:
    """Takes what a watch reports; its clock goes on by a second with each event."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.answered_s: list[float] = []

    def clock(self) -> float:
        return self.now_s

    def answered(self, _deployment: Deployment, waited_s: float) -> None:
        self.answered_s.append(waited_s)

    def said(self, *_: Any) -> None: ...
    def used(self, *_: Any) -> None: ...


def metered(listener: Listener, told: list[Any], **logging: Any) -> Meter:
    meter = Meter("session", told.append, LoggingSettings(**logging), listener.clock)
    meter.watch = Watch(cast("Reports", listener), cast("Deployment", None))
    return meter


def frame(kind: str) -> Frame:
    return Frame(Opcode.TEXT, json.dumps({"type": kind, "delta": "AAAA"}).encode())


def talk(meter: Meter, listener: Listener, *kinds: str) -> list[str]:
    """Show it what it does not skip; return what it does."""
    skipped, skips_pieces = [], False
    for kind in kinds:
        listener.now_s += 1
        if kind == "response.create":
            meter.see_client(frame(kind))
        elif skips_pieces and kind in STREAMED:
            skipped.append(kind)
        else:
            meter.see_upstream(frame(kind))
            skips_pieces = meter.skips_pieces()
    return skipped


def test_the_first_audio_is_heard_though_words_came_before() -> None:
    listener = Listener()
    meter = metered(listener, [])
    talk(meter, listener, "response.create", "response.created", WORDS, WORDS, AUDIO, AUDIO)
    assert meter.first_audio_at_s == 5


def test_the_first_piece_of_each_turn_is_timed() -> None:
    listener = Listener()
    meter = metered(listener, [])
    skipped = [talk(meter, listener, "response.create", *A_TURN) for _ in range(3)]
    assert listener.answered_s == [2, 2, 2]
    assert skipped == [[WORDS, AUDIO], [AUDIO, WORDS, AUDIO], [AUDIO, WORDS, AUDIO]]


def test_who_logs_pieces_is_told_of_all() -> None:
    listener, told = Listener(), list[Any]()
    assert talk(metered(listener, told, event_types=frozenset({AUDIO})), listener, *A_TURN, *A_TURN) == []
    assert [record.type for record in told] == [AUDIO] * 4
