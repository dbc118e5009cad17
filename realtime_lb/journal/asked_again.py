"""A response that the client was told of, asked for once more: the new one goes on under the old one's name.

What the client was told already is held back. If the new answer turns out to be of another kind than what was
announced, the old one is closed and the new one shown as what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import define, field

from realtime_lb.journal.closing import closed_out
from realtime_lb.journal.journal import Journal
from realtime_lb.journal.responses import Output, Part, Running
from realtime_lb.journal.words import canonical, canonical_item
from realtime_lb.typing import JsonObject

__all__ = ["AskedAgain"]


@define(eq=False)
class AskedAgain:
    """One response that is asked for again.

    Attributes:
        running: As the client knows it.
        journal: What the client was told.
        event_id: What the event is called that asks for it.
        rename: Makes the client see an id of the new upstream's as another.
        forget: Undoes that.
        new_id: The new upstream's name for the response, once it has said one.
        held: What it said that the client has heard before.
        fresh: It goes on as another response.
    """

    running: Running
    journal: Journal
    event_id: str
    rename: Callable[[str, str], None]
    forget: Callable[[str], None]
    new_id: str = ""
    held: list[JsonObject] = field(factory=list)
    fresh: bool = False
    _told: set[str] = field(factory=set)
    _announced: list[Output] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._announced = list(self.running.outputs)  # which grow as the new response is shown

    def began(self, event: JsonObject) -> list[JsonObject]:
        """Take the new ``response.created``."""
        self.new_id = str(event["response"].get("id"))
        self.rename(self.new_id, self.running.id)
        self.held.append(event)
        return []

    def follow(self, event: JsonObject) -> list[JsonObject]:
        """Return what the client gets for an event of the new response; ids are the new upstream's."""
        if self.fresh:
            return [event]
        kind = canonical(str(event.get("type")))
        if kind == "response.output_item.added":
            return self._item(event)
        if kind == "response.content_part.added":
            return self._part(event)
        if kind == "response.done" and self._announced and not self._told:
            return [*self._taken_back(), event]
        return self._through(event)

    def _taken_back(self) -> list[JsonObject]:
        """Close what was announced and is not being made, without an end of the response."""
        joined = self.journal.items.joined
        closing = list(closed_out(self.running, self.journal.words, "client_cancelled", joined))[:-1]
        for output in self._announced:
            if not output.is_half_a_call and output.id in joined:
                closing.append({"type": "conversation.item.deleted", "item_id": output.id})
        return closing

    def _through(self, event: JsonObject) -> list[JsonObject]:
        """Let an event pass that the client has not heard. What was held back has served."""
        self.held.clear()
        return [event]

    def _item(self, event: JsonObject) -> list[JsonObject]:
        item = canonical_item(event["item"])
        known = next((o for o in self._announced if o.index == event.get("output_index")), None)
        if known is None:
            return self._through(event) if not self._announced or self._told else self._afresh(event)
        if not _alike(known, item):
            return self._afresh(event)
        self._told.add(known.id)
        self.rename(str(item.get("id")), known.id)
        if known.is_call and item.get("call_id") and known.item.get("call_id"):
            self.rename(str(item["call_id"]), str(known.item["call_id"]))
        self.held.append(event)
        return []

    def _part(self, event: JsonObject) -> list[JsonObject]:
        known = self._known_part(event)
        if known is None:
            return self._through(event)
        if known.kind != event["part"].get("type"):
            return self._afresh(event)
        self.held.append(event)
        return []

    def _known_part(self, event: JsonObject) -> Part | None:
        parts = self._announced[0].parts if self._announced else {}
        return parts.get(event.get("content_index", 0)) if event.get("output_index") == 0 else None

    def _afresh(self, event: JsonObject) -> list[JsonObject]:
        """Close what was announced, and show the new response as one of its own."""
        self.fresh = True
        for name in self._new_ids():
            self.forget(name)
        *_, end = closed_out(self.running, self.journal.words, "client_cancelled", ())
        says = [*self._taken_back(), end, *self.held, event]
        self.held.clear()
        return says

    def _new_ids(self) -> Iterable[str]:
        yield self.new_id
        for event in self.held:
            item = event.get("item")
            if isinstance(item, dict):
                yield from (str(item[name]) for name in ("id", "call_id") if item.get(name))


def _alike(known: Output, item: JsonObject) -> bool:
    return all(known.item.get(name) == item.get(name) for name in ("type", "role", "name"))
