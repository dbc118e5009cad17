"""A client's events, on their way to the upstream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, TypeAlias

from realtime_lb.dialects.bodies import REALTIME, TRANSCRIBING, carry_item, carry_order, carry_session
from realtime_lb.dialects.carry import Carried
from realtime_lb.dialects.detection import ORDER_MARKS, SESSION_MARKS, SWITCHING
from realtime_lb.dialects.event_table import CLIENT_EVENTS
from realtime_lb.dialects.json_text import read, rewritten
from realtime_lb.dialects.parties import Parties
from realtime_lb.dialects.places import place_in
from realtime_lb.dialects.rows import Body
from realtime_lb.dotted import at, without
from realtime_lb.errors import InvalidEvent, TooCostly
from realtime_lb.events import CLOSING_BRACE, costs_much, type_of
from realtime_lb.frames import Frame, Opcode
from realtime_lb.own_words import in_their_words
from realtime_lb.quirks import Quirks
from realtime_lb.typing import Dialect, JsonObject

__all__ = ["Upward"]

Step: TypeAlias = Callable[["Upward", JsonObject], JsonObject | None]
"""Returns the event in the upstream's dialect; None where that has no such thing."""

_TEXT = Opcode.TEXT  # looking up an enum's member takes as long as finding the event's type

LONGEST_ID = 512
"""OpenAI's limit of ``event_id``; a longer one is not echoed."""

_SPACE_AT_MOST = 16
"""Behind an event. What ends in more of it is read whole, and so is what was cut off."""


