"""An upstream's events, on their way to the client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, TypeAlias

from realtime_lb.dialects.bodies import REALTIME, TRANSCRIBING, carry_item, carry_response, carry_session
from realtime_lb.dialects.event_table import SERVER_EVENTS, events_from
from realtime_lb.dialects.json_text import Span, read, renamed, write
from realtime_lb.dialects.open_items import OpenItems
from realtime_lb.dialects.opening import Opening, also
from realtime_lb.dialects.parties import Parties
from realtime_lb.dialects.places import place_in
from realtime_lb.dialects.rows import Body
from realtime_lb.events import STREAMED, type_of, type_span
from realtime_lb.frames import Frame, Opcode
from realtime_lb.own_words import in_our_words, our_place
from realtime_lb.quirks import Quirks
from realtime_lb.typing import Dialect, JsonObject

__all__ = ["Downward"]

Step: TypeAlias = Callable[["Downward", Frame, Span | None], tuple[Frame, ...]]
"""Returns what to send for a frame whose type stands at the span, or where only a parse finds it."""
Reading: TypeAlias = Callable[["Downward", JsonObject], list[JsonObject]]

_TEXT = Opcode.TEXT  # looking up an enum's member takes as long as finding the event's type

_ORDER_REFUSED = "conversation_already_has_active_response"

_EVENTS = {dialect: events_from(SERVER_EVENTS, dialect) for dialect in Dialect}

_FOLLOWING = ("conversation.item.added", "conversation.item.created", "input_audio_buffer.committed")
"""Events of GA that may leave out what their item follows."""

_NO_TOKENS = {"type": "tokens", "input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
"""For a transcript whose price nobody told. GA's type needs a number (PY)."""


