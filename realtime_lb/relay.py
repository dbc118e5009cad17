"""Moving frames between two legs until one of them ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

from realtime_lb.abc import Connection
from realtime_lb.endings import Ending
from realtime_lb.frames import Close, Frame
from realtime_lb.legs import Leg
from realtime_lb.records import Direction

__all__ = ["Lane", "Tap", "relay"]

Tap: TypeAlias = Callable[[Frame], None]
"""Looks at a frame in passing. Must not keep it, block or raise."""


class Lane:
    """One way through the gateway: tap, write, and no reading on when the other side needs time.

    Args:
        source: Whose frames come in.
        sink: Where they go.
        tap: Sees each frame first.
        stall_timeout_s: How long *sink* may take nothing.
        on_stall: Called once if it takes nothing for that long.
    """

    def __init__(
        self,
        source: Connection,
        sink: Connection,
        tap: Tap,
        stall_timeout_s: float,
        on_stall: Callable[[], None],
    ) -> None:
        self._source = source
        self._sink = sink
        self._tap = tap
        self._stall_timeout_s = stall_timeout_s
        self._on_stall = on_stall
        self._watch: asyncio.TimerHandle | None = None
        sink.on_writable = self._go_on

    def forward(self, frame: Frame) -> None:
        """Pass one frame on."""
        self._tap(frame)
        if not self._sink.write(frame) and self._watch is None:
            self._source.pause()
            self._look_again()

    def _go_on(self) -> None:
        self.stop_watching()
        self._source.resume()

    def _look_again(self) -> None:
        loop = asyncio.get_running_loop()
        self._watch = loop.call_later(self._stall_timeout_s, self._check, self._sink.taken_bytes)

    def _check(self, taken_before: int) -> None:
        """A slow reader goes on, one that takes nothing does not."""
        if self._sink.taken_bytes > taken_before:
            self._look_again()
        else:
            self._on_stall()

    def stop_watching(self) -> None:
        """Forget the timer, if one runs."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None


async def relay(
    downstream: Leg,
    upstream: Leg,
    *,
    taps: tuple[Tap, Tap],
    held: Sequence[Frame],
    stall_timeout_s: float,
    stopped: asyncio.Future[Close],
) -> Ending:
    """Pass frames both ways until one leg ends, stops reading, or *stopped* is set.

    Leaves both legs as they are: closing them is the caller's.

    Args:
        downstream: The client's leg, paused.
        upstream: The provider's leg, paused.
        taps: Who sees the client's frames, and who the upstream's.
        held: What the upstream has said already; goes first.
        stall_timeout_s: How long a leg may take nothing.
        stopped: How to end from outside.
    """
    stall: asyncio.Future[Direction] = asyncio.get_running_loop().create_future()

    def stalled(by: Direction) -> None:
        if not stall.done():
            stall.set_result(by)

    client, provider = downstream.connection, upstream.connection
    up = Lane(client, provider, taps[0], stall_timeout_s, partial(stalled, Direction.SERVER))
    down = Lane(provider, client, taps[1], stall_timeout_s, partial(stalled, Direction.CLIENT))
    upstream.redirect(down.forward)
    downstream.redirect(up.forward)
    provider.resume()
    client.resume()
    for frame in held:
        down.forward(frame)
    try:
        ends: set[asyncio.Future[Any]] = {downstream.ended, upstream.ended, stall, stopped}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        up.stop_watching()
        down.stop_watching()
    if stall.done():
        return Ending(stall.result(), Close(1008), stalled=True)
    if upstream.ended.done():
        return Ending(Direction.SERVER, upstream.ended.result())
    if downstream.ended.done():
        return Ending(Direction.CLIENT, downstream.ended.result())
    return Ending(None, stopped.result())
