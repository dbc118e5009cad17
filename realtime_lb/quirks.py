"""How an upstream departs from the dialect that it speaks, as data, and how such a departure is undone.

A provider states its `Quirks` beside its dialect; whoever translates applies them next to the upstream, so
that everything else sees the plain dialect. Both directions work on decoded events and change copies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from realtime_lb.dotted import ABSENT, at, moved, put, without
from realtime_lb.own_words import Verbatim, Word
from realtime_lb.typing import JsonObject, read_only

__all__ = ["NO_QUIRKS", "Fill", "Move", "Placeholder", "Quirks"]


@frozen
class Move:
    """A field that stands elsewhere. Paths are dotted, from the event itself.

    Attributes:
        events: In which events.
        ours: Where the dialect has it.
        theirs: Where the upstream has it.
    """

    events: tuple[str, ...]
    ours: str
    theirs: str


@frozen
class Fill:
    """A field that the dialect requires and the upstream may leave out.

    Attributes:
        events: In which server events.
        path: The field. Nothing is filled in where the object that should hold it is missing too.
        value: What its absence means.
        kind: Fill only items of this ``type``; only for fields of an ``item``.
    """

    events: tuple[str, ...]
    path: str
    value: Any = field(hash=False)
    kind: str | None = None


@frozen
class Placeholder:
    """A value that says nothing, where the dialect leaves the field out.

    Attributes:
        events: In which server events.
        path: The field.
        value: What stands there.
    """

    events: tuple[str, ...]
    path: str
    value: Any = field(hash=False)


@frozen(kw_only=True, cache_hash=True)
class Quirks:
    """How an upstream departs from its dialect. The default departs in nothing.

    Attributes:
        moves: Fields that stand elsewhere; client events are moved there, server events back.
        placeholders: Values of server events that are read as absent.
        fills: Fields that server events may lack. Looked at last.
        event_names: Server events by their names: what the dialect calls them.
        private_events: Server events that no client of the dialect knows. They must not reach one.
        partials: Server events with such a value say for now what a later one of the same type says for
            good. The dialect has no such thing, so they must not reach a client either.
        content_types: Content types in items of server events, by theirs: what the dialect calls them.
        calls_have_roles: Items that are no messages bear a role, which no dialect gives them.
        opens_with: The events that open a session, in whatever order; empty means the dialect's own.
        item_done: Whether ``conversation.item.done`` is sent; None means as the dialect has it.
        words: What a GA client can say to it, and to no other upstream of its dialect.
        answers_commits: A commit of speech starts a response by itself, and a ``response.create`` for what
            was answered so is dropped without a word.
        lacks: Fields of its dialect's ``session.update`` that it refuses, and all the update with them.
            Dotted, from the session.
    """

    moves: tuple[Move, ...] = ()
    placeholders: tuple[Placeholder, ...] = ()
    fills: tuple[Fill, ...] = ()
    event_names: Mapping[str, str] = field(factory=dict, converter=read_only, hash=False)
    private_events: frozenset[str] = frozenset()
    partials: tuple[Placeholder, ...] = ()
    content_types: Mapping[str, str] = field(factory=dict, converter=read_only, hash=False)
    calls_have_roles: bool = False
    opens_with: tuple[str, ...] = ()
    item_done: bool | None = None
    words: tuple[Word | Verbatim, ...] = ()
    answers_commits: bool = False
    lacks: tuple[str, ...] = ()
    _touched: frozenset[str] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        rows: list[Move | Placeholder | Fill] = [*self.moves, *self.placeholders, *self.fills]
        rows += self.partials
        named = {event for row in rows for event in row.events}
        items = _ITEM_EVENTS if self._changes_items else frozenset[str]()
        errors = {"error"} if self._sent_elsewhere else frozenset[str]()
        updates = {"session.update"} if self.lacks else frozenset[str]()
        object.__setattr__(self, "_touched", self.private_events | named | items | errors | updates)

    @property
    def _changes_items(self) -> bool:
        return bool(self.content_types) or self.calls_have_roles

    @property
    def _sent_elsewhere(self) -> tuple[Move, ...]:
        """The moves of what clients send."""
        return tuple(move for move in self.moves if not _SENT.isdisjoint(move.events))

    def touch(self, event_type: str) -> bool:
        """Say whether an event of this type may have to change; all others can pass unread."""
        return event_type in self._touched

    def to_upstream(self, event: JsonObject) -> JsonObject:
        """Return a client event of the plain dialect as the upstream wants it."""
        for move in self.moves:
            if event.get("type") in move.events:
                event = moved(event, move.ours, move.theirs)
        return event

    def refused(self, event: JsonObject) -> Sequence[str]:
        """Return the places in a client event of the plain dialect that the upstream refuses it for."""
        places = (f"session.{name}" for name in self.lacks if event.get("type") == "session.update")
        return [place for place in places if at(event, place) is not ABSENT]

    def to_dialect(self, event: JsonObject) -> JsonObject | None:
        """Return a server event as the plain dialect has it; None where that has no such event."""
        if not isinstance(event.get("type"), str):
            return event
        event = self._named(event)
        kind = event["type"]
        if self._says_nothing(event):
            return None
        for blank in self.placeholders:
            if kind in blank.events and at(event, blank.path) == blank.value:
                event = without(event, blank.path)
        event = self._with_plain_places(event)
        if self._changes_items and kind in _ITEM_EVENTS:
            event = self._with_plain_items(event)
        for fill in self.fills:
            if kind in fill.events and (fill.kind is None or fill.kind == at(event, "item.type")):
                event = _filled(event, fill.path, fill.value)
        return event

    def _named(self, event: JsonObject) -> JsonObject:
        name = self.event_names.get(event["type"])
        return event if name is None else {**event, "type": name}

    def _says_nothing(self, event: JsonObject) -> bool:
        """Say whether the dialect has no such event."""
        kind = event["type"]
        partial = any(kind in row.events and at(event, row.path) == row.value for row in self.partials)
        return partial or kind in self.private_events

    def _with_plain_places(self, event: JsonObject) -> JsonObject:
        for move in self.moves:
            if event["type"] in move.events:
                event = moved(event, move.theirs, move.ours)
        return self._error(event) if event["type"] == "error" else event

    def _error(self, event: JsonObject) -> JsonObject:
        """Return an ``error`` that names the place where the client went wrong as the dialect has it."""
        param = at(event, "error.param")
        for move in self._sent_elsewhere:
            if param == move.theirs or (isinstance(param, str) and param.startswith(f"{move.theirs}.")):
                return put(event, "error.param", move.ours + param.removeprefix(move.theirs))
        return event

    def _with_plain_items(self, event: JsonObject) -> JsonObject:
        if isinstance(event.get("item"), dict):
            event = {**event, "item": self._plain(event["item"])}
        output = at(event, "response.output")
        if isinstance(output, list):
            event = put(event, "response.output", [self._plain(item) for item in output])
        return event

    def _plain(self, item: Any) -> Any:
        if not isinstance(item, dict):
            return item
        if self.calls_have_roles and item.get("type") != "message" and "role" in item:
            item = without(item, "role")
        if not isinstance(item.get("content"), list):
            return item
        return {**item, "content": [_renamed(part, self.content_types) for part in item["content"]]}


_SENT = frozenset({"session.update", "response.create"})
"""Client events of which a part may stand elsewhere."""

NO_QUIRKS = Quirks()

_ITEM_EVENTS = frozenset(
    {
        "conversation.item.added",
        "conversation.item.created",
        "conversation.item.done",
        "conversation.item.retrieved",
        "response.created",
        "response.done",
        "response.output_item.added",
        "response.output_item.done",
    }
)
"""Server events that hold an item, or a response with its output."""


def _filled(event: JsonObject, path: str, value: Any) -> JsonObject:
    holder, dot, _ = path.rpartition(".")
    held = at(event, holder) if dot else event
    if not isinstance(held, dict) or at(event, path) is not ABSENT:
        return event
    return put(event, path, value)


def _renamed(part: Any, names: Mapping[str, str]) -> Any:
    kind = part.get("type") if isinstance(part, dict) else None
    return {**part, "type": names[kind]} if isinstance(kind, str) and kind in names else part