class Downward:
    """Turns an upstream's frames into the client's.

    Args:
        parties: Who speaks to whom.

    Attributes:
        leaves_pieces: The pieces of an answer come out as they are.
    """

    __slots__ = ("_items", "_names", "_opening", "_parties", "_steps", "_temperatures", "leaves_pieces")

    def __init__(self, parties: Parties) -> None:
        self._parties = parties
        self._items = OpenItems()
        self._temperatures: dict[str, Any] = {}
        self._opening = Opening(parties)
        self.plan()

    def translate(self, frame: Frame) -> tuple[Frame, ...]:
        """Return what to send for *frame*: *frame* itself where nothing of it has to change."""
        if not self._steps or frame.opcode is not _TEXT:
            return (frame,)
        kind = type_of(frame)
        if kind is not None and kind.encode("utf-8", "surrogatepass") not in self._steps:
            return (frame,)
        span = type_span(frame.payload)
        name = _hidden_type(frame) if span is None else bytes(frame.payload[span[0] : span[1]])
        step = self._steps.get(name)
        try:
            return (frame,) if step is None else step(self, frame, span)
        except RecursionError:  # nested deeper than any event; the client may know what to do with it
            return (frame,)

    def plan(self) -> None:
        """Start anew, the parties having changed."""
        parties = self._parties
        self._steps, self._names, self.leaves_pieces = self._planned(
            parties.client,
            parties.upstream,
            parties.quirks,
            is_read=parties.names.differ or parties.is_guess,
            completes=parties.completes,
        )

    @classmethod
    @lru_cache(maxsize=64)
    def _planned(
        cls, client: Dialect, upstream: Dialect, quirks: Quirks, *, is_read: bool, completes: bool
    ) -> tuple[Mapping[bytes, Step], Mapping[str, str], bool]:
        """Return what to do with events of which anything has to change, and what the client calls each.

        And whether nothing has to in the pieces of an answer.

        Of all sessions of the same parties one plan is enough: each of its own would take two kilobytes.
        """
        readings = cls._readings(client, upstream, quirks, is_read=is_read, completes=completes)
        names = {name: row.name(client) or "" for name, row in _EVENTS[upstream].items()}
        steps: dict[bytes, Step] = dict.fromkeys(map(str.encode, quirks.private_events), _left_out)
        for name, there in names.items():
            if name in readings:
                steps[name.encode()] = partial(cls._read, name=name, reading=readings[name])
            elif not there:
                steps[name.encode()] = _left_out
            elif quirks.touch(name):
                steps[name.encode()] = partial(cls._read, name=name, reading=cls._named)
            elif there != name:
                steps[name.encode()] = partial(_renamed, name=there.encode())
        for theirs, ours in quirks.event_names.items():
            if quirks.touch(ours):
                steps[theirs.encode()] = partial(cls._read, name=theirs, reading=cls._named)
            elif names[ours] != theirs:
                steps[theirs.encode()] = partial(_renamed, name=names[ours].encode())
        return steps, names, not any(kind.encode() in steps for kind in STREAMED)

    @classmethod
    def _readings(
        cls, client: Dialect, upstream: Dialect, quirks: Quirks, *, is_read: bool, completes: bool
    ) -> Mapping[str, Reading]:
        """Return the events that have to be read, each with what becomes of it."""
        agree, found, bodies = client is upstream, dict[str, Reading](), dict[Body, Reading]()
        if not agree:
            bodies = {Body.ITEM: cls._item, Body.RESPONSE: cls._response, Body.ERROR: cls._error}
        if not agree or is_read or quirks.opens_with:
            bodies[Body.SESSION] = cls._session
        for name, row in _EVENTS[upstream].items():
            if row.body in bodies and row.name(client) is not None:
                found[name] = bodies[row.body]
        if not agree or quirks.opens_with:
            found["conversation.created"] = cls._conversation
        if completes:
            found |= cls._completing("created" if upstream is Dialect.BETA else "added")
        if client is Dialect.BETA and not agree:
            found |= dict.fromkeys(_FOLLOWING, cls._following)
        return found

    @classmethod
    def _completing(cls, joined: str) -> Mapping[str, Reading]:
        return {
            f"conversation.item.{joined}": cls._joined,
            "conversation.item.deleted": cls._deleted,
            "conversation.item.input_audio_transcription.completed": cls._transcribed,
            "response.created": cls._response,
            "response.done": cls._response,
            "response.output_item.added": cls._output_added,
            "response.output_item.done": cls._output_done,
            "response.function_call_arguments.done": cls._called,
        }

    def _read(self, frame: Frame, _span: Span | None, *, name: str, reading: Reading) -> tuple[Frame, ...]:
        event = read(frame.payload)
        if event is None or event.get("type") != name:
            return (frame,)  # no event, or one that says two things; the client may know what to do with it
        plain = self._parties.quirks.to_dialect(event)
        says = [] if plain is None else reading(self, plain)
        return tuple(frame if said == event else write(said) for said in says)

    # -- in both directions -----------------------------------------------------------------------------

    def _session(self, event: JsonObject) -> list[JsonObject]:
        session, parties = event.get("session"), self._parties
        if not isinstance(session, dict):
            return [event]
        kind = parties.kind = _kind_of(event, session) or parties.kind
        name = event["type"].removeprefix("transcription_")
        shown = session
        if not parties.agree:
            shown = carry_session(self._in_our_words(session), parties.client, kind).value
        elif parties.client is Dialect.BETA:
            name = event["type"]
        if not parties.agree and parties.client is Dialect.BETA:
            if kind == TRANSCRIBING:
                name = f"transcription_{name}"
            else:
                shown = {**shown, "temperature": parties.temperature}
        said = {**event, "type": name, "session": parties.names.to_client(shown, parties.client)}
        return self._opening.session(said, kind)

    def _conversation(self, event: JsonObject) -> list[JsonObject]:
        return self._opening.conversation(event)

    def _named(self, event: JsonObject) -> list[JsonObject]:
        return [{**event, "type": self._names.get(event["type"], event["type"])}]

    def _item(self, event: JsonObject) -> list[JsonObject]:
        if not isinstance(event.get("item"), dict):
            return self._named(event)
        carried = carry_item(event["item"], self._parties.client)
        if carried.value is None:
            return []
        return self._named({**event, "item": carried.value})

    def _response(self, event: JsonObject) -> list[JsonObject]:
        response, client = event.get("response"), self._parties.client
        if not isinstance(response, dict):
            return [event]
        shown = carry_response(self._in_our_words(response), client).value
        if client is Dialect.BETA:
            return [{**event, "response": {**shown, "temperature": self._temperature(event, response)}}]
        is_over = event["type"] == "response.done"
        ended = list(self._items.response_ended(response)) if is_over else []
        if not is_over:
            self._items.response_began(response)
        return [*(self._item_done(*each) for each in ended), {**event, "response": shown}]

    def _error(self, event: JsonObject) -> list[JsonObject]:
        error = event.get("error")
        if isinstance(error, dict) and error.get("code") == _ORDER_REFUSED:
            self._parties.next_temperature = None
        if not isinstance(error, dict) or not isinstance(error.get("param"), str):
            return [event]
        return [{**event, "error": {**error, "param": self._place(error["param"])}}]

    def _place(self, param: str) -> str:
        root, dot, place = param.partition(".")
        if self._parties.client is Dialect.GA:
            place = our_place(place, self._parties.quirks.words)
        return place_in(self._parties.client, f"{root}{dot}{place}")

    def _in_our_words(self, value: JsonObject) -> JsonObject:
        parties = self._parties
        return in_our_words(value, parties.quirks.words) if parties.client is Dialect.GA else value

    # -- from GA to beta --------------------------------------------------------------------------------

    def _following(self, event: JsonObject) -> list[JsonObject]:
        """Beta always says what an item follows, and null where that is none; GA may leave it out."""
        return self._item({**event, "previous_item_id": event.get("previous_item_id")})

    def _temperature(self, event: JsonObject, response: JsonObject) -> Any:
        parties, response_id = self._parties, str(response.get("id"))
        if event["type"] != "response.created":
            return self._temperatures.pop(response_id, parties.temperature)
        asked, parties.next_temperature = parties.next_temperature, None
        shown = parties.temperature if asked is None else asked
        self._temperatures[response_id] = shown
        return shown

    # -- from an upstream that tells once of an item --------------------------------------------------------

    def _joined(self, event: JsonObject) -> list[JsonObject]:
        is_complete = self._items.joins(event)
        says = self._item(event)
        if not says or not is_complete:
            return says
        item = event.get("item")
        if isinstance(item, dict) and item.get("status") == "in_progress":
            item = {**item, "status": "completed"}
        return [*says, self._item_done(event, item)]

    def _item_done(self, joined: JsonObject, item: Any) -> JsonObject:
        done = {"previous_item_id": joined.get("previous_item_id")}
        return also(joined, "conversation.item.done", **done, item=carry_item(item, Dialect.GA).value)

    def _deleted(self, event: JsonObject) -> list[JsonObject]:
        self._items.forget(event.get("item_id"))
        return [event]

    def _output_added(self, event: JsonObject) -> list[JsonObject]:
        self._items.output_began(event)
        return self._item(event)

    def _output_done(self, event: JsonObject) -> list[JsonObject]:
        item = event.get("item")
        joined = self._items.output_ended(item)
        return [*self._item(event), *([] if joined is None else [self._item_done(joined, item)])]

    def _called(self, event: JsonObject) -> list[JsonObject]:
        """GA's type needs a name, so one that nobody told is empty."""
        return [{**event, "name": event.get("name") or self._items.name_of(event.get("item_id")) or ""}]

    def _transcribed(self, event: JsonObject) -> list[JsonObject]:
        return [event if event.get("usage") else {**event, "usage": dict(_NO_TOKENS)}]


def _left_out(_by: Downward, _frame: Frame, _span: Span | None) -> tuple[Frame, ...]:
    return ()


def _renamed(_by: Downward, frame: Frame, span: Span | None, *, name: bytes) -> tuple[Frame, ...]:
    if span is None:
        return (write({**(read(frame.payload) or {}), "type": name.decode()}),)
    return (renamed(frame, span, name),)


def _hidden_type(frame: Frame) -> bytes:
    """Return the type of an event that has it behind a heap of other values."""
    kind = (read(frame.payload) or {}).get("type")
    return kind.encode("utf-8", "surrogatepass") if isinstance(kind, str) else b""


def _kind_of(event: JsonObject, session: JsonObject) -> str | None:
    """Return what a server says that its session is for; None where it does not say."""
    is_apart = event["type"].startswith("transcription_session") or session.get("type") == TRANSCRIBING
    if is_apart or session.get("object") == "realtime.transcription_session":
        return TRANSCRIBING
    is_told = session.get("type") == REALTIME or session.get("object") == "realtime.session"
    return REALTIME if is_told else None
