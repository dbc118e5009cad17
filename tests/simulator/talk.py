"""A client of the simulator that holds every event it gets to the official types."""

from __future__ import annotations

import array
import base64
import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from openai.types import realtime as ga_types
from openai.types.beta import realtime as beta_types
from pydantic import TypeAdapter

from realtime_lb.providers.quirk_tables import VOICE_LIVE_QUIRKS, XAI_QUIRKS
from realtime_lb.quirks import NO_QUIRKS, Quirks
from realtime_lb.simulator import Face, Simulator
from realtime_lb.typing import Dialect

_OFFICIAL: dict[Dialect, TypeAdapter[Any]] = {
    Dialect.GA: TypeAdapter(ga_types.RealtimeServerEvent),
    Dialect.BETA: TypeAdapter(beta_types.RealtimeServerEvent),
}

NO_OFFICIAL_TYPE = {"transcription_session.created", "transcription_session.updated"}
"""The SDK never had the first, and its second wants the ``client_secret`` that only REST answers hold."""

PREVIEW = "/openai/realtime?api-version=2025-04-01-preview&deployment=gpt-4o-realtime-preview"
PATHS = {
    (Face.OPENAI, Dialect.GA): "/v1/realtime?model=gpt-realtime",
    (Face.AZURE, Dialect.GA): "/openai/v1/realtime?model=my-voice",
    (Face.AZURE, Dialect.BETA): PREVIEW,
}
VOICE_LIVE = "/voice-live/realtime?api-version=2026-04-10&model=gpt-realtime"
GROK = "/v1/realtime?model=grok-voice-latest"
_OTHER_PATHS = {(Face.VOICE_LIVE, Dialect.BETA): VOICE_LIVE, (Face.XAI, Dialect.GA): GROK}
"""Faces that are not quite of their dialect, so that not every story of a dialect is one of theirs."""

QUIRKS = {Face.VOICE_LIVE: VOICE_LIVE_QUIRKS, Face.XAI: XAI_QUIRKS}


def sound(duration_ms: int, *, rate_hz: int = 24_000) -> bytes:
    """Speech, as far as an energy detector can tell."""
    count = rate_hz * duration_ms // 1000
    return array.array("h", [round(8000 * math.sin(index / 10)) for index in range(count)]).tobytes()


def hush(duration_ms: int) -> bytes:
    return bytes(48 * duration_ms)


class Talk:
    """One connection."""

    def __init__(
        self, ws: aiohttp.ClientWebSocketResponse, dialect: Dialect, quirks: Quirks = NO_QUIRKS
    ) -> None:
        self.ws = ws
        self.dialect = dialect
        self.quirks = quirks
        self.in_own_words = False  # it was asked for what only this vendor has, and no official type knows
        self.heard: list[dict[str, Any]] = []
        self.opening: list[dict[str, Any]] = []

    async def say(self, event_type: str, **fields: Any) -> None:
        await self.ws.send_str(json.dumps({"type": event_type, **fields}))

    async def hear(self) -> dict[str, Any]:
        message = await self.ws.receive()
        assert message.type is aiohttp.WSMsgType.TEXT, message
        event: dict[str, Any] = json.loads(message.data)
        plain = self.quirks.to_dialect(event)
        if plain is not None and not self.in_own_words and event["type"] not in NO_OFFICIAL_TYPE:
            _OFFICIAL[self.dialect].validate_json(json.dumps(plain), strict=True)
        assert event["event_id"] not in {old["event_id"] for old in self.heard}
        self.heard.append(event)
        return event

    async def until(self, *event_types: str) -> list[dict[str, Any]]:
        """Hear until each of *event_types* came once more; return all that came meanwhile."""
        missing = set(event_types)
        events = []
        while missing:
            events.append(await self.hear())
            missing.discard(events[-1]["type"])
        return events

    async def ask(self, event_type: str, answer: str, **fields: Any) -> dict[str, Any]:
        """Say one event and return the first of type *answer*."""
        await self.say(event_type, **fields)
        return (await self.until(answer))[-1]

    async def error(self, event_type: str, **fields: Any) -> dict[str, Any]:
        """Say one event that must be refused, and return the error."""
        event = await self.ask(event_type, "error", event_id="mine", **fields)
        assert event["error"]["event_id"] == "mine"
        error: dict[str, Any] = event["error"]
        return error

    async def append(self, audio: bytes, chunk: int = 4800) -> None:
        for at in range(0, len(audio), chunk):
            piece = base64.b64encode(audio[at : at + chunk]).decode()
            await self.say("input_audio_buffer.append", audio=piece)

    async def user_says(self, text: str, **fields: Any) -> dict[str, Any]:
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        done = "conversation.item.done" if self.dialect is Dialect.GA else "conversation.item.created"
        if self.quirks.item_done is False:
            done = "conversation.item.added"
        return await self.ask("conversation.item.create", done, item=item | fields)

    async def closed(self) -> tuple[int | None, str]:
        """Wait for the end; return the close code and reason."""
        message = await self.ws.receive()
        while message.type is aiohttp.WSMsgType.TEXT:
            message = await self.ws.receive()
        reason = message.extra if message.type is aiohttp.WSMsgType.CLOSE else ""
        return self.ws.close_code, reason or ""


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def squeezed(events: list[dict[str, Any]]) -> list[str]:
    """The types in order, runs of deltas as one."""
    names: list[str] = []
    for name in types(events):
        is_repeat = name.endswith(".delta") and name in names and names[-1].endswith(".delta")
        if not is_repeat:
            names.append(name)
    return names


@asynccontextmanager
async def call(simulator: Simulator, path: str | None = None, **headers: str) -> AsyncIterator[Talk]:
    """Dial without waiting for anything."""
    path = path or PATHS[simulator.face, Dialect.GA]
    is_azure = simulator.face in {Face.AZURE, Face.VOICE_LIVE}
    keys = {"api-key": "sk-sim"} if is_azure else {"Authorization": "Bearer sk-sim"}
    dialect = Dialect.BETA if "api-version" in path else Dialect.GA
    url = simulator.base_url + path
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(url, headers=keys | headers, max_msg_size=0) as ws,
    ):
        yield Talk(ws, dialect, QUIRKS.get(simulator.face, NO_QUIRKS))


@asynccontextmanager
async def talk(
    face: Face = Face.OPENAI, dialect: Dialect = Dialect.GA, **options: Any
) -> AsyncIterator[tuple[Talk, Simulator]]:
    """Start a simulator, open a session in it, and hear its first event or events."""
    path = {**PATHS, **_OTHER_PATHS}[face, dialect]
    usual = ("session.created",) if dialect is Dialect.GA else ("session.created", "conversation.created")
    async with Simulator(face, **options) as simulator, call(simulator, path) as client:
        client.opening = await client.until(*(client.quirks.opens_with or usual))
        yield client, simulator
