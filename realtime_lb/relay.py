"""Moving frames between two legs until one of them ends: tap, translate, write."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from attrs import field, frozen

from realtime_lb.abc import Connection, Splice
from realtime_lb.count import Count
from realtime_lb.endings import Ending
from realtime_lb.errors import InvalidEvent
from realtime_lb.events import CLOSING_BRACE, type_of
from realtime_lb.frames import Close, Frame, Opcode
from realtime_lb.legs import Leg
from realtime_lb.records import Direction
from realtime_lb.shortcut import Shortcut
from realtime_lb.waiting import first_of

__all__ = ["Lane", "Tap", "Translate", "Way", "relay", "untranslated"]

Tap: TypeAlias = Callable[[Frame], None]
"""Looks at a frame in passing. Must not keep it, block or raise."""

Translate: TypeAlias = Callable[[Frame], Sequence[Frame]]
"""Returns what to send for a frame. Raises `InvalidEvent` for a client's frame that is no event."""

_TEXT = Opcode.TEXT  # looking up an enum's member costs more than all the rest

LOOKS = 10
"""How often to look at a peer within the time that it may take nothing; at most a look late it is let go."""


def _unseen(_frame: Frame) -> None:
    """See nothing: the tap of a way that nobody looks at."""


def untranslated(frame: Frame) -> Sequence[Frame]:
    """Return *frame* itself: how a deployment is relayed that is not to be read."""
    return (frame,)


@frozen(kw_only=True)
class Way:
    """What is done with frames that go one way. They pass unread, unless it says otherwise.

    Attributes:
        tap: Sees each first.
        translate: Says what to send for it.
        shortcut: Takes some past both.
        count: Counts all frames.
    """

    tap: Tap = _unseen
    translate: Translate = untranslated
    shortcut: Shortcut | None = None
    count: Count = field(factory=Count)


