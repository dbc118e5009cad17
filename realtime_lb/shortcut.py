"""A short way for events that pass as they are: a client's sound, and the pieces of an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from attrs import field, frozen

from realtime_lb.events import heads_of

__all__ = ["Backlog", "Seen", "Shortcut"]

Seen: TypeAlias = Callable[[bytes | memoryview], object]
"""Takes in one event. Must not block or raise; copies what it keeps."""


def _always() -> bool:
    return True


@frozen(eq=False)
class Backlog:
    """Events that have passed, and that nobody has looked at yet.

    To look at many together costs less than to look at each, and least where nobody asks before they are old.

    Attributes:
        keep: Takes one as it passes: a list's own `append`, as a function of ours costs more than the rest.
        most_bytes: How large they may be together before they are looked at.
        settle: Looks at them.
    """

    keep: Callable[[bytes], object]
    most_bytes: int
    settle: Callable[[], object]


@frozen(eq=False)
class Shortcut:
    """Takes events past tap and translator, who mostly do nothing with them, though they are nearly all.

    Attributes:
        kinds: Their types.
        seen: Told of each, unless it is None.
        backlog: Takes those that need no copy instead.
        is_open: Says whether they may come this way now; asked behind each event that did not.
        heads: How they begin where the type comes first.
    """

    kinds: frozenset[str]
    seen: Seen | None
    backlog: Backlog | None = None
    is_open: Callable[[], bool] = _always
    heads: tuple[bytes, ...] = field(init=False)

    @heads.default
    def _heads(self) -> tuple[bytes, ...]:
        return heads_of(self.kinds)
