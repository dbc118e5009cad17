"""A small voice client: one text turn, one spoken turn whose end the server hears, and a look back."""

from __future__ import annotations

import asyncio
import base64
import re
from typing import Any

import aiohttp
from attrs import define, field, frozen
from yarl import URL

from realtime_lb.cli.demo.microphone import RATE_HZ, Cue, Microphone, Websocket
from realtime_lb.events import parse_event
from realtime_lb.typing import JsonObject

__all__ = ["Call", "CallFailed", "call"]

_PATIENCE_S = 20.0
_QUESTION = "Who answers me?"
_HEARD = re.compile(r"(\d+) ms of speech")
"""What the simulator answers to a sentence: how much of it reached the upstream that answers."""


class CallFailed(Exception):
    """A call did not go as it should; the text says how."""


@frozen
class Call:
    """What a client got out of its session.

    Attributes:
        text: The answer to its text turn.
        audio_ms: How long the answer to its spoken turn lasts.
        said_ms: How long it spoke.
        heard_ms: How much of that the answer was to.
    """

    text: str
    audio_ms: float
    said_ms: int = 0
    heard_ms: int = 0


async def call(
    http: aiohttp.ClientSession, url: str, *, name: str, model: str, cue: Cue | None = None
) -> Call:
    """Hold one conversation at the websocket *url* and hang up.

    Args:
        http: Dials.
        url: Where the gateway serves realtime sessions.
        name: Shown as the key.
        model: What to ask for.
        cue: Has the caller talk on until it is given.

    Raises:
        CallFailed: The session could not be had, ended early, or gave no proper answer in time; something
            came twice; or what was said first is forgotten at the end.
    """
    try:
        async with (
            asyncio.timeout(_PATIENCE_S),
            http.ws_connect(
                URL(url).with_query(model=model), headers={"Authorization": f"Bearer {name}"}, max_msg_size=0
            ) as websocket,
        ):
            return await _Conversation(websocket, name).hold(cue)
    except TimeoutError:
        raise CallFailed(f"nothing more came for {_PATIENCE_S:g} s") from None
    except aiohttp.ClientError as error:
        raise CallFailed(f"no session: {error}") from error


@define(eq=False)
class _Conversation:
    _websocket: Websocket
    _name: str
    _seen: set[str] = field(factory=set)

    async def hold(self, cue: Cue | None) -> Call:
        await self._until("session.created")
        text = await self._ask()
        answered = await self._speak(text, cue)
        await self._recall()
        return answered

    @property
    def _first_item_id(self) -> str:
        return f"item_of_{self._name}"

    async def _ask(self) -> str:
        content = [{"type": "input_text", "text": _QUESTION}]
        item = {"id": self._first_item_id, "type": "message", "role": "user", "content": content}
        await self._send("conversation.item.create", item=item)
        await self._send("response.create", response={"output_modalities": ["text"]})
        events = await self._until("response.done")
        _check_completed(events[-1])
        return "".join(event["text"] for event in events if event["type"] == "response.output_text.done")

    async def _speak(self, text: str, cue: Cue | None) -> Call:
        microphone = Microphone(self._websocket)
        speaking = asyncio.create_task(microphone.speak(self._name, cue))
        try:
            events = await self._until("response.done")
        finally:
            speaking.cancel()
            await asyncio.wait({speaking})
        _check_completed(events[-1])
        types = {event["type"] for event in events}
        if not types >= {"input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"}:
            raise CallFailed("the upstream did not hear where the speech began and ended")
        return Call(text, _sound_ms(events), microphone.said_ms, _heard_ms(events))

    async def _recall(self) -> None:
        """Ask for what was said first, by its id: whoever is there now has to know it."""
        await self._send("conversation.item.retrieve", item_id=self._first_item_id)
        item = (await self._until("conversation.item.retrieved"))[-1].get("item", {})
        if item.get("content", [{}])[0].get("text") != _QUESTION:
            raise CallFailed("the upstream did not remember what was said first")

    async def _send(self, event_type: str, **fields: Any) -> None:
        await self._websocket.send_json({"type": event_type, **fields})

    async def _until(self, last_type: str) -> list[JsonObject]:
        """Return all events up to the next of *last_type*."""
        events = []
        async for message in self._websocket:
            event = parse_event(message.data.encode()) if message.type is aiohttp.WSMsgType.TEXT else None
            if event is None:
                raise CallFailed("the gateway sent something that is no event")
            self._check(event)
            events.append(event)
            if event["type"] == last_type:
                return events
        raise CallFailed(f"the session ended with close code {self._websocket.close_code} before {last_type}")

    def _check(self, event: JsonObject) -> None:
        """See to it that *event* is no error, and new."""
        if event["type"] == "error":
            raise CallFailed(f"the gateway sent an error: {event['error'].get('message')}")
        for mark in (event.get("event_id"), event["type"] if event["type"] in _ONLY_ONCE else None):
            if mark in self._seen:
                raise CallFailed(f"{event['type']} came twice")
            if mark is not None:
                self._seen.add(mark)


_ONLY_ONCE = frozenset(
    {"session.created", "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"}
)
"""A caller hears these once, however often its session is moved."""


def _sound_ms(events: list[JsonObject]) -> float:
    deltas = [event["delta"] for event in events if event["type"] == "response.output_audio.delta"]
    return sum(len(base64.b64decode(delta)) for delta in deltas) / (2 * RATE_HZ) * 1000


def _heard_ms(events: list[JsonObject]) -> int:
    done = "response.output_audio_transcript.done"
    said = " ".join(event["transcript"] for event in events if event["type"] == done)
    heard = _HEARD.search(said)
    return int(heard[1]) if heard else 0


def _check_completed(done: JsonObject) -> None:
    status = done["response"].get("status")
    if status != "completed":
        raise CallFailed(f"a response ended as {status!r}")
