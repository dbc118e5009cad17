"""What the client has said that no upstream has answered yet: sound and events, in their order.

A new upstream is told the tail again, as it stands. So an event that was sent to an upstream which then died
is neither lost nor, once it was answered, told twice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from operator import itemgetter

from attrs import define, field

from realtime_lb.journal.words import canonical
from realtime_lb.shortcut import Backlog
from realtime_lb.typing import JsonObject

__all__ = ["ANSWERED", "OBJECT_BYTES", "Said", "Sound", "Tail", "is_read"]

_KEY = b'"audio"'
_AUDIO = re.compile(rb'"audio"[ \t\r\n]*:[ \t\r\n]*"')
_PADDING = ord("=")

OBJECT_BYTES = 64
"""What a Python object takes beside what it holds, about: many small events cost more than few large ones."""

_SOUND_BYTES, _SAID_BYTES = 3 * OBJECT_BYTES, 10 * OBJECT_BYTES
"""The same of one that is kept, and of the event that it came from."""

_ROUNDING_MS = 0.001
"""Lengths are added up, or multiplied, and come to the same but for rounding."""

_IN_TURN = frozenset(
    {
        "session.update",
        "conversation.item.create",
        "conversation.item.delete",
        "conversation.item.truncate",
        "conversation.item.retrieve",
        "input_audio_buffer.commit",
        "input_audio_buffer.clear",
        "response.cancel",
    }
)
"""Events that a server answers in turn. An answer to a later one means that it was answered, or refused."""

ANSWERED = _IN_TURN | {"response.create"}
"""All events of the client's that a server answers; nobody can wait for an answer to any other."""


def is_read(kind: str) -> bool:
    """Say whether a client's event of this type is parsed for the journal."""
    return canonical(kind) in ANSWERED


@define(eq=False)
class Sound:
    """One ``input_audio_buffer.append``.

    Attributes:
        payload: The event as it came.
        start_ms: Where it begins in all that the client has said.
        length_ms: How long it is.
    """

    payload: bytes
    start_ms: float
    length_ms: float

    @property
    def size_bytes(self) -> int:
        """What it takes to keep."""
        return len(self.payload) + _SOUND_BYTES

    @property
    def encoded(self) -> bytes:
        """The sound, in base64."""
        begin, end = _span(self.payload)
        return self.payload[begin:end]


@define(eq=False)
class _Stretch:
    """Sound that came with nothing in between, and is not told apart before somebody asks.

    Attributes:
        payloads: The events as they came.
        bytes_per_ms: How large a millisecond of it is.
        start_ms: Where it begins.
        length_ms: How long it is.
        size_bytes: What it takes to keep, apart or not.
    """

    payloads: list[bytes]
    bytes_per_ms: float
    start_ms: float
    length_ms: float
    size_bytes: int

    def sounds(self) -> Iterator[Sound]:
        """Yield what it consists of."""
        at_ms = self.start_ms
        for payload in self.payloads:
            length_ms = _decoded_bytes(payload, *_span(payload)) / self.bytes_per_ms
            yield Sound(payload, at_ms, length_ms)
            at_ms += length_ms


@define(eq=False)
class Said:
    """Any other event of the client's.

    Attributes:
        kind: Its type, as GA calls it.
        payload: The event as it came.
        event: Its meaning.
        size_bytes: What it takes to keep, or a little more.
    """

    kind: str
    payload: bytes
    event: JsonObject
    size_bytes: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        values = self.payload.count(b",") + self.payload.count(b"{") + self.payload.count(b"[")
        self.size_bytes = len(self.payload) + OBJECT_BYTES * values + _SAID_BYTES

    @property
    def event_id(self) -> str | None:
        """The client's own name for it."""
        given = self.event.get("event_id")
        return given if isinstance(given, str) else None


def _span(payload: bytes) -> tuple[int, int]:
    """Return where the sound of an event begins and ends, however it is written."""
    match = _AUDIO.search(payload)
    begin = 0 if match is None else match.end()
    return begin, max(begin, payload.find(b'"', begin))


