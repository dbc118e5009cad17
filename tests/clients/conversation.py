"""A whole conversation, in either dialect: what every client holds with every upstream.

Standard library only, since it also runs beside an ``openai`` of 2024 that has an environment of its own.
"""

import array
import base64
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

Event = dict[str, Any]

TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "Tells the weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
_VAD = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}
_HEARD = {"model": "whisper-1", "language": "en"}


@dataclass
class Language:
    """What differs between the dialects for who speaks them."""

    complete: str
    text: str
    audio: str
    transcript: str
    written: Event
    spoken: Event
    in_text: Event


GA = Language(
    complete="conversation.item.done",
    text="response.output_text",
    audio="response.output_audio",
    transcript="response.output_audio_transcript",
    written={
        "type": "realtime",
        "output_modalities": ["text"],
        "instructions": "Be brief.",
        "tools": [TOOL],
        "tool_choice": "auto",
        "max_output_tokens": 1_000,
    },
    spoken={
        "type": "realtime",
        "output_modalities": ["audio"],
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24_000},
                "transcription": _HEARD,
                "turn_detection": {**_VAD, "create_response": True, "interrupt_response": True},
                "noise_reduction": {"type": "near_field"},
            },
            "output": {"voice": "alloy", "format": {"type": "audio/pcm", "rate": 24_000}},
        },
    },
    in_text={"output_modalities": ["text"]},
)
BETA = Language(
    complete="conversation.item.created",
    text="response.text",
    audio="response.audio",
    transcript="response.audio_transcript",
    written={
        "modalities": ["text"],
        "instructions": "Be brief.",
        "tools": [TOOL],
        "tool_choice": "auto",
        "temperature": 0.7,
        "max_response_output_tokens": 1_000,
    },
    spoken={
        "modalities": ["text", "audio"],
        "voice": "alloy",
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "input_audio_transcription": {"model": "whisper-1"},
        "turn_detection": {**_VAD, "create_response": True},
    },
    in_text={"modalities": ["text"]},
)


class Client(Protocol):
    """A client's library, or a plain websocket."""

    async def send(self, event: Event) -> None: ...

    async def receive(self) -> Event: ...


@dataclass
class Talk:
    """Sends, and remembers all that was said to it."""

    client: Client
    language: Language
    heard: list[Event] = field(default_factory=list)

    async def say(self, kind: str, **fields: Any) -> None:
        await self.client.send({"type": kind, **fields})

    async def until(self, *kinds: str, where: Callable[[Event], bool] = lambda _: True) -> Event:
        """Return the next event of one of *kinds*."""
        while True:
            event = await self.client.receive()
            self.heard.append(event)
            if event["type"] in kinds and where(event):
                return event
            if event["type"] == "error":
                raise AssertionError(event)

    async def write(self, text: str, **item: Any) -> Event:
        content = [{"type": "input_text", "text": text}]
        await self.say(
            "conversation.item.create", item={"type": "message", "role": "user", "content": content, **item}
        )
        return dict((await self.until(self.language.complete))["item"])

    async def speak(self, *, loud_ms: int, silent_ms: int) -> None:
        for chunk in sound(loud_ms=loud_ms, silent_ms=silent_ms):
            await self.say("input_audio_buffer.append", audio=chunk)


def sound(*, loud_ms: int, silent_ms: int, rate_khz: int = 24) -> list[str]:
    """A tone and then silence, as 20 ms of PCM16 each."""
    tone = [round(12_000 * math.sin(n / 4)) for n in range(rate_khz * loud_ms)]
    samples, size = tone + [0] * (rate_khz * silent_ms), 20 * rate_khz
    chunks = (array.array("h", samples[at : at + size]) for at in range(0, len(samples), size))
    return [base64.b64encode(chunk.tobytes()).decode() for chunk in chunks]


async def converse(client: Client, language: Language, *, at_once: Event | None = None) -> list[Event]:
    """Hold the conversation, and return every event that the client heard.

    Args:
        client: Connected.
        language: What it speaks.
        at_once: A ``response.create`` to send before anything was heard.

    Raises:
        AssertionError: Something did not go as it does with the real thing.
    """
    talk = Talk(client, language)
    if at_once is not None:
        await client.send(at_once)
    await talk.until("session.created")
    if at_once is not None:
        assert (await talk.until("response.done"))["response"]["status"] == "completed"
    await _text_turn(talk, language)
    await _function_call(talk, language)
    await _out_of_band(talk, language)
    await _audio_turn_with_barge_in(talk, language)
    await _benign_error(talk)
    return talk.heard


