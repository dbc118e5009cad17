"""What is known of the demo so far, read from the router's own records."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import takewhile

from attrs import define, field, frozen

from realtime_lb.records import (
    Direction,
    EventObserved,
    Record,
    SessionClosed,
    SessionOpened,
    SessionRehomed,
)

__all__ = ["ACTS", "Board", "Passing", "SessionRow"]

ACTS = 3
_PASSING_KEPT = 50


@frozen
class Passing:
    """Something that happened in a session, or to an upstream.

    Attributes:
        who: The caller's or the upstream's name.
        text: What happened, such as ``→ response.create``.
    """

    who: str
    text: str


@define
class SessionRow:
    """One session.

    Attributes:
        name: Its caller.
        act: The act that it belongs to.
        path: Every deployment that was dialled at its opening, the one that took it last.
        opened_ms: From the request to the upstream's first event.
        moves: Each time that it lost its upstream and went on at another.
        last: What happened last.
        closed: The router's closing record.
    """

    name: str
    act: int
    path: tuple[str, ...] = ()
    opened_ms: float | None = None
    moves: tuple[SessionRehomed, ...] = ()
    last: str = "dialling"
    closed: SessionClosed | None = None

    @property
    def placed_on(self) -> str | None:
        """Where it began; None before an upstream has accepted it."""
        return self.path[-1] if self.opened_ms is not None else None

    @property
    def deployment(self) -> str | None:
        """Where it is or was last."""
        return self.moves[-1].to_deployment if self.moves else self.placed_on


@define
class Board:
    """An `EventSink` that remembers what a viewer wants to see.

    Attributes:
        on_passing: Told of each thing that happens.
        up: Upstreams by name, and whether they are there.
        act: The number of the act that plays.
        title: What it is about.
        rows: Sessions by their caller's name, in the order of their opening.
        passing: What happened last, wherever.
        settled: Set while every session that was seen has ended.
    """

    on_passing: Callable[[Passing], None] = field(default=lambda _passing: None)
    up: dict[str, bool] = field(factory=dict)
    act: int = 0
    title: str = ""
    rows: dict[str, SessionRow] = field(factory=dict)
    passing: deque[Passing] = field(factory=lambda: deque(maxlen=_PASSING_KEPT))
    settled: asyncio.Event = field(factory=asyncio.Event)
    _names: dict[str, str] = field(factory=dict)

    def __call__(self, record: Record) -> None:
        """Take one of the router's records."""
        match record:
            case SessionOpened():
                self._opened(record)
            case SessionRehomed():
                self._moved(record)
            case EventObserved():
                self._observed(record)
            case SessionClosed():
                self._closed(record)

    def _row(self, name: str) -> SessionRow:
        return self.rows.setdefault(name, SessionRow(name, self.act))

    def _opened(self, record: SessionOpened) -> None:
        self.settled.clear()
        self._names[record.session_id] = record.principal
        row = self._row(record.principal)
        before = tuple(takewhile(lambda attempt: attempt.outcome != "accepted", record.attempts))
        row.path = (*(attempt.deployment for attempt in before), record.deployment)
        row.opened_ms = record.open_s * 1000
        failed = "".join(f"{attempt.deployment} failed ({attempt.outcome}), then " for attempt in before)
        self._tell(row.name, f"{failed}placed on {record.deployment} in {row.opened_ms:.0f} ms")

    def _observed(self, record: EventObserved) -> None:
        row = self._row(self._names[record.session_id])
        arrow = "→" if record.direction is Direction.CLIENT else "←"
        text = f"{arrow} {record.type}"
        if row.moves and record.type == "input_audio_buffer.speech_started":
            self.tell(row.name, f"{text} (not passed on)")  # the next upstream hears what the last one heard
        else:
            self._tell(row.name, text)

    def _moved(self, record: SessionRehomed) -> None:
        row = self._row(self._names[record.session_id])
        row.moves += (record,)
        text = f"lost {record.from_deployment}, on {record.to_deployment} after {record.gap_s * 1000:.0f} ms"
        self._tell(row.name, text)

    def _closed(self, record: SessionClosed) -> None:
        row = self._row(record.principal)
        row.closed = record
        how = "closed" if record.error is None else f"failed: {record.error}"
        self._tell(row.name, f"{how} after {record.duration_s:.1f} s")
        if all(other.closed for other in self.rows.values()):
            self.settled.set()

    def _tell(self, name: str, text: str) -> None:
        self._row(name).last = text
        self.tell(name, text)

    def tell(self, who: str, text: str) -> None:
        """Show that something happened."""
        passing = Passing(who, text)
        self.passing.append(passing)
        self.on_passing(passing)

    def live(self, upstream: str) -> int:
        """Return how many sessions *upstream* holds."""
        return sum(row.deployment == upstream and row.closed is None for row in self.rows.values())

    def served(self, upstream: str, act: int | None = None) -> int:
        """Return how many sessions began at *upstream*, in all acts or in one."""
        return sum(row.placed_on == upstream and act in {None, row.act} for row in self.rows.values())

    def moves(self) -> list[SessionRehomed]:
        """Return every move of a live session."""
        return [move for row in self.rows.values() for move in row.moves]

    def taken_over(self, upstream: str) -> int:
        """Return how many live sessions *upstream* has taken over from another."""
        return sum(move.to_deployment == upstream for move in self.moves())

    def first_event_ms(self, upstream: str) -> list[float]:
        """Return each session's time to its first event, without those that were dialled elsewhere before."""
        rows = [row for row in self.rows.values() if row.path == (upstream,)]
        return sorted(row.opened_ms for row in rows if row.opened_ms is not None)
