"""The conversation as the server holds it: items in order, and the four things a client may do to them."""

from __future__ import annotations

from attrs import evolve

from realtime_lb.simulator.items import Item, PartKind
from realtime_lb.simulator.refusals import EventRefused, invalid_value

__all__ = ["Conversation"]

_HEAD = "root"


class Conversation:
    """Items in order. Every refusal leaves it as it was.

    Attributes:
        id: Such as ``conv_…``.
    """

    def __init__(self, conversation_id: str) -> None:
        self.id = conversation_id
        self._items: list[Item] = []

    @property
    def items(self) -> tuple[Item, ...]:
        """All items, first to last."""
        return tuple(self._items)

    @property
    def last_id(self) -> str | None:
        """The id of the last item, which a new one comes after."""
        return self._items[-1].id if self._items else None

    def get(self, item_id: str) -> Item | None:
        """Return the item, or None."""
        return next((item for item in self._items if item.id == item_id), None)

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Insert *item* behind *after* and return the id of the item now before it.

        Args:
            item: What to insert.
            after: An item's id, ``root`` for the head, None for the end.

        Raises:
            EventRefused: The id is taken, *after* is unknown, or an output answers a call that nobody made.
        """
        if self.get(item.id) is not None:
            raise EventRefused(
                f"Error adding item: an item with ID '{item.id}' already exists in the conversation.",
                code="item_create_duplicate_item_id",
                param="item.id",
            )
        at = self._place(after)
        if item.output is not None and not self._has_call(item.call_id):
            raise EventRefused(
                f"Tool call ID '{item.call_id}' not found in conversation.",
                code="invalid_tool_call_id",
                param="item.call_id",
            )
        self._items.insert(at, item)
        return self._items[at - 1].id if at else None

    def _place(self, after: str | None) -> int:
        if after is None:
            return len(self._items)
        if after == _HEAD:
            return 0
        for index, item in enumerate(self._items):
            if item.id == after:
                return index + 1
        raise EventRefused(
            f"Error adding item: the previous item with id '{after}' does not exist.",
            code="item_create_invalid_previous_item_id",
            param="previous_item_id",
        )

    def _has_call(self, call_id: str | None) -> bool:
        return any(item.name is not None and item.call_id == call_id for item in self._items)

    def replace(self, item: Item) -> None:
        """Put *item* where the item of the same id is; do nothing if that was deleted meanwhile."""
        self._items = [item if held.id == item.id else held for held in self._items]

    def require(self, item_id: str, verb: str) -> Item:
        """Return the item.

        Raises:
            EventRefused: There is none; *verb* (``delete``, ``retrieve``, ``truncate``) names the error.
        """
        item = self.get(item_id)
        if item is None:
            doing = verb.removesuffix("e") + "ing"
            raise EventRefused(
                f"Error {doing} item: the item with id '{item_id}' does not exist.",
                code=f"item_{verb}_invalid_item_id",
                param="item_id",
            )
        return item

    def delete(self, item_id: str) -> None:
        """Remove an item.

        Raises:
            EventRefused: There is none of this id.
        """
        self._items.remove(self.require(item_id, "delete"))

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Forget what the user did not hear: the audio behind *audio_end_ms*, and the whole transcript.

        Raises:
            EventRefused: There is no such item, it is not the model's audio, or it is shorter than that.
        """
        item = self.require(item_id, "truncate")
        if item.role != "assistant" or not any(p.kind is PartKind.OUTPUT_AUDIO for p in item.parts):
            raise EventRefused("Only model output audio messages can be truncated", param="item_id")
        if content_index >= len(item.parts):
            raise invalid_value("content_index", f"Content index {content_index} does not exist.")
        part = item.parts[content_index]
        if part.audio_ms < audio_end_ms:
            raise invalid_value(
                "audio_end_ms",
                f"Audio content of {part.audio_ms:.0f}ms is already shorter than {audio_end_ms}ms",
            )
        kept = part.audio[: part.audio_format.size_bytes(audio_end_ms)]
        self.replace(item.with_part(content_index, evolve(part, audio=kept, transcript=None)))
