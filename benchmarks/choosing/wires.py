"""Connections that never leave the process and cost next to nothing: no task, no queue."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from realtime_lb.abc import Splice
from realtime_lb.frames import Close, Frame, OnFrame, Opcode

__all__ = ["AUDIO", "FAILED", "GROUP", "RESPONSE_CREATE", "SESSION_CREATED", "Wire", "text"]


GROUP = "voice"
"""The model that everybody asks for."""


def text(payload: str) -> Frame:
    """Return a text frame."""
    return Frame(Opcode.TEXT, payload.encode())


SESSION_CREATED = text('{"type":"session.created","event_id":"event_1","session":{"type":"realtime"}}')
RESPONSE_CREATE = text('{"type":"response.create"}')
AUDIO = text('{"type":"response.output_audio.delta","event_id":"event_2","delta":"AAAA"}')
FAILED = (
    '{{"type":"response.done","event_id":"event_3","response":{{"object":"realtime.response",'
    '"status":"failed","status_details":{{"type":"failed","error":{{"type":"invalid_request_error",'
    '"code":"rate_limit_exceeded","message":"Rate limit reached. Please try again in {delay_s:.1f}s."}}}}}}}}'
)


def _nothing() -> None:
    """Nobody wants to know."""


class Wire:
    """A `Connection` whose peer is a subclass: what the router writes comes to `heard`; `say` is its answer.

    Attributes:
        ended: Set to how it ended, once it has.
    """

    def __init__(self) -> None:
        self.on_writable: Callable[[], None] = _nothing
        self.ended: asyncio.Future[Close] = asyncio.get_running_loop().create_future()
        self._on_frame: OnFrame | None = None
        self._paused = False
        self._unread: deque[Frame] = deque()

    def heard(self, frame: Frame) -> None:
        """Take what the router has written."""

    def say(self, frame: Frame) -> None:
        """Send *frame* to the router."""
        if self._on_frame is None or self._paused or self._unread:
            self._unread.append(frame)
        elif not self.ended.done():
            self._on_frame(frame)

    def gone(self) -> None:
        """Take in that it has ended."""

    def hang_up(self, close: Close) -> None:
        """End it, from either side."""
        if not self.ended.done():
            self.ended.set_result(close)
            self.gone()

    async def pump(self, on_frame: OnFrame) -> Close:
        """See `realtime_lb.abc.Connection`, as for all below."""
        self._on_frame = on_frame
        self._deliver()
        return await self.ended

    def redirect(self, on_frame: OnFrame, splice: Splice | None = None) -> None:
        """Deliver to another from now on."""
        if self._on_frame is not None:
            self._on_frame = on_frame

    def _deliver(self) -> None:
        while self._unread and not self._paused and self._on_frame is not None:
            self._on_frame(self._unread.popleft())

    def write(self, frame: Frame) -> bool:
        """Hand *frame* to the peer."""
        if not self.ended.done():
            self.heard(frame)
        return True

    @property
    def taken_bytes(self) -> int:
        """Nothing is ever held back."""
        return 0

    def pause(self) -> None:
        """Stop reading."""
        self._paused = True

    def resume(self) -> None:
        """Read on, soon."""
        self._paused = False
        if self._unread:
            asyncio.get_running_loop().call_soon(self._deliver)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End it, from the router's side."""
        self.hang_up(Close(code, reason))

    def abort(self) -> None:
        """End it at once."""
        self.hang_up(Close(1006))
