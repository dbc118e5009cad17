"""A small voice client: one text turn, then one spoken turn whose end the server hears."""

from __future__ import annotations

import array
import asyncio
import base64
import itertools
import math
import sys
from collections.abc import Iterator

import aiohttp
from attrs import frozen
from yarl import URL

from realtime_lb.events import parse_event
from realtime_lb.typing import JsonObject

__all__ = ["Call", "CallFailed", "call"]

_PATIENCE_S = 20.0
_RATE_HZ = 24_000  # OpenAI: the one rate of ``audio/pcm``
_CHUNK_MS = 100
_SPEECH_CHUNKS = 6
_SILENCE_CHUNKS = 5  # server VAD ends a turn after 500 ms of silence by default, on either vendor
_QUESTION = "Who answers me?"

Websocket = aiohttp.ClientWebSocketResponse[bool]


class CallFailed(Exception):
    """A call did not go as it should; the text says how."""


@frozen
class Call:
    """What a client got out of its session.

    Attributes:
        text: The answer to its text turn.
        audio_ms: How long the answer to its spoken turn lasts.
    """

    text: str
    audio_ms: float


async def call(http: aiohttp.ClientSession, url: str, *, name: str, model: str) -> Call:
    """Hold one conversation at the websocket *url* and hang up.

    Args:
        http: Dials.
        url: Where the gateway serves realtime sessions.
        name: Shown as the key.
        model: What to ask for.

    Raises:
        CallFailed: The session could not be had, ended early, or gave no proper answer in time.
    """
    try:
        async with (
            asyncio.timeout(_PATIENCE_S),
            http.ws_connect(
                URL(url).with_query(model=model), headers={"Authorization": f"Bearer {name}"}, max_msg_size=0
            ) as websocket,
        ):
            await _until(websocket, "session.created")
            text = await _ask(websocket)
            return Call(text, await _speak(websocket))
    except TimeoutError:
        raise CallFailed(f"nothing more came for {_PATIENCE_S:g} s") from None
    except aiohttp.ClientError as error:
        raise CallFailed(f"no session: {error}") from error


async def _ask(websocket: Websocket) -> str:
    content = [{"type": "input_text", "text": _QUESTION}]
    item = {"type": "message", "role": "user", "content": content}
    await websocket.send_json({"type": "conversation.item.create", "item": item})
    await websocket.send_json({"type": "response.create", "response": {"output_modalities": ["text"]}})
    events = await _until(websocket, "response.done")
    _check_completed(events[-1])
    return "".join(event["text"] for event in events if event["type"] == "response.output_text.done")


async def _speak(websocket: Websocket) -> float:
    speaking = asyncio.create_task(_send_speech(websocket))
    try:
        events = await _until(websocket, "response.done")
    finally:
        speaking.cancel()
        await asyncio.wait({speaking})
    _check_completed(events[-1])
    types = {event["type"] for event in events}
    if not types >= {"input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"}:
        raise CallFailed("the upstream did not hear where the speech began and ended")
    deltas = [event["delta"] for event in events if event["type"] == "response.output_audio.delta"]
    return sum(len(base64.b64decode(delta)) for delta in deltas) / (2 * _RATE_HZ) * 1000


async def _send_speech(websocket: Websocket) -> None:
    """Send a tone and then silence, as fast as a microphone would."""
    for chunk in itertools.chain(_tone(), itertools.repeat(bytes(_chunk_samples() * 2), _SILENCE_CHUNKS)):
        audio = base64.b64encode(chunk).decode()
        await websocket.send_json({"type": "input_audio_buffer.append", "audio": audio})
        await asyncio.sleep(_CHUNK_MS / 1000)


def _tone() -> Iterator[bytes]:
    turn = 2 * math.pi * 220 / _RATE_HZ
    for number in range(_SPEECH_CHUNKS):
        start = number * _chunk_samples()
        wave = [round(10_000 * math.sin(turn * index)) for index in range(start, start + _chunk_samples())]
        samples = array.array("h", wave)
        if sys.byteorder == "big":  # the wire is little-endian
            samples.byteswap()
        yield samples.tobytes()


def _chunk_samples() -> int:
    return _RATE_HZ * _CHUNK_MS // 1000


async def _until(websocket: Websocket, last_type: str) -> list[JsonObject]:
    """Return all events up to the next of *last_type*."""
    events = []
    async for message in websocket:
        event = parse_event(message.data.encode()) if message.type is aiohttp.WSMsgType.TEXT else None
        if event is None:
            raise CallFailed("the gateway sent something that is no event")
        if event["type"] == "error":
            raise CallFailed(f"the gateway sent an error: {event['error'].get('message')}")
        events.append(event)
        if event["type"] == last_type:
            return events
    raise CallFailed(f"the session ended with close code {websocket.close_code} before {last_type}")


def _check_completed(done: JsonObject) -> None:
    status = done["response"].get("status")
    if status != "completed":
        raise CallFailed(f"a response ended as {status!r}")