class Lane:
    """One way through the gateway: tap, translate, write, and no reading on when the other side needs time.

    Args:
        source: Whose frames come in, once they are directed here: `begin`.
        sink: Where they go.
        way: What is done with them.
        stall_timeout_s: How long *sink* may take nothing.
        on_stall: Called once if it takes nothing for that long.
        refuse: Told why nothing is sent for a frame that is no event; without it, `forward` raises that.
    """

    __slots__ = (
        "_count",
        "_on_stall",
        "_open",
        "_refuse",
        "_shortcut",
        "_sink",
        "_source",
        "_stall_timeout_s",
        "_tap",
        "_translate",
        "_waiting",
        "_watch",
        "_write",
    )

    def __init__(
        self,
        source: Leg,
        sink: Connection,
        way: Way,
        stall_timeout_s: float,
        on_stall: Callable[[], None],
        refuse: Callable[[InvalidEvent], None] | None = None,
    ) -> None:
        self._source = source
        self._sink = sink
        self._write = sink.write
        self._count = way.count
        self._tap = way.tap
        self._translate = way.translate
        self._shortcut = way.shortcut
        self._open: Shortcut | None = None
        self._refuse = refuse
        self._stall_timeout_s = stall_timeout_s
        self._on_stall = on_stall
        self._watch: asyncio.TimerHandle | None = None
        self._waiting: list[Connection] = []
        sink.on_writable = self._go_on

    def begin(self) -> None:
        """Have the source's frames come here."""
        self._source.redirect(self.forward)
        self._look_whether_open()

    def _look_whether_open(self) -> None:
        """Open the shortcut, or close it; where a transport can, what takes it does not even come here."""
        shortcut = self._shortcut
        if shortcut is None or shortcut.is_open() is (self._open is shortcut):
            return
        if self._open is None:
            self._open = shortcut
            self._source.redirect(self.forward, self._splice(shortcut))
        else:
            self._open = None
            self._source.redirect(self.forward)
        self._settle()

    def _splice(self, shortcut: Shortcut) -> Splice:
        seen, backlog = shortcut.seen, shortcut.backlog
        keep = seen if backlog is None else backlog.keep
        return Splice(shortcut.heads, self._count, keep, seen, self._sink, self._hold_source, self._settle)

    def _settle(self) -> None:
        """Have looked at what was kept on the short way, and say when it is due again."""
        backlog = None if self._shortcut is None else self._shortcut.backlog
        if backlog is not None:
            self._count.due_bytes = self._count.bytes + backlog.most_bytes
            backlog.settle()

    def forward(self, frame: Frame) -> None:
        """Pass one frame on, as whatever it is on the other side."""
        # Read before they are called: only so does CPython 3.11 specialise the look-up.
        count, shortcut, write, payload = self._count, self._open, self._write, frame.payload
        count.frames += 1
        count.bytes += len(payload)
        if (
            shortcut is not None
            and frame.opcode is _TEXT
            and type_of(frame) in shortcut.kinds
            and payload[-1] == CLOSING_BRACE  # the translator looks into what may have been cut off
        ):
            seen = shortcut.seen
            if seen is not None:
                seen(payload)
            if not write(frame):
                self._hold_source()
            return
        tap, translate = self._tap, self._translate
        tap(frame)
        try:
            says = translate(frame)
        except InvalidEvent as invalid:
            if self._refuse is None:
                raise
            self._refuse(invalid)
            return
        for said in says:
            if not write(said):
                self._hold_source()
        if self._shortcut is not None:
            self._look_whether_open()

    def put(self, frame: Frame, by: Connection) -> None:
        """Write one frame; while there is no room for more, do not read *by*, who caused it."""
        if not self._write(frame):
            self._hold(by)

    def _hold_source(self) -> None:
        self._hold(self._source.connection)

    def _hold(self, by: Connection) -> None:
        by.pause()
        if by not in self._waiting:
            self._waiting.append(by)
        if self._watch is None:
            self._look_again(self._sink.taken_bytes, LOOKS)

    def _go_on(self) -> None:
        self.stop_watching()
        for waiting in self._waiting:
            waiting.resume()
        self._waiting.clear()

    def _look_again(self, taken_bytes: int, looks: int) -> None:
        loop = asyncio.get_running_loop()
        self._watch = loop.call_later(self._stall_timeout_s / LOOKS, self._check, taken_bytes, looks)

    def _check(self, taken_before: int, looks: int) -> None:
        """A slow reader goes on, one that takes nothing does not."""
        taken = self._sink.taken_bytes
        if taken > taken_before:
            self._look_again(taken, LOOKS)
        elif looks > 1:
            self._look_again(taken_before, looks - 1)
        else:
            self._on_stall()

    def stop_watching(self) -> None:
        """Forget the timer, if one runs."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None


async def relay(  # two legs, and what is between them
    downstream: Leg,
    upstream: Leg,
    *,
    ways: tuple[Way, Way],
    held: tuple[Sequence[Frame], Sequence[Frame]],
    stall_timeout_s: float,
    stopped: asyncio.Future[Close],
    left: asyncio.Future[None],
) -> Ending | None:
    """Pass frames both ways until one leg ends, stops reading, or *stopped* is set; None once *left* is.

    Leaves both legs as they are: closing them is the caller's.

    Args:
        downstream: The client's leg, paused.
        upstream: The provider's leg, paused.
        ways: What is done with the client's frames, and what with the upstream's.
        held: What the client has said already, and what the upstream has; goes first.
        stall_timeout_s: How long a leg may take nothing.
        stopped: How to end from outside.
        left: How to take the upstream away, without an end.
    """
    stall: asyncio.Future[Direction] = asyncio.get_running_loop().create_future()

    def stalled(by: Direction) -> None:
        if not stall.done():
            stall.set_result(by)

    client, provider = downstream.connection, upstream.connection

    def refuse(invalid: InvalidEvent) -> None:
        down.put(_answer(invalid), client)

    down = Lane(upstream, client, ways[1], stall_timeout_s, partial(stalled, Direction.CLIENT))
    up = Lane(downstream, provider, ways[0], stall_timeout_s, partial(stalled, Direction.SERVER), refuse)
    down.begin()
    up.begin()
    provider.resume()
    client.resume()
    _pass_on(held[1], down)
    _pass_on(held[0], up)
    del held  # or it would be kept as long as the session lives
    try:
        await first_of(downstream.ended, upstream.ended, stall, stopped, left)
    finally:
        up.stop_watching()
        down.stop_watching()
    if stall.done():
        return Ending(stall.result(), Close(1008), stalled=True)
    for by, leg in ((Direction.SERVER, upstream), (Direction.CLIENT, downstream)):
        if leg.ended.done():
            return Ending(by, leg.ended.result())
    return Ending(None, stopped.result()) if stopped.done() else None


def _pass_on(frames: Sequence[Frame], lane: Lane) -> None:
    for frame in frames:
        lane.forward(frame)


def _answer(invalid: InvalidEvent) -> Frame:
    return Frame(Opcode.TEXT, json.dumps(invalid.as_event(invalid.event_id)).encode())
