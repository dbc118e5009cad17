"""Websockets that never leave the process: for library sessions, and for tests without sockets."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from attrs import Factory, define

from realtime_lb.abc import Connection, Splice
from realtime_lb.errors import UpstreamUnreachable
from realtime_lb.frames import Close, Frame, OnFrame, shorten_reason
from realtime_lb.requests import DialRequest

__all__ = ["MemoryConnection", "MemoryTransport", "memory_pair"]

HIGH_WATER_BYTES = 64 * 1024
"""As asyncio's stream transports have it."""

MAX_MESSAGE_BYTES = 16 * 1024 * 1024


def _nothing() -> None:
    """Stand in for an owner that does not want to know."""


def _drop(_frame: Frame) -> None:
    """Take a message that nobody wants."""


@define(eq=False)
class _Pipe:
    """What one end has written and the other has not read yet."""

    frames: deque[Frame] = Factory(deque)
    unread_bytes: int = 0
    taken_bytes: int = 0
    writer_waits: bool = False
    on_room: Callable[[], None] = _nothing
    news: asyncio.Event = Factory(asyncio.Event)

    def put(self, frame: Frame) -> bool:
        self.frames.append(frame)
        self.unread_bytes += len(frame.payload)
        self.news.set()
        self.writer_waits = self.writer_waits or self.unread_bytes > HIGH_WATER_BYTES
        return not self.writer_waits

    def take(self) -> Frame:
        frame = self.frames.popleft()
        self.unread_bytes -= len(frame.payload)
        self.taken_bytes += len(frame.payload)
        return frame

    def tell_writer(self) -> None:
        if self.writer_waits and self.unread_bytes <= HIGH_WATER_BYTES // 2:
            self.writer_waits = False
            self.on_room()

    def drop(self) -> None:
        self.frames.clear()
        self.unread_bytes = 0
        self.writer_waits = False


@define(eq=False)
class _Line:
    """What both ends share: a pipe each way, and how it ended."""

    pipes: tuple[_Pipe, _Pipe] = Factory(lambda: (_Pipe(), _Pipe()))
    end: Close | None = None

    def finish(self, end: Close) -> None:
        self.end = self.end or end
        for pipe in self.pipes:
            pipe.writer_waits = False
            pipe.news.set()


class MemoryConnection:
    """One end of a pair; see `memory_pair`."""

    def __init__(self, line: _Line, side: int, max_message_bytes: int) -> None:
        self.on_writable: Callable[[], None] = _nothing
        self._line = line
        self._outgoing, self._incoming = line.pipes[side], line.pipes[1 - side]
        self._outgoing.on_room = self._tell_owner
        self._max_message_bytes = max_message_bytes
        self._paused = False
        self._on_frame: OnFrame = _drop

    def _tell_owner(self) -> None:
        self.on_writable()

    def __repr__(self) -> str:
        return f"<MemoryConnection {self._line.end or 'open'}, {len(self._incoming.frames)} frames to read>"

    async def pump(self, on_frame: OnFrame) -> Close:
        self._on_frame = on_frame
        try:
            return await self._pump()
        except Exception:
            self.abort()
            raise
        finally:
            self._on_frame = _drop

    async def _pump(self) -> Close:
        incoming = self._incoming
        while True:
            incoming.news.clear()
            self._deliver()
            if self._line.end is not None and not incoming.frames:
                return self._line.end
            await incoming.news.wait()

    def redirect(self, on_frame: OnFrame, splice: Splice | None = None) -> None:  # noqa: ARG002  # nothing is saved
        self._on_frame = on_frame

    def _deliver(self) -> None:
        incoming = self._incoming
        while incoming.frames and not self._paused:
            self._on_frame(incoming.take())
            incoming.tell_writer()

    def write(self, frame: Frame) -> bool:
        if self._line.end is not None:
            return True
        if len(frame.payload) > self._max_message_bytes:
            self._line.finish(Close(1009))
            return True
        return self._outgoing.put(Frame(frame.opcode, bytes(frame.payload)))  # and not what was found in it

    @property
    def taken_bytes(self) -> int:
        return self._outgoing.taken_bytes

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._incoming.news.set()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self._incoming.drop()
        self._line.finish(Close(code, shorten_reason(reason)))

    def abort(self) -> None:
        for pipe in self._line.pipes:
            pipe.drop()
        self._line.finish(Close(1006))


def memory_pair(*, max_message_bytes: int = MAX_MESSAGE_BYTES) -> tuple[MemoryConnection, MemoryConnection]:
    """Return two connections, each the other's peer.

    What one writes, the other's `pump` delivers. Each way holds `HIGH_WATER_BYTES` before `write` says no.

    Args:
        max_message_bytes: A larger message ends both with 1009.
    """
    line = _Line()
    return MemoryConnection(line, 0, max_message_bytes), MemoryConnection(line, 1, max_message_bytes)


class MemoryTransport:
    """A `Transport` whose upstream is a coroutine of yours.

    Args:
        upstream: Called for each dial with what was dialled and the far end of the connection. It runs in a
            task that the transport owns; when it returns, the connection is closed.
    """

    def __init__(self, upstream: Callable[[DialRequest, Connection], Awaitable[None]]) -> None:
        self._upstream = upstream
        self._running: set[asyncio.Task[None]] = set()

    async def connect(self, dial: DialRequest, timeout_s: float) -> Connection:  # noqa: ARG002  # nothing waits
        if not dial.url.startswith(("ws://", "wss://")):
            raise UpstreamUnreachable("Not a websocket address")
        near, far = memory_pair()
        task = asyncio.create_task(self._run(dial, far))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return near

    async def _run(self, dial: DialRequest, far: MemoryConnection) -> None:
        try:
            await self._upstream(dial, far)
        finally:
            await far.close()

    async def aclose(self) -> None:
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)
