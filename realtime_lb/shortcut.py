"""A short way for events that pass as they are: a client's sound, and the pieces of an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from attrs import field, frozen

from realtime_lb.events import heads_of

__all__ = ["Seen", "Shortcut"]

Seen: TypeAlias = Callable[[bytes | memoryview], object]
"""Takes in one event. Must not block or raise; copies what it keeps."""


def _always() -> bool:
    return True


@frozen(eq=False)
class Shortcut:
    """Takes events past tap and translator, who mostly do nothing with them, though they are nearly all.

    Attributes:
        kinds: Their types.
        seen: Told of each, unless it is None.
        is_open: Says whether they may come this way now; asked behind each event that did not.
        heads: How they begin where the type comes first.
    """

    kinds: frozenset[str]
    seen: Seen | None
    is_open: Callable[[], bool] = _always
    heads: tuple[bytes, ...] = field(init=False)

    @heads.default
    def _heads(self) -> tuple[bytes, ...]:
        return heads_of(self.kinds)
