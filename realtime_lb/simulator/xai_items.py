"""xAI's items: taken as GA has them, shown with beta's content types and a role on each."""

from __future__ import annotations

from attrs import frozen

from realtime_lb.simulator.item_schema import ItemSchema
from realtime_lb.simulator.items import Item, ItemKind
from realtime_lb.typing import JsonObject

__all__ = ["XaiItems"]

_SHOWN = {"output_text": "text", "output_audio": "audio"}


@frozen
class XaiItems(ItemSchema):
    """The items of xAI."""

    def write(self, item: Item, *, with_audio: bool = False) -> JsonObject:
        """Return the item as xAI shows it."""
        wire = super().write(item, with_audio=with_audio)
        if item.kind is not ItemKind.MESSAGE:
            return {**wire, "role": "tool"}
        parts = [{**part, "type": _SHOWN.get(part["type"], part["type"])} for part in wire["content"]]
        return {**wire, "content": parts}
