"""Telling a new upstream of the session and of its items, and knowing which of its answers are to that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from realtime_lb.journal import sessions
from realtime_lb.journal.items import Kept
from realtime_lb.journal.journal import Journal
from realtime_lb.typing import JsonObject

__all__ = ["Telling"]

_MOST_REFUSED_FIELDS = 8
"""Fields of a session that a new upstream may not know, before it is the wrong upstream."""


class Telling:
    """What one upstream was told, and has not answered.

    Args:
        journal: What there is to tell.
        say: Sends the upstream an event.
        our_id: Returns an id for it.

    Attributes:
        lost: What could not be told, in words.
        update_id: The event that sets the session; empty once that was answered.
        as_text: Ids of items that the client knows as the model's sound, and the upstream as text.
        expected: Answers that the client is not to hear: to which item, and of what kind.
    """

    __slots__ = (
        "_journal",
        "_our_id",
        "_refused_fields",
        "_say",
        "_session_told",
        "_told",
        "_unanswered",
        "_wanted",
        "as_text",
        "expected",
        "lost",
        "update_id",
    )

    def __init__(
        self, journal: Journal, say: Callable[[JsonObject], None], our_id: Callable[[], str]
    ) -> None:
        self.lost: list[str] = []
        self.update_id = ""
        self.as_text: set[str] = set()
        self.expected: Counter[tuple[str, str]] = Counter()
        self._journal = journal
        self._say = say
        self._our_id = our_id
        self._wanted: JsonObject = {}
        self._refused_fields = 0
        self._told: dict[str, JsonObject] = {}
        self._session_told: JsonObject = {}
        self._unanswered: dict[str, str] = {}

    @property
    def count(self) -> int:
        """How many items were told."""
        return len(self._told)

    @property
    def is_answered(self) -> bool:
        """The upstream has taken in, or refused, all that it was told."""
        return not self._unanswered and not self.update_id

    @property
    def is_up_to_date(self) -> bool:
        """Nothing has changed since that telling further items could not mend."""
        items = self._journal.items.order[: len(self._told)]
        if self._journal.session is not self._session_told or [k.id for k in items] != [*self._told]:
            return False
        return all(k.speech or k.value is self._told[k.id] for k in items)

    def session(self, given: JsonObject) -> None:
        """Set the session as the client knows it, where the upstream's own is not like that."""
        self._session_told = self._journal.session
        self._update(sessions.differing(self._journal.session, given))

    def _update(self, update: JsonObject) -> None:
        self._wanted, self.update_id = update, ""
        if update:
            journal = self._journal
            self.update_id = self._our_id()
            dialect = journal.words.dialect
            self._say(sessions.update_event(update, journal.session, dialect, self.update_id))

    def update_taken(self) -> bool:
        """Say whether a ``session.updated`` is the answer to ours."""
        was_ours, self.update_id = bool(self.update_id), ""
        return was_ours

    def update_refused(self, param: Any) -> bool:
        """Leave out what this upstream does not take, and say the rest again; say whether that helps."""
        less = sessions.without(self._wanted, param) if isinstance(param, str) else None
        self._refused_fields += 1
        if less is None or self._refused_fields > _MOST_REFUSED_FIELDS:
            return False
        self.lost.append(str(param))
        self._update(less)
        return True

    def items(self, *, until_promised: bool) -> None:
        """Tell of all items that were not told yet, or only of those before one whose words are due."""
        for kept in self._journal.items:
            if until_promised and kept.awaits_words:
                return
            if kept.id not in self._told and not self._is_in_the_making(kept):
                self._tell(kept)

    def joined(self, item_id: str) -> None:
        """Take in that the upstream has an item."""
        self._unanswered = {e: i for e, i in self._unanswered.items() if i != item_id}

    def refused(self, event_id: str, why: str) -> None:
        """Take in that the upstream does not take an item."""
        item_id = self._unanswered.pop(event_id, None)
        if item_id is not None:
            self.lost.append(f"item {item_id}: {why}")

    def swallows(self, item_id: str, answer: str) -> bool:
        """Say whether an answer is to something that the client knows already, or knows nothing of."""
        if not self.expected[item_id, answer]:
            return False
        self.expected[item_id, answer] -= 1
        return True

    def _is_in_the_making(self, kept: Kept) -> bool:
        """A response that is asked for again makes it anew."""
        return any(running.output(kept.id) is not None for running in self._journal.running)

    def _tell(self, kept: Kept) -> None:
        item = kept.to_create(self._journal.words)
        if item is None:
            self.lost.append(f"item {kept.id} ({kept.value.get('type')})")
            return
        call_id = item.get("call_id") if item["type"] == "function_call_output" else None
        stand_in = self._stand_in(call_id) if call_id and not self._has_call(call_id) else None
        self._told[kept.id] = kept.value
        self.expected[kept.id, "added"] += kept.shown
        self.expected[kept.id, "done"] += kept.complete
        if kept.was_spoken:
            self.as_text.add(kept.id)
        event_id = self._our_id()
        self._unanswered[event_id] = kept.id
        self._say({"type": "conversation.item.create", "event_id": event_id, "item": item})
        if stand_in is not None:
            self._say({"type": "conversation.item.delete", "event_id": self._our_id(), "item_id": stand_in})

    def _stand_in(self, call_id: str) -> str:
        """Make up the call that an output answers; return its id. No server takes one without the other."""
        item_id = self._our_id()
        self.expected.update((item_id, answer) for answer in ("added", "done", "deleted"))
        item = {"id": item_id, "type": "function_call", "name": "gone", "call_id": call_id, "arguments": "{}"}
        self._say({"type": "conversation.item.create", "event_id": self._our_id(), "item": item})
        return item_id

    def _has_call(self, call_id: Any) -> bool:
        told = self._told.values()
        return any(v.get("type") == "function_call" and v.get("call_id") == call_id for v in told)
