"""A session as an app holds it: send, receive, close."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator

from realtime_lb.abc import Connection
from realtime_lb.errors import SessionEnded
from realtime_lb.events import parse_event
from realtime_lb.frames import Close, Frame, Opcode
from realtime_lb.legs import Leg
from realtime_lb.typing import JsonObject

__all__ = ["RealtimeSession"]

_INBOX_FRAMES = 64
"""Read ahead of the app. Above it, the upstream's socket is not read and TCP slows the upstream down."""

_NORMAL_CODES = frozenset({1000, 1001})


class RealtimeSession:
    """One end of a session, for `RealtimeRouter.connect`.

    Iterate it for the server's events, as JSON objects. One task may receive while others send.

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
            if (event := parse_event(await self.recv_bytes())) is not None:
                return event

    async def __aiter__(self) -> AsyncIterator[JsonObject]:
        """Yield events until the session ends; raise `SessionEnded` if its code is not 1000 or 1001."""
        while True:
            try:
                event = await self.recv()
            except SessionEnded as end:
                if end.close.code in _NORMAL_CODES:
                    return
                raise
            yield event

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the session. Idempotent."""
        await self._leg.close(Close(code, reason))
