"""A session as an app holds it: send, receive, close."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Self

from realtime_lb.abc import Connection
from realtime_lb.errors import SessionEnded
from realtime_lb.events import parse_event
from realtime_lb.frames import Close, Frame, Opcode
from realtime_lb.legs import Leg
from realtime_lb.requests import SessionRequest
from realtime_lb.transports.memory import memory_pair
from realtime_lb.typing import JsonObject

__all__ = ["RealtimeSession", "session_over"]

_INBOX_FRAMES = 64
"""Read ahead of the app. Above it, the upstream's socket is not read and TCP slows the upstream down."""

_NORMAL_CODES = frozenset({1000, 1001})


class RealtimeSession:
    """One end of a session, for `RealtimeRouter.connect`.

    Iterate it for the server's events, as JSON objects. One task may receive while others send. Receive all
    the time, in a task of its own if need be: an app that takes nothing for ``LimitSettings.stall_timeout_s``
    while events wait for it is a slow consumer, and its session ends with 1008.

    Args:
        connection: The app's end.
        session_id: Its name in the log.

    Attributes:
        id: Its name in the log.
    """

    def __init__(self, connection: Connection, session_id: str) -> None:
        self.id = session_id
        self._inbox: deque[Frame] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        connection.on_writable = self._room.set
        self._leg = Leg(connection, self._take)
        self._leg.ended.add_done_callback(self._wake)

    def _take(self, frame: Frame) -> None:
        self._inbox.append(frame.kept())
        self._news.set()
        if len(self._inbox) >= _INBOX_FRAMES:
            self._leg.connection.pause()

    def _wake(self, _ended: asyncio.Task[Close]) -> None:
        self._news.set()
        self._room.set()

    async def send(self, event: JsonObject | str | bytes) -> None:
        """Send one client event; wait while the upstream takes no more.

        Args:
            event: A JSON object, or its text, which then goes out byte for byte.

        Raises:
            SessionEnded: The session is over.

        Cancelling while it waits for room leaves the event sent.
        """
        if self._leg.ended.done():
            raise SessionEnded(self._leg.ended.result())
        if isinstance(event, dict):
            event = json.dumps(event)
        payload = event.encode() if isinstance(event, str) else event
        if not self._leg.connection.write(Frame(Opcode.TEXT, payload)):
            self._room.clear()
        await self._room.wait()

    async def recv_bytes(self) -> bytes:
        """Return the next server event's text, as it came.

        Raises:
            SessionEnded: There is none left and the session is over.

        Cancelling loses nothing.
        """
        while not self._inbox:
            if self._leg.ended.done():
                raise SessionEnded(self._leg.ended.result())
            self._news.clear()
            await self._news.wait()
        frame = self._inbox.popleft()
        self._leg.connection.resume()
        return bytes(frame.payload)

    async def recv(self) -> JsonObject:
        """Return the next server event. Frames that are no JSON object are passed over.

        Raises:
            SessionEnded: There is none left and the session is over.

        Cancelling loses nothing.
        """
        while True:
            if (event := parse_event(await self.recv_bytes(), at_any_cost=True)) is not None:
                return event

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> JsonObject:
        """Return the next event; end with the session, and raise `SessionEnded` if not by 1000 or 1001."""
        try:
            return await self.recv()
        except SessionEnded as end:
            if end.close.code in _NORMAL_CODES:
                raise StopAsyncIteration from None
            raise

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the session. Idempotent."""
        await self._leg.close(Close(code, reason))


@asynccontextmanager
async def session_over(
    serve: Callable[[SessionRequest, Callable[[], Awaitable[Connection]]], Coroutine[Any, Any, object]],
    request: SessionRequest,
    max_message_bytes: int,
) -> AsyncIterator[RealtimeSession]:
    """Have *serve* place *request*, with an end in this process for the client's.

    Args:
        serve: `RealtimeRouter.serve`.
        request: What the app wants.
        max_message_bytes: Largest message either way.

    Yields:
        The session. Leaving the block closes it and waits until *serve* has settled it.

    Raises:
        RealtimeError: What *serve* raises before the session is accepted.
    """
    near, far = memory_pair(max_message_bytes=max_message_bytes)
    accepted = asyncio.Event()

    async def accept() -> Connection:
        accepted.set()
        return far

    serving = asyncio.create_task(serve(request, accept))
    waiting = asyncio.create_task(accepted.wait())
    either: set[asyncio.Future[Any]] = {serving, waiting}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not accepted.is_set():
            await serving  # raises why
        session = RealtimeSession(near, request.id)
        try:
            yield session
        finally:
            await session.close()
    finally:
        waiting.cancel()
        if accepted.is_set():
            await near.close()  # also for who was cancelled before it held the session
        else:
            serving.cancel()
        await asyncio.wait(either)
        if not serving.cancelled():
            serving.exception()  # the app has it as the session's end, the log as the closing record