class Upward:
    """Turns a client's frames into the upstream's.

    Args:
        parties: Who speaks to whom.
        on_switch: Called when the client has turned out to speak GA, before its event is translated.
    """

    __slots__ = ("_on_switch", "_parties", "_steps")

    def __init__(self, parties: Parties, on_switch: Callable[[], None]) -> None:
        self._parties = parties
        self._on_switch = on_switch
        self.plan()

    def translate(self, frame: Frame) -> tuple[Frame, ...]:
        """Return what to send for *frame*: *frame* itself where nothing of it has to change.

        Raises:
            InvalidEvent: It is no event. Nothing is to be sent for it.
        """
        if frame.opcode is not _TEXT:
            raise InvalidEvent("Events are JSON text; binary frames have no meaning here.")
        payload, kind = frame.payload, type_of(frame)
        try:
            if kind is not None and (payload[-1] == CLOSING_BRACE or _is_closed(payload)):
                step = self._steps.get(kind)
                return (frame,) if step is None else self._translated(frame, kind, step, _check(frame))
            event = _check(frame)
            step = self._steps.get(kind or event["type"])
            return (frame,) if step is None else self._translated(frame, kind, step, event)
        except RecursionError:
            raise InvalidEvent("Your event is nested too deep.") from None

    def leaves(self, kind: str) -> bool:
        """Say whether every event of this type comes out as it is."""
        return kind not in self._steps

    def _translated(self, frame: Frame, kind: str | None, step: Step, event: JsonObject) -> tuple[Frame, ...]:
        if kind not in {None, event["type"]}:
            return (frame,)  # a second "type" says otherwise; only the upstream knows which of them it reads
        new = step(self, event)
        if new is None:
            return ()
        return (rewritten(frame, event, self._parties.quirks.to_upstream(self._sayable(new))),)

    def plan(self) -> None:
        """Start anew, the parties having changed."""
        parties = self._parties
        self._steps = self._planned(
            parties.client,
            parties.quirks,
            agree=parties.agree,
            is_guess=parties.is_guess,
            differ=parties.names.differ,
        )

    @classmethod
    @lru_cache(maxsize=64)
    def _planned(
        cls, client: Dialect, quirks: Quirks, *, agree: bool, is_guess: bool, differ: bool
    ) -> Mapping[str, Step]:
        """Return what to do with events of which anything has to change; one plan is enough for many."""
        steps = {Body.SESSION: cls._update, Body.ORDER: cls._order, Body.ITEM: cls._item}
        wanted = {Body.SESSION, Body.ORDER, Body.ITEM}
        if agree:
            wanted = {Body.SESSION, Body.ORDER} if client is Dialect.GA or is_guess else set()
            wanted |= {Body.SESSION} if differ else set()
        found: dict[str, Step] = {}
        for row in CLIENT_EVENTS:
            for name in filter(None, (row.ga, row.beta)):
                if row.body in wanted:
                    found[name] = steps[row.body]
                elif quirks.touch(name):
                    found[name] = _same
        return found

    # -- steps ------------------------------------------------------------------------------------------

    def _update(self, event: JsonObject) -> JsonObject | None:
        session, parties = event.get("session"), self._parties
        if not isinstance(session, dict):
            return event
        self._listen(
            "type" in session or (SWITCHING.show_ga(session) and not SESSION_MARKS.show_beta(session))
        )
        if "temperature" in session:
            parties.temperature = session["temperature"]
        kind = self._kind(event, session)
        flat = SESSION_MARKS.show_beta(session) or "type" not in session
        carried = self._carried(session, partial(carry_session, kind=kind), flat=flat)
        self._note(event, "session", carried)
        named = parties.names.to_upstream(carried.value, parties.upstream)
        return {**event, "type": self._update_name(event, kind), "session": named}

    def _order(self, event: JsonObject) -> JsonObject | None:
        order = event.get("response")
        self._parties.next_temperature = None
        if not isinstance(order, dict):
            return event
        self._listen(SWITCHING.show_ga(order) and not ORDER_MARKS.show_beta(order))
        self._parties.next_temperature = order.get("temperature")
        flat = ORDER_MARKS.show_beta(order)
        carried = self._carried(order, carry_order, flat=flat)
        self._note(event, "response", carried)
        return {**event, "response": carried.value}

    def _item(self, event: JsonObject) -> JsonObject | None:
        if not isinstance(event.get("item"), dict):
            return event
        carried = carry_item(event["item"], self._parties.upstream)
        self._note(event, "item", carried)
        return None if carried.value is None else {**event, "item": carried.value}

    # -- what they share --------------------------------------------------------------------------------

    def _listen(self, is_ga: bool) -> None:  # noqa: FBT001  # what was heard
        """Take in that the client may turn to GA, as openai-python's ``AsyncAzureOpenAI.realtime`` does."""
        if is_ga and self._parties.is_guess:
            self._parties.client, self._parties.is_guess = Dialect.GA, False
            self.plan()
            self._on_switch()

    def _kind(self, event: JsonObject, session: JsonObject) -> str:
        if event["type"].startswith("transcription_session"):
            return TRANSCRIBING
        stated = session.get("type")
        return (
            stated if isinstance(stated, str) and stated in {REALTIME, TRANSCRIBING} else self._parties.kind
        )

    def _update_name(self, event: JsonObject, kind: str) -> str:
        parties = self._parties
        if parties.agree and parties.client is Dialect.BETA:
            return str(event["type"])
        is_apart = parties.upstream is Dialect.BETA and kind == TRANSCRIBING
        return "transcription_session.update" if is_apart else "session.update"

    def _carried(
        self, value: JsonObject, carry: Callable[[JsonObject, Dialect], Carried], *, flat: bool
    ) -> Carried:
        """Carry what the client said to the upstream, which a GA client may have said in beta's flat way."""
        client, upstream = self._parties.client, self._parties.upstream
        if client is upstream and not (upstream is Dialect.GA and flat):
            return Carried(value)
        if upstream is Dialect.BETA:
            value = in_their_words(value, self._parties.quirks.words)
        return carry(value, upstream)

    def _sayable(self, event: JsonObject) -> JsonObject:
        """Return an event of the upstream's dialect without what this upstream refuses it for."""
        parties = self._parties
        for place in parties.quirks.refused(event):
            if at(event, place) is not None:  # which says nothing
                parties.losses.note(event["type"], place_in(parties.client, place))
            event = without(event, place)
        return event

    def _note(self, event: JsonObject, root: str, carried: Carried) -> None:
        for place in carried.lost:
            self._parties.losses.note(event["type"], f"{root}.{place}")


def _same(_by: Upward, event: JsonObject) -> JsonObject:
    return event


def _is_closed(payload: bytes | memoryview) -> bool:
    """Say whether an object ends where *payload* does, but for a little space."""
    return bytes(payload[-_SPACE_AT_MOST:]).rstrip(b" \t\r\n").endswith(b"}")


def _check(frame: Frame) -> JsonObject:
    """Return the event; raise `InvalidEvent` where it is none."""
    if costs_much(frame):
        raise TooCostly
    event: Any = read(frame.payload)
    if event is None:
        raise InvalidEvent("We could not parse the body of your event as a JSON object.")
    if not isinstance(event.get("type"), str):
        event_id = event.get("event_id")
        raise InvalidEvent(
            "The 'type' field of your event is missing or is not a string.",
            event_id=event_id if isinstance(event_id, str) and len(event_id) <= LONGEST_ID else None,
        )
    return dict(event)
