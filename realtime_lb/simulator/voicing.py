"""The output items of a response, and the events that they are told in."""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Protocol

from attrs import evolve

from realtime_lb.simulator.answers import Call, Speech
from realtime_lb.simulator.audio import AudioFormat, tone
from realtime_lb.simulator.items import Item, ItemKind, Part, PartKind
from realtime_lb.simulator.shape import EventNames
from realtime_lb.typing import JsonObject

__all__ = ["CallOutput", "Output", "Say", "SpokenOutput", "WrittenOutput"]

DELTA_MS = 200
_MS_PER_WORD = 300
"""Unhurried English speech, 200 words a minute."""

_ARGUMENT_DELTA_CHARS = 8


class Say(Protocol):
    """Sends one server event."""

    def __call__(self, event_type: str, /, **fields: Any) -> None:
        """Send an event of *event_type*; its id is added."""
        ...


class Output(ABC):
    """One item in the making.

    Attributes:
        item: The item as far as it has come.
    """

    def __init__(self, item: Item, names: EventNames) -> None:
        self.item = item
        self._names = names

    @abstractmethod
    def beats(self, say: Say) -> Iterator[float]:
        """Make the item piece by piece; each beat is worth so many milliseconds of sound."""

    @abstractmethod
    def close(self, say: Say) -> None:
        """Tell that the content is over, wherever it stands."""


class WrittenOutput(Output):
    """A message of text."""

    def __init__(self, item_id: str, speech: Speech, names: EventNames) -> None:
        part = Part(kind=PartKind.OUTPUT_TEXT)
        self._part = part
        super().__init__(Item(id=item_id, role="assistant", status="in_progress"), names)
        self._speech = speech

    def beats(self, say: Say) -> Iterator[float]:
        """Make the item piece by piece."""
        self.item = evolve(self.item, parts=(self._part,))
        say("response.content_part.added", content_index=0, part={"type": "text", "text": ""})
        for index, word in enumerate(self._speech.words):
            delta = word if index == 0 else f" {word}"
            self._part = evolve(self._part, text=self._part.text + delta)
            self.item = self.item.with_part(0, self._part)
            say(f"{self._names.text}.delta", content_index=0, delta=delta)
            yield 0

    def close(self, say: Say) -> None:
        """Tell that the content is over."""
        if self.item.parts:
            written = self._part.text
            say(f"{self._names.text}.done", content_index=0, text=written)
            say("response.content_part.done", content_index=0, part={"type": "text", "text": written})


class SpokenOutput(Output):
    """A message of sound and its transcript."""

    def __init__(self, item_id: str, speech: Speech, names: EventNames, audio_format: AudioFormat) -> None:
        super().__init__(Item(id=item_id, role="assistant", status="in_progress"), names)
        self._part = Part(kind=PartKind.OUTPUT_AUDIO, transcript="", audio_format=audio_format)
        self._speech = speech

    def beats(self, say: Say) -> Iterator[float]:
        """Make the item piece by piece."""
        self.item = evolve(self.item, parts=(self._part,))
        say("response.content_part.added", content_index=0, part={"type": "audio", "transcript": ""})
        words = self._speech.words
        length_ms = len(words) * _MS_PER_WORD
        spoken = 0
        for start_ms in range(0, length_ms, DELTA_MS):
            end_ms = min(start_ms + DELTA_MS, length_ms)
            while spoken < len(words) and spoken * _MS_PER_WORD < end_ms:
                self._transcribe(words[spoken] if spoken == 0 else f" {words[spoken]}", say)
                spoken += 1
            self._sound(end_ms - start_ms, say)
            yield end_ms - start_ms

    def _transcribe(self, delta: str, say: Say) -> None:
        self._part = evolve(self._part, transcript=f"{self._part.transcript}{delta}")
        say(f"{self._names.transcript}.delta", content_index=0, delta=delta)

    def _sound(self, duration_ms: int, say: Say) -> None:
        sound = tone(self._part.audio_format, duration_ms)
        self._part = evolve(self._part, audio=self._part.audio + sound)
        self.item = self.item.with_part(0, self._part)
        say(f"{self._names.audio}.delta", content_index=0, delta=base64.b64encode(sound).decode())

    def close(self, say: Say) -> None:
        """Tell that the content is over."""
        if self.item.parts:
            said = self._part.transcript
            say(f"{self._names.audio}.done", content_index=0)
            say(f"{self._names.transcript}.done", content_index=0, transcript=said)
            say("response.content_part.done", content_index=0, part={"type": "audio", "transcript": said})


class CallOutput(Output):
    """A function call."""

    def __init__(self, item_id: str, call_id: str, call: Call, names: EventNames) -> None:
        item = Item(
            id=item_id,
            kind=ItemKind.FUNCTION_CALL,
            status="in_progress",
            name=call.name,
            arguments="",
            call_id=call_id,
        )
        super().__init__(item, names)
        self._call = call

    def beats(self, say: Say) -> Iterator[float]:
        """Make the item piece by piece."""
        text = self._call.arguments
        for at in range(0, len(text), _ARGUMENT_DELTA_CHARS):
            delta = text[at : at + _ARGUMENT_DELTA_CHARS]
            self.item = evolve(self.item, arguments=f"{self.item.arguments}{delta}")
            say("response.function_call_arguments.delta", call_id=self.item.call_id, delta=delta)
            yield 0

    def close(self, say: Say) -> None:
        """Tell that the content is over."""
        named: JsonObject = {"name": self.item.name} if self._names.calls_named else {}
        say(
            "response.function_call_arguments.done",
            call_id=self.item.call_id,
            arguments=self.item.arguments,
            **named,
        )
