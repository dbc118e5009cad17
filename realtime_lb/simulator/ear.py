"""The input audio buffer, with or without a voice detector at its mouth."""

from __future__ import annotations

from attrs import frozen

from realtime_lb.simulator.audio import AudioFormat
from realtime_lb.simulator.refusals import EventRefused
from realtime_lb.simulator.settings import TurnDetection
from realtime_lb.simulator.vad import Edge, Vad

__all__ = ["Ear", "TurnEnded", "TurnStarted"]

MIN_COMMIT_MS = 100
"""OpenAI refuses to commit less."""

_NOTICE_MS = 100

MAX_BUFFER_BYTES = 64 * 1024 * 1024
"""No limit is documented; this one (23 minutes of PCM) keeps a forgotten client from eating the machine."""


@frozen
class TurnStarted:
    """The user began to speak. ``audio_start_ms`` is where, in milliseconds of the session's audio."""

    audio_start_ms: int


@frozen
class TurnEnded:
    """The user fell silent.

    Attributes:
        audio_end_ms: Where, in milliseconds of the session's audio.
        audio: What was said, padding and closing silence included.
    """

    audio_end_ms: int
    audio: bytes


class Ear:
    """Collects what the client appends.

    Args:
        audio_format: How the audio is coded.
        turn: How turns end; None leaves that to `commit`.
    """

    def __init__(self, audio_format: AudioFormat, turn: TurnDetection | None) -> None:
        self._format = audio_format
        self._turn = turn
        self._vad = Vad(turn, audio_format) if turn else None
        self._data = bytearray()
        self._start_ms: float = 0

    @property
    def _end_ms(self) -> float:
        return self._start_ms + self._format.duration_ms(len(self._data))

    def adapt(self, audio_format: AudioFormat, turn: TurnDetection | None) -> None:
        """Go on with other settings. Audio in another format is dropped: it could not be read any more."""
        if (audio_format, turn) == (self._format, self._turn):
            return
        if audio_format is not self._format:
            self._drop(len(self._data))
        self._format, self._turn = audio_format, turn
        self._vad = Vad(turn, audio_format, self._end_ms) if turn else None

    def hear(self, data: bytes) -> list[TurnStarted | TurnEnded]:
        """Append audio; return the turns that started or ended in it.

        Raises:
            EventRefused: The buffer is full.
        """
        if len(self._data) + len(data) > MAX_BUFFER_BYTES:
            raise EventRefused("The input audio buffer is full.", code="input_audio_buffer_full")
        self._data += data
        if self._vad is None or self._turn is None:
            return []
        turns: list[TurnStarted | TurnEnded] = []
        for edge in self._vad.hear(data):
            if edge.edge is Edge.STARTED:
                self._drop_until(edge.at_ms)
                turns.append(TurnStarted(edge.at_ms))
            else:
                turns.append(TurnEnded(edge.at_ms, self._take_until(edge.at_ms)))
        if not self._vad.speaking:
            # Speech is noticed two frames after it began, so more than the padding is kept.
            self._drop_until(self._end_ms - self._turn.prefix_padding_ms - _NOTICE_MS)
        return turns

    def commit(self) -> bytes:
        """Return all of the audio and start anew.

        Raises:
            EventRefused: There is less than 100 ms of it.
        """
        held_ms = self._format.duration_ms(len(self._data))
        if held_ms < MIN_COMMIT_MS:
            raise EventRefused(
                f"Error committing input audio buffer: buffer too small. Expected at least {MIN_COMMIT_MS}ms "
                f"of audio, but buffer only has {held_ms:.2f}ms of audio.",
                code="input_audio_buffer_commit_empty",
            )
        return self.clear()

    def clear(self) -> bytes:
        """Empty the buffer, forget speech that had started, and return what was in it."""
        if self._vad is not None:
            self._vad.forget()
        return self._drop(len(self._data))

    def _take_until(self, at_ms: float) -> bytes:
        return self._drop(self._format.size_bytes(at_ms - self._start_ms))

    def _drop_until(self, at_ms: float) -> None:
        if at_ms > self._start_ms:
            self._take_until(at_ms)

    def _drop(self, size_bytes: int) -> bytes:
        dropped = bytes(self._data[:size_bytes])
        del self._data[:size_bytes]
        self._start_ms += self._format.duration_ms(len(dropped))
        return dropped
