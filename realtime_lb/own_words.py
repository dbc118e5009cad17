"""Words that an upstream has and its dialect has not, for what GA clients can say.

Towards such an upstream a GA value is said in these words before the dialect's tables see it, and they leave
it alone; on the way back the words become the GA value again. Paths are dotted, from the session or response.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from realtime_lb.dotted import at, put, without
from realtime_lb.typing import JsonObject, read_only

__all__ = ["Verbatim", "Word", "in_our_words", "in_their_words", "our_place"]


@frozen
class Word:
    """One value of one GA field.

    Attributes:
        ours: Where GA has it.
        value: GA's value.
        theirs: The upstream's fields, with their values.
    """

    ours: str
    value: Any = field(hash=False)
    theirs: Mapping[str, Any] = field(converter=read_only, hash=False)


@frozen
class Verbatim:
    """A GA field whose values go up as they are, where the dialect's own table would drop them.

    Attributes:
        ours: Where GA has it.
        theirs: Where the upstream has it.
        names: Plain values of this kind. Objects are of this kind when they have a ``type``.
    """

    ours: str
    theirs: str
    names: frozenset[str] = frozenset()

    def holds(self, value: Any) -> bool:
        """Say whether *value* goes up as it is."""
        if isinstance(value, dict):
            return isinstance(value.get("type"), str)
        return isinstance(value, str) and value in self.names


def in_their_words(value: JsonObject, rows: Sequence[Word | Verbatim]) -> JsonObject:
    """Return a client's GA session or order, with all that *rows* know said in the upstream's way."""
    for row in rows:
        said = at(value, row.ours)
        if isinstance(row, Verbatim):
            if row.holds(said):
                value = put(without(value, row.ours), row.theirs, said)
        elif said == row.value:
            value = without(value, row.ours)
            for place, word in row.theirs.items():
                value = put(value, place, word)
    return value


def in_our_words(value: JsonObject, rows: Sequence[Word | Verbatim]) -> JsonObject:
    """Return an upstream's session or response, with what *rows* know said in GA's way."""
    for row in rows:
        if isinstance(row, Word) and all(at(value, place) == word for place, word in row.theirs.items()):
            for place in row.theirs:
                value = without(value, place)
            value = put(value, row.ours, row.value)
    return value


def our_place(place: str, rows: Sequence[Word | Verbatim]) -> str:
    """Return where GA says what the upstream says at *place*; *place* itself where no word is for it."""
    return next((row.ours for row in rows if isinstance(row, Word) and place in row.theirs), place)
