"""What a caller's microphone sends, and a cue that keeps callers talking until something has happened."""

from __future__ import annotations

import array
import asyncio
import base64
import math
import sys

import aiohttp
from attrs import define, field

__all__ = ["RATE_HZ", "Cue", "Microphone", "Websocket"]

RATE_HZ = 24_000  # OpenAI: the one rate of ``audio/pcm``
_CHUNK_MS = 100
_HALF_A_SENTENCE = 3
_SILENCE = 5  # server VAD ends a turn after 500 ms of silence by default, on either vendor
_CHUNK_SAMPLES = RATE_HZ * _CHUNK_MS // 1000

Websocket = aiohttp.ClientWebSocketResponse[bool]


@define(eq=False)
class Cue:
    """Keeps callers in the middle of their sentences.

    Attributes:
        callers: How many there are.
        all_talk: Set once each of them is in the middle of a sentence, or has left.
        given: To be set when they may come to an end.
    """

    callers: int
    all_talk: asyncio.Event = field(factory=asyncio.Event)
    given: asyncio.Event = field(factory=asyncio.Event)
    _names: set[str] = field(factory=set)

    def reached(self, name: str) -> None:
        """Count a caller that talks, or has left."""
        self._names.add(name)
        if len(self._names) == self.callers:
            self.all_talk.set()


@define(eq=False)
class Microphone:
    """Speaks one sentence, a tone, and sends the silence behind it, as fast as a microphone would.

    Attributes:
        websocket: Where to.
        said_ms: How much has been said, without the silence.
    """

    websocket: Websocket
    said_ms: int = 0

    async def speak(self, name: str, cue: Cue | None) -> None:
        """Send it all; in the middle, go on until *cue* is given."""
        await self._talk(_HALF_A_SENTENCE)
        if cue is not None:
            cue.reached(name)
            while not cue.given.is_set():
                await self._talk(1)
        await self._talk(_HALF_A_SENTENCE)
        for _ in range(_SILENCE):
            await self._send(bytes(2 * _CHUNK_SAMPLES))

    async def _talk(self, chunks: int) -> None:
        for _ in range(chunks):
            sound = _tone(self.said_ms // _CHUNK_MS)
            self.said_ms += _CHUNK_MS
            await self._send(sound)

    async def _send(self, sound: bytes) -> None:
        audio = base64.b64encode(sound).decode()
        await self.websocket.send_json({"type": "input_audio_buffer.append", "audio": audio})
        await asyncio.sleep(_CHUNK_MS / 1000)


def _tone(chunk: int) -> bytes:
    turn = 2 * math.pi * 220 / RATE_HZ
    start = chunk * _CHUNK_SAMPLES
    wave = [round(10_000 * math.sin(turn * index)) for index in range(start, start + _CHUNK_SAMPLES)]
    samples = array.array("h", wave)
    if sys.byteorder == "big":  # the wire is little-endian
        samples.byteswap()
    return samples.tobytes()
