"""Writing down what the user said, in its own time: the words may come after the answer to them."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve, frozen

from realtime_lb.simulator.answers import transcribe
from realtime_lb.simulator.conversation import Conversation
from realtime_lb.simulator.items import Part
from realtime_lb.simulator.response_run import Beat
from realtime_lb.simulator.settings import Transcription
from realtime_lb.simulator.usage import transcription_usage
from realtime_lb.simulator.voicing import Say
from realtime_lb.typing import JsonObject

__all__ = ["MAX_LAG_BEATS", "Work", "beats"]

MAX_LAG_BEATS = 16
"""More beats than a short spoken answer has, so that both orders happen."""

_EVENT = "conversation.item.input_audio_transcription"
_LOGPROB = -0.01


@frozen(kw_only=True)
class Work:
    """One transcription to make.

    Attributes:
        item_id: Whose audio it is.
        part: The audio.
        wanted: By which model, and how.
        seed: Decides the words.
        lag: Beats to wait before the first word.
    """

    item_id: str
    part: Part
    wanted: Transcription
    seed: int
    lag: int


def beats(work: Work, say: Say, conversation: Conversation) -> Iterator[Beat]:
    """Make the transcript, one beat at a time, and let the conversation hold it."""
    for _ in range(work.lag):
        yield Beat()
    transcript = transcribe(work.part.audio, work.part.audio_ms, work.seed)
    for delta in _deltas(transcript, work.wanted.model):
        say(f"{_EVENT}.delta", **_place(work), delta=delta, **_logprobs(work, [delta]))
        yield Beat()
    item = conversation.get(work.item_id)
    if item is not None:
        conversation.replace(item.with_part(0, evolve(work.part, transcript=transcript)))
    say(
        f"{_EVENT}.completed",
        **_place(work),
        transcript=transcript,
        usage=transcription_usage(work.wanted.model, work.part.audio_ms, transcript),
        **_logprobs(work, _words(transcript)),
    )


def _place(work: Work) -> JsonObject:
    return {"item_id": work.item_id, "content_index": 0}


def _deltas(transcript: str, model: str) -> list[str]:
    """Whisper writes all at once; the others word by word."""
    return [transcript] if model == "whisper-1" else _words(transcript)


def _words(transcript: str) -> list[str]:
    first, *others = transcript.split(" ")
    return [first, *(f" {word}" for word in others)]


def _logprobs(work: Work, tokens: list[str]) -> JsonObject:
    if not work.wanted.logprobs:
        return {}
    return {
        "logprobs": [{"token": token, "logprob": _LOGPROB, "bytes": list(token.encode())} for token in tokens]
    }
