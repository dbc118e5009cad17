"""Items that have joined the conversation and are not complete: what beta's servers leave unsaid.

GA tells twice of each item: ``conversation.item.added``, then ``conversation.item.done``. Beta tells once.
The second is due at once for what a client wrote or said, and for what the model makes when the response
says that it is made (recorded GA sessions: ``response.output_item.done``, ``conversation.item.done``,
``response.done``). An item of a response outside of the conversation never joins it, so nothing is due.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import evolve, frozen

from realtime_lb.typing import JsonObject

__all__ = ["OpenItems"]


@frozen
class _Open:
    """An item in the making.

    Attributes:
        response_id: The response that makes it.
        item: As far as it was shown.
        joined: The event that told of it; None while it is outside of the conversation.
    """

    response_id: Any
    item: JsonObject
    joined: JsonObject | None = None


class OpenItems:
    """Follows items from their first event to their last. Holds those of running responses only."""

    __slots__ = ("_open", "_running")

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}
        self._running: set[str] = set()

    def response_began(self, response: JsonObject) -> None:
        """Take note of ``response.created``."""
        self._running.add(str(response.get("id")))

    def output_began(self, event: JsonObject) -> None:
        """Take note of ``response.output_item.added``."""
        item = event.get("item")
        if isinstance(item, dict) and isinstance(item_id := item.get("id"), str):
            known = self._open.get(item_id)
            began = _Open(event.get("response_id"), item)
            self._open[item_id] = evolve(began, joined=known.joined) if known else began

    def joins(self, event: JsonObject) -> bool:
        """Take note of ``conversation.item.created``; say whether its item is complete already."""
        item = event.get("item")
        if not isinstance(item, dict) or not isinstance(item_id := item.get("id"), str):
            return True
        known = self._open.get(item_id)
        if known is None and (_is_given(item) or not self._running or item.get("status") != "in_progress"):
            return True
        self._open[item_id] = evolve(known or _Open(None, item), joined=event)
        return False

    def name_of(self, item_id: Any) -> str | None:
        """Return the name of the function that an item calls."""
        known = self._open.get(item_id) if isinstance(item_id, str) else None
        name = known.item.get("name") if known else None
        return name if isinstance(name, str) else None

    def output_ended(self, item: Any) -> JsonObject | None:
        """Take note of ``response.output_item.done``; return the event by which its item joined."""
        item_id = item.get("id") if isinstance(item, dict) else None
        known = self._open.pop(item_id, None) if isinstance(item_id, str) else None
        return known.joined if known else None

    def response_ended(self, response: JsonObject) -> Iterator[tuple[JsonObject, JsonObject]]:
        """Take note of ``response.done``; yield what it left open: how it joined, and the item at its end."""
        response_id = response.get("id")
        self._running.discard(str(response_id))
        output = response.get("output")
        items = output if isinstance(output, list) else ()
        made = {str(item.get("id")): item for item in items if isinstance(item, dict)}
        for item_id, known in list(self._open.items()):
            if known.response_id == response_id or item_id in made or not self._running:
                del self._open[item_id]
                if known.joined is not None:
                    yield known.joined, made.get(item_id) or {**known.item, "status": "incomplete"}

    def forget(self, item_id: Any) -> None:
        """Take note of ``conversation.item.deleted``."""
        if isinstance(item_id, str):
            self._open.pop(item_id, None)


def _is_given(item: JsonObject) -> bool:
    """Say whether no response makes *item*: its author wrote it, said it or computed it."""
    return item.get("role") in ("user", "system") or item.get("type") == "function_call_output"
