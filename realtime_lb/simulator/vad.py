"""Server VAD: where speech starts and stops in the audio that was received. No clock but the audio itself."""

from __future__ import annotations

import enum

from attrs import frozen

from realtime_lb.simulator.audio import AudioFormat, loudness
from realtime_lb.simulator.settings import TurnDetection

__all__ = ["Edge", "SpeechEdge", "Vad", "has_speech"]

FRAME_MS = 20
"""How finely speech is looked for; the frame of most voice codecs."""

_MIN_SPEECH_FRAMES = 2
"""A single loud frame is a click."""

_EVEN_ODDS = 0.02
"""The loudness (-34 dBFS) at which speech is as likely as not, so that the default threshold is 0.5."""


class Edge(enum.Enum):
    """Which way speech changed."""

    STARTED = "started"
    STOPPED = "stopped"


@frozen
class SpeechEdge:
    """Speech started or stopped.

    Attributes:
        edge: Which of the two.
        at_ms: Where. A start includes the prefix padding, a stop the silence that ended the turn.
    """

    edge: Edge
    at_ms: int


def has_speech(audio: bytes, audio_format: AudioFormat) -> bool:
    """Say whether a detector with the usual settings hears speech in *audio*."""
    return bool(Vad(TurnDetection(), audio_format).hear(audio))


class Vad:
    """Listens to one audio stream.

    Args:
        turn: Threshold, padding and silence.
        audio_format: How the stream is coded.
        position_ms: Where in the session the stream starts.
    """

    def __init__(self, turn: TurnDetection, audio_format: AudioFormat, position_ms: float = 0) -> None:
        self._turn = turn
        self._format = audio_format
        self._frame_bytes = audio_format.size_bytes(FRAME_MS)
        self._rest = b""
        self._position_ms = position_ms
        self._floor_ms = position_ms
        self._loud_frames = 0
        self._quiet_ms = 0
        self.speaking = False

    def hear(self, data: bytes) -> list[SpeechEdge]:
        """Take the next bytes of the stream; return what changed in them, in order."""
        data = self._rest + data
        whole = len(data) - len(data) % self._frame_bytes
        self._rest = data[whole:]
        edges = (self._frame(data[at : at + self._frame_bytes]) for at in range(0, whole, self._frame_bytes))
        return [edge for edge in edges if edge is not None]

    def forget(self) -> None:
        """Drop speech that has started: its audio was committed or cleared."""
        self.speaking = False
        self._loud_frames = self._quiet_ms = 0
        self._floor_ms = self._position_ms

    def _frame(self, frame: bytes) -> SpeechEdge | None:
        self._position_ms += FRAME_MS
        loud = self._is_speech(frame)
        if self.speaking:
            return self._while_speaking(loud=loud)
        self._loud_frames = self._loud_frames + 1 if loud else 0
        if self._loud_frames < _MIN_SPEECH_FRAMES:
            return None
        self.speaking, self._quiet_ms = True, 0
        start_ms = self._position_ms - self._loud_frames * FRAME_MS - self._turn.prefix_padding_ms
        return SpeechEdge(Edge.STARTED, round(max(self._floor_ms, start_ms)))

    def _while_speaking(self, *, loud: bool) -> SpeechEdge | None:
        self._quiet_ms = 0 if loud else self._quiet_ms + FRAME_MS
        if self._quiet_ms == 0 or self._quiet_ms < self._turn.silence_duration_ms:
            return None
        self.forget()
        return SpeechEdge(Edge.STOPPED, round(self._position_ms))

    def _is_speech(self, frame: bytes) -> bool:
        level = loudness(self._format.samples(frame))
        return level / (level + _EVEN_ODDS) >= self._turn.threshold if level else False