def _decoded_bytes(payload: bytes, begin: int, end: int) -> int:
    """Return how large the sound is that stands there in base64."""
    size = (end - begin) * 3 // 4
    if size and payload[end - 1] == _PADDING:
        size -= 1 + (payload[end - 2] == _PADDING)
    return size


def _are_padded_alike(payloads: list[bytes], end: int) -> bool:
    """Say whether the sound of events of one size, which ends in the first of them there, does so in all."""
    if end < 2:
        return False
    for at in (end - 1, end - 2):
        padded = list(map(itemgetter(at), payloads)).count(_PADDING)
        if padded != len(payloads):
            return not padded
    return True


@define(eq=False)
class Tail:
    """Sound and events without an answer.

    Sound is told apart when somebody asks: fifty times a second nobody does.

    Attributes:
        stretch_bytes: How much sound to keep in one piece.
        on_stretch: Called behind each such piece by which more is kept than before: time to look how much.
        keeps_ms: How much sound to keep at the very front; older sound there is let go. Infinite keeps all.
        said_bytes: How large the events are.
        lost_ms: How much sound fell out for want of room since somebody asked.
        told_ms: The latest time in it that the client was told of.
    """

    stretch_bytes: int
    on_stretch: Callable[[], None]
    keeps_ms: float = math.inf
    said_bytes: int = 0
    lost_ms: float = 0.0
    told_ms: float = 0.0
    _entries: list[Sound | Said | _Stretch] = field(factory=list)
    _bytes_per_ms: float = 48.0
    _position_ms: float = 0.0
    _mark: bytes = b'"audio":"'
    _sound_bytes: int = 0
    _heard: list[bytes] = field(factory=list)
    _heard_bytes: int = 0
    _has_stretches: bool = False

    @property
    def backlog(self) -> Backlog:
        """Takes sound as `hear` does, but for the call."""
        return Backlog(self._heard.append, self.stretch_bytes, self.settle)

    def hear(self, payload: bytes | memoryview) -> None:
        """Take sound."""
        self._heard.append(bytes(payload))
        self._heard_bytes += len(payload) + _SOUND_BYTES
        if self._heard_bytes >= self.stretch_bytes:
            self.settle()

    def settle(self) -> None:
        """Make one piece of what was heard."""
        self._heard_bytes = 0
        if self._end_stretch():
            self.on_stretch()

    def expect(self, bytes_per_ms: float) -> None:
        """Take in how large a millisecond of sound is from now on."""
        self._end_stretch()
        self._bytes_per_ms = bytes_per_ms

    @property
    def entries(self) -> list[Sound | Said]:
        """Oldest first."""
        self._end_stretch()
        if self._has_stretches:
            self._has_stretches = False
            apart: list[Sound | Said | _Stretch] = []
            for entry in self._entries:
                apart += entry.sounds() if isinstance(entry, _Stretch) else (entry,)
            self._entries = apart
            self._trim()
        return self._entries  # type: ignore[return-value]  # no stretch is left in it

    @property
    def position_ms(self) -> float:
        """How long all sound is that the client ever sent."""
        self._end_stretch()
        return self._position_ms

    @property
    def sound_bytes(self) -> int:
        """How large the sound is that is kept."""
        self._end_stretch()
        return self._sound_bytes

    def _end_stretch(self) -> bool:
        """Make one piece of what was heard; say whether more is kept now, or as much was let go."""
        heard = self._heard
        if not heard:
            return False
        payloads, before_bytes = heard[:], self._sound_bytes
        heard.clear()  # the list itself stays: others append to it
        sizes = list(map(len, payloads))
        length_ms = self._decoded_bytes(payloads, sizes) / self._bytes_per_ms
        size_bytes = sum(sizes) + _SOUND_BYTES * len(payloads)
        stretch = _Stretch(payloads, self._bytes_per_ms, self._position_ms, length_ms, size_bytes)
        self._entries.append(stretch)
        self._has_stretches = True
        self._position_ms += stretch.length_ms
        self._sound_bytes += stretch.size_bytes
        self._trim()
        return self._sound_bytes > before_bytes

    def _decoded_bytes(self, payloads: list[bytes], sizes: list[int]) -> int:
        """Return how large the sound of all of them is.

        A client writes all of it alike. So an event as large as the first, padded alike, is as long.
        """
        first = payloads[0]
        begin, end = self._span(first)
        if sizes.count(sizes[0]) == len(sizes) and _are_padded_alike(payloads, end):
            return len(payloads) * _decoded_bytes(first, begin, end)
        return sum(_decoded_bytes(payload, *self._span(payload)) for payload in payloads)

    def _span(self, payload: bytes) -> tuple[int, int]:
        """Return what `_span` does, found sooner where it is written as the last was."""
        mark = self._mark
        begin = payload.find(mark) + len(mark)
        end = payload.find(b'"', begin)
        if begin < len(mark) or end < 0:
            begin, end = _span(payload)
            self._mark = payload[payload.find(_KEY) : begin] or mark  # the client will write it so again
        return begin, end

    def say(self, said: Said) -> None:
        """Take an event."""
        self.entries.append(said)
        self.said_bytes += said.size_bytes

    def say_first(self, said: Said) -> None:
        """Take an event before all others."""
        self.entries.insert(0, said)
        self.said_bytes += said.size_bytes

    def waiting(self, kind: str | None = None) -> Iterator[Said]:
        """Yield events that were not answered."""
        if not self.said_bytes:
            return iter(())
        return (e for e in list(self.entries) if isinstance(e, Said) and kind in {None, e.kind})

    def first(self, kind: str, matches: Callable[[Said], bool] = lambda _: True) -> Said | None:
        """Return the oldest event of *kind* that *matches*."""
        return next((said for said in self.waiting(kind) if matches(said)), None)

    def answered(self, said: Said) -> None:
        """Forget *said*, and all before it that must have been answered in their turn."""
        earlier = []
        for entry in self.entries:
            if entry is said:
                break
            if isinstance(entry, Said) and entry.kind in _IN_TURN:
                earlier.append(entry)
        for gone in (*earlier, said):
            self.forget(gone)

    def forget(self, said: Said) -> None:
        """Forget *said* alone."""
        self.entries.remove(said)
        self.said_bytes -= said.size_bytes

    def take_until(self, end: Said | float | None) -> list[Sound]:
        """Take out the sound before an event, or before a time in milliseconds, or all; return it."""
        taken: list[Sound] = []
        kept: list[Sound | Said | _Stretch] = []
        reached = False
        for entry in self.entries:
            reached = reached or entry is end
            is_sound = isinstance(entry, Sound)
            if isinstance(end, float | int) and isinstance(entry, Sound):
                reached = reached or entry.start_ms + entry.length_ms > end + _ROUNDING_MS
            if is_sound and not reached:
                taken.append(entry)  # type: ignore[arg-type]  # it is a sound
            else:
                kept.append(entry)
        self._entries = kept
        self._sound_bytes -= sum(sound.size_bytes for sound in taken)
        return taken

    def _trim(self) -> None:
        """Let go of sound at the very front that is older than what is kept there."""
        gone, before_ms = 0, self._position_ms - self.keeps_ms
        for entry in self._entries:
            if isinstance(entry, Said) or entry.start_ms + entry.length_ms >= before_ms:
                break
            gone += 1
            self._sound_bytes -= entry.size_bytes
        del self._entries[:gone]

    def drop_oldest_sound(self) -> bool:
        """Make room; say whether there was any sound to drop."""
        sound = next((entry for entry in self.entries if isinstance(entry, Sound)), None)
        if sound is None:
            return False
        self.entries.remove(sound)
        self._sound_bytes -= sound.size_bytes
        self.lost_ms += sound.length_ms
        return True

    def drop_oldest_said(self) -> bool:
        """Make room; say whether there was any event to drop. Its answer will be nobody's."""
        said = next(self.waiting(), None)
        if said is None:
            return False
        self.forget(said)
        return True

    @property
    def sound_from_ms(self) -> float:
        """Where the oldest sound begins."""
        first = next((entry for entry in self.entries if isinstance(entry, Sound)), None)
        return self.position_ms if first is None else first.start_ms