async def _text_turn(talk: Talk, language: Language) -> None:
    await talk.say("session.update", session=language.written)
    await talk.until("session.updated")
    item = await talk.write("Hello there", id="msg_hello")
    assert item["id"] == "msg_hello", item
    before = len(talk.heard)
    await talk.say("response.create")
    done = await talk.until("response.done")
    assert done["response"]["status"] == "completed", done
    said = talk.heard[before:]
    deltas = [event["delta"] for event in said if event["type"] == f"{language.text}.delta"]
    (written,) = [event["text"] for event in said if event["type"] == f"{language.text}.done"]
    assert "".join(deltas) == written, (deltas, written)
    await talk.say("conversation.item.delete", item_id="msg_hello")
    assert (await talk.until("conversation.item.deleted"))["item_id"] == "msg_hello"


async def _function_call(talk: Talk, language: Language) -> None:
    await talk.write("How is the weather in Oslo?")
    order = {**language.in_text, "tool_choice": "required", "metadata": {"turn": "2"}}
    await talk.say("response.create", response=order)
    await talk.until("response.function_call_arguments.done")
    done = await talk.until("response.done")
    (call,) = done["response"]["output"]
    assert (call["type"], call["name"]) == ("function_call", "get_weather"), call
    assert done["response"]["metadata"] == {"turn": "2"}, done
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
    await talk.say("conversation.item.create", item=output)
    await talk.until(language.complete)
    await talk.say("response.create", response={"tool_choice": "none"})
    done = await talk.until("response.done")
    assert done["response"]["output"][0]["content"][0]["text"].endswith("sunny"), done


async def _out_of_band(talk: Talk, language: Language) -> None:
    asked = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Sum up"}]}
    order = {**language.in_text, "conversation": "none", "input": [asked], "metadata": {"topic": "sum"}}
    before = len(talk.heard)
    await talk.say("response.create", response=order)
    done = await talk.until("response.done")
    assert done["response"]["metadata"] == {"topic": "sum"}, done
    joined = [event for event in talk.heard[before:] if event["type"].startswith("conversation.item.")]
    assert joined == [], joined


async def _audio_turn_with_barge_in(talk: Talk, language: Language) -> None:
    await talk.say("session.update", session=language.spoken)
    await talk.until("session.updated")
    await talk.speak(loud_ms=1_000, silent_ms=400)
    for kind in ("speech_started", "speech_stopped", "committed"):
        await talk.until(f"input_audio_buffer.{kind}")
    delta = await talk.until(f"{language.audio}.delta")
    await talk.speak(loud_ms=300, silent_ms=0)
    await talk.until("input_audio_buffer.speech_started")
    cut = await talk.until("response.done")
    assert (cut["response"]["status"], cut["response"]["status_details"]["reason"]) == (
        "cancelled",
        "turn_detected",
    ), cut
    await talk.say("conversation.item.truncate", item_id=delta["item_id"], content_index=0, audio_end_ms=100)
    await talk.until("conversation.item.truncated")
    await talk.speak(loud_ms=300, silent_ms=400)
    await talk.until(f"{language.audio}.delta")
    await talk.say("response.cancel")
    cut = await talk.until("response.done")
    assert cut["response"]["status_details"]["reason"] == "client_cancelled", cut
    transcribed = "conversation.item.input_audio_transcription.completed"
    while sum(event["type"] == transcribed for event in talk.heard) < 2:
        await talk.until(transcribed)


async def _benign_error(talk: Talk) -> None:
    """A race that every voice app has: its id comes back, and the session goes on."""
    await talk.say("response.cancel", event_id="mine_1")
    while True:
        event = await talk.client.receive()
        talk.heard.append(event)
        if event["type"] == "error":
            break
    assert (event["error"]["code"], event["error"]["event_id"]) == ("response_cancel_not_active", "mine_1")
    await talk.write("Still there?")
