"""The events that the rig sends, each with who, which and when written into its ``event_id``.

An audio frame is as large as a real one: 20 ms (up) or 200 ms (down) of PCM16 at 24 kHz in base64, of a
synthetic voice, since silence would be all ``A`` and unlike any real payload. Every frame of a stencil has
the same length and differs in 39 digits only, so that writing one and checking one cost next to nothing.
"""

from __future__ import annotations

import array
import base64
import json
import math
import random
import sys
import time
from typing import Any, NamedTuple

from attrs import define

__all__ = ["CREATED", "MODEL", "Stamp", "Stencil", "Stencils", "read_stamp"]

MODEL = "gpt-realtime"
RATE_HZ = 24_000
UP_MS = 20
DOWN_MS = 200
VARIANTS = 8

MARK = b"event_rig_"
_SLOT = "event_rig_" + "#" * 39
_DIGITS = b"%03d%06d%010d%020d"
_WORDS = ("so", "the", "next", "train", "to", "Bristol", "leaves", "at", "a", "quarter", "past", "nine")

CREATED = json.dumps({
    "type": "session.created",
    "event_id": "event_Cq3y0Mwh5TzXz6o8nQJ1v",
    "session": {
        "type": "realtime",
        "object": "realtime.session",
        "id": "sess_Cq3y0AbPVJmjGTE1Gn0Zd",
        "model": MODEL,
        "output_modalities": ["audio"],
        "instructions": "You are a helpful, witty and friendly AI. Talk quickly.",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "expires_at": 4_102_444_800,
        "include": None,
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": RATE_HZ},
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": {"type": "server_vad", "threshold": 0.5, "create_response": True},
            },
            "output": {"format": {"type": "audio/pcm", "rate": RATE_HZ}, "voice": "marin", "speed": 1.0},
        },
    },
}).encode()  # fmt: skip
"""What an upstream says first, as OpenAI's GA servers do."""


class Stamp(NamedTuple):
    """What a frame says of itself.

    Attributes:
        stencil: Which it was made from.
        session: Whose it is.
        number: Its place among those of its session and direction, from 0.
        sent_ns: When it was written, on the monotonic clock.
    """

    stencil: int
    session: int
    number: int
    sent_ns: int


@define(slots=True)
class Stencil:
    """A frame but for its stamp.

    Attributes:
        index: Its place among all stencils.
        head: What stands before the stamp.
        tail: What stands behind it.
    """

    index: int
    head: bytes
    tail: bytes

    def write(self, session: int, number: int) -> bytes:
        """Return a frame that is stamped now."""
        stamp = _DIGITS % (self.index, session, number, time.monotonic_ns())
        return b"".join((self.head, stamp, self.tail))

    def rewrite(self, stamp: Stamp) -> bytes:
        """Return the frame that had *stamp*."""
        return b"".join((self.head, _DIGITS % stamp, self.tail))


def read_stamp(payload: bytes) -> Stamp | None:
    """Return the stamp of *payload*; None if it has none, as events have that are not the rig's."""
    at = payload.find(MARK)
    if at < 0:
        return None
    at += len(MARK)
    return Stamp(
        int(payload[at : at + 3]),
        int(payload[at + 3 : at + 9]),
        int(payload[at + 9 : at + 19]),
        int(payload[at + 19 : at + 39]),
    )


class Stencils:
    """All frames that a run sends, made from one seed.

    Attributes:
        appends: Uplink audio, 1.4 KB each.
        audio: Downlink audio, 13 KB each.
        transcripts: Downlink words, 0.2 KB each.
    """

    def __init__(self, seed: int) -> None:
        self._all: list[Stencil] = []
        rng = random.Random(seed)
        answer = {"response_id": "resp_Cq3y0", "item_id": "item_Cq3y0", "output_index": 0, "content_index": 0}
        self.appends = [
            self._add("input_audio_buffer.append", {}, {"audio": _voice(rng, UP_MS)}) for _ in range(VARIANTS)
        ]
        self.audio = [
            self._add("response.output_audio.delta", answer, {"delta": _voice(rng, DOWN_MS)})
            for _ in range(VARIANTS)
        ]
        self.transcripts = [
            self._add("response.output_audio_transcript.delta", answer, {"delta": f" {rng.choice(_WORDS)}"})
            for _ in range(VARIANTS)
        ]

    def __getitem__(self, index: int) -> Stencil:
        return self._all[index]

    def _add(self, kind: str, about: dict[str, Any], content: dict[str, str]) -> Stencil:
        event = {"type": kind, "event_id": _SLOT, **about, **content}
        head, tail = json.dumps(event, separators=(",", ":")).encode().split(b"#" * 39)
        stencil = Stencil(len(self._all), head, tail)
        self._all.append(stencil)
        return stencil


def _voice(rng: random.Random, milliseconds: int) -> str:
    """Return a vowel with some breath in it, as base64 of little-endian PCM16."""
    pitch_hz = rng.uniform(90, 220)
    parts = [(rng.uniform(500, 6000) / harmonic, pitch_hz * harmonic) for harmonic in range(1, 9)]
    samples = array.array("h")
    for at in range(RATE_HZ * milliseconds // 1000):
        level = sum(size * math.sin(2 * math.pi * hertz * at / RATE_HZ) for size, hertz in parts)
        samples.append(round(max(-32768, min(32767, level + rng.gauss(0, 200)))))
    if sys.byteorder == "big":
        samples.byteswap()
    return base64.b64encode(samples.tobytes()).decode()
