"""Audio as the wire carries it: how long it is, how loud it is, and a quiet tone to answer with."""

from __future__ import annotations

import array
import enum
import math
import operator
import sys
from bisect import bisect_left
from functools import cache

__all__ = ["AudioFormat", "loudness", "tone"]

_TONE_HZ = 440
_TONE_PEAK = 500
"""1.5 % of full scale: quiet enough that an answer played back into a microphone is no speech to `Vad`."""


class AudioFormat(enum.Enum):
    """How sound is coded; a value is its rate in Hz, bytes per sample and name.

    OpenAI knows the first three. The other rates of PCM are xAI's, and two of them Voice Live's.
    """

    PCM16 = (24_000, 2, "pcm16")
    ULAW = (8_000, 1, "g711_ulaw")
    ALAW = (8_000, 1, "g711_alaw")
    PCM16_8K = (8_000, 2, "pcm16")
    PCM16_16K = (16_000, 2, "pcm16")
    PCM16_22K = (22_050, 2, "pcm16")
    PCM16_32K = (32_000, 2, "pcm16")
    PCM16_44K = (44_100, 2, "pcm16")
    PCM16_48K = (48_000, 2, "pcm16")

    @classmethod
    def pcm(cls, rate_hz: int) -> AudioFormat:
        """Return PCM of a rate. Raises ``ValueError`` for one that nobody knows."""
        return cls((rate_hz, 2, "pcm16"))

    @property
    def rate_hz(self) -> int:
        """Samples a second."""
        return self.value[0]

    @property
    def is_pcm(self) -> bool:
        """It is linear, 16 bits little-endian; else G.711."""
        return self.value[1] == 2

    def size_bytes(self, duration_ms: float) -> int:
        """Return what *duration_ms* milliseconds take, in whole samples."""
        return round(duration_ms * self.value[0] / 1000) * self.value[1]

    def duration_ms(self, size_bytes: int) -> float:
        """Return how long *size_bytes* of audio last, in milliseconds."""
        return size_bytes * 1000 / (self.value[0] * self.value[1])

    def samples(self, data: bytes) -> array.array[int]:
        """Return *data* as signed 16-bit samples. An odd last byte of PCM is no sample and is left out."""
        if not self.is_pcm:
            table = _decoding(self)
            return array.array("h", [table[byte] for byte in data])
        samples = array.array("h", data[: len(data) // 2 * 2])
        if sys.byteorder == "big":  # the wire is little-endian
            samples.byteswap()
        return samples


def loudness(samples: array.array[int]) -> float:
    """Return the root mean square of *samples*, as a share of full scale: 0 is silence."""
    if not samples:
        return 0.0
    return math.sqrt(sum(map(operator.mul, samples, samples)) / len(samples)) / 32768


@cache
def tone(audio_format: AudioFormat, duration_ms: int) -> bytes:
    """Return *duration_ms* of a quiet 440 Hz tone.

    Pieces whose length is a multiple of 25 ms hold whole periods, so that they join without a click.
    """
    count = audio_format.rate_hz * duration_ms // 1000
    turn = 2 * math.pi * _TONE_HZ / audio_format.rate_hz
    wave = array.array("h", [round(_TONE_PEAK * math.sin(turn * index)) for index in range(count)])
    if not audio_format.is_pcm:
        return bytes(_nearest_code(audio_format, sample) for sample in wave)
    if sys.byteorder == "big":
        wave.byteswap()
    return wave.tobytes()


@cache
def _decoding(audio_format: AudioFormat) -> tuple[int, ...]:
    expand = _expand_ulaw if audio_format is AudioFormat.ULAW else _expand_alaw
    return tuple(expand(code) for code in range(256))


@cache
def _encoding(audio_format: AudioFormat) -> list[tuple[int, int]]:
    return sorted((sample, code) for code, sample in enumerate(_decoding(audio_format)))


def _nearest_code(audio_format: AudioFormat, sample: int) -> int:
    table = _encoding(audio_format)
    at = bisect_left(table, (sample, 0))
    return min(table[max(0, at - 1) : at + 1], key=lambda entry: abs(entry[0] - sample))[1]


def _expand_ulaw(code: int) -> int:
    """ITU-T G.711, table 2."""
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)
    return 0x84 - magnitude if code & 0x80 else magnitude - 0x84


def _expand_alaw(code: int) -> int:
    """ITU-T G.711, table 1."""
    code ^= 0x55
    segment = (code & 0x70) >> 4
    magnitude = ((code & 0x0F) << 4) + (0x08 if segment == 0 else 0x108)
    magnitude <<= max(0, segment - 1)
    return magnitude if code & 0x80 else -magnitude
