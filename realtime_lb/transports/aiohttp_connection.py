"""A websocket of aiohttp's, dialled or accepted, as a `Connection`."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeAlias

import aiohttp
from aiohttp import web

from realtime_lb.abc import Splice
from realtime_lb.frames import Close, Frame, OnFrame, Opcode, shorten_reason
from realtime_lb.settings import LimitSettings
from realtime_lb.transports.aiohttp_messages import MOST_AT_ONCE, Messages
from realtime_lb.transports.aiohttp_reader import is_within_message
from realtime_lb.transports.assembly import UNFINISHED, Assembly
from realtime_lb.transports.delivery import Delivery
from realtime_lb.transports.heartbeat import Heartbeat
from realtime_lb.transports.tcp import (
    acknowledged_bytes,
    limit_peer,
    unsent_bytes,
)
from realtime_lb.waiting import is_cancelled

__all__ = ["AiohttpConnection"]

Websocket: TypeAlias = "aiohttp.ClientWebSocketResponse[Any] | web.WebSocketResponse[Any]"

_DATA = {aiohttp.WSMsgType.TEXT: Opcode.TEXT, aiohttp.WSMsgType.BINARY: Opcode.BINARY}
_WIRE = {Opcode.TEXT: aiohttp.WSMsgType.TEXT, Opcode.BINARY: aiohttp.WSMsgType.BINARY}
_PING, _PONG = aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG
_CLOSED = aiohttp.WSMessage(aiohttp.WSMsgType.CLOSED, None, None)
_LOST = Close(1006)
_NO_CODE = Close(1005)

MOST_PONGS = 500
"""Before all that was written must have gone. A pong of two bytes takes 150 until it has, and the room that a
peer who reads nothing is given holds tens of thousands."""


def _nothing() -> None:
    """Stand in for an owner that does not want to know."""


async def _at_once() -> None:
    """Wait for nothing."""


class AiohttpConnection:
    """A `Connection` over one of aiohttp's two websocket classes, which differ in nothing that matters here.

    Args:
        websocket: Opened with ``autoclose=False`` and ``autoping=False``.
        messages: What it receives.
        transport: What it runs on; aiohttp's own close can hang on a peer that does not read, so the last
            word must be ours.
        limits: What the connection may cost; the durations are used.
        release: Called on an abort, to have whoever holds on to the connection let go of it.
        linger: Waited for behind our goodbye, that the peer hears it.
    """

    def __init__(
        self,
        websocket: Websocket,
        messages: Messages,
        transport: asyncio.Transport,
        limits: LimitSettings,
        release: Callable[[], None] = _nothing,
        linger: Callable[[], Awaitable[None]] = _at_once,
    ) -> None:
        self.on_writable: Callable[[], None] = _nothing
        self._release, self._linger = release, linger
        self._websocket = websocket
        self._write_frame = websocket._writer.send_frame  # type: ignore[union-attr]  # noqa: SLF001  # it is open
        self._messages = messages
        messages.on_error = self._failed
        self._transport = transport
        self._close_timeout_s = limits.close_timeout_s
        self._resumed: asyncio.Event | None = None
        self._pumped: asyncio.Event | None = None
        self.is_mute = self.is_full = False
        self._pongs = 0
        self._said: Close | None = None
        self._closed = asyncio.Event()
        self._failure: Exception | None = None
        self._heartbeat = Heartbeat(transport, limits.heartbeat_s, self._heard_at_s, self._ping, self.abort)
        self._assembly = Assembly(limits.message_timeout_s, self._is_under_way, self._late)
        self._delivery = Delivery(messages, AiohttpConnection, self._assembly)
        # The watchdog of the relay comes first and can say why; this is for goodbyes and dead networks.
        limit_peer(transport, 2 * limits.stall_timeout_s)

    def __repr__(self) -> str:
        state = "open" if not self.is_mute else "closing" if self._said else "ended"
        return f"<AiohttpConnection {state}>"

    async def pump(self, on_frame: OnFrame) -> Close:
        self._pumped = asyncio.Event()
        self._delivery.begin(on_frame)
        try:
            return await self._pump()
        except Exception:
            self.abort()
            raise
        finally:
            self._stop_timers()
            self._failure = None
            self._delivery.end()
            self._let_go()
            self._pumped.set()

    def redirect(self, on_frame: OnFrame, splice: Splice | None = None) -> None:
        self._delivery.redirect(on_frame, splice)

    async def _pump(self) -> Close:
        """Take what is queued: all but the texts that have gone past the queue."""
        left = MOST_AT_ONCE
        while True:
            message = await self._receive()
            opcode = _DATA.get(message.type)
            if opcode is not None:
                await self._until_resumed()
                if not self.is_mute:
                    self._messages.deliver(Frame(opcode, message.data))
            elif message.type is _PING:
                self._pong(message.data)
            elif message.type is not _PONG:
                self.is_mute = True
                return self._end(message)
            left -= 1
            if not left:
                left = MOST_AT_ONCE
                await asyncio.sleep(0)

    async def _receive(self) -> aiohttp.WSMessage:
        await self._until_resumed()
        if not self.is_mute:
            self._messages.flow()
        try:
            message: aiohttp.WSMessage = await self._websocket.receive()
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            self.abort()  # see send(): somebody else's wait for room was cancelled
            return _CLOSED
        if self._failure is not None:
            raise self._failure
        return message

    async def _until_resumed(self) -> None:
        while self._resumed is not None:
            await self._resumed.wait()

    def _failed(self, error: Exception) -> None:
        self._failure = error
        self.abort()

    def _end(self, message: aiohttp.WSMessage) -> Close:
        if message.type is aiohttp.WSMsgType.CLOSE:
            said = Close(message.data, message.extra or "")
            return said.sendable(unsaid=1002) if said.code else _NO_CODE  # aiohttp lets 1006 pass
        if message.type is aiohttp.WSMsgType.ERROR and isinstance(message.data, aiohttp.WebSocketError):
            return Close(message.data.code)  # aiohttp has told the peer, in its closing handshake
        return self._said or _LOST

    def write(self, frame: Frame) -> bool:
        if self.is_mute:
            return True
        return self.send(frame.payload, _WIRE[frame.opcode])

    def _heard_at_s(self) -> float:
        return self._messages.read_at_s

    def _ping(self) -> None:
        """Ask, behind what waits for room, too: who is slow to read it may be alive."""
        if not self.is_mute:
            self.send(b"", _PING)

    def _pong(self, payload: bytes) -> None:
        """Answer, unless that would have to wait: who floods with pings and reads no pong gets none."""
        if self.is_full or self.is_mute:
            return
        if self._pongs == MOST_PONGS:
            if unsent_bytes(self._transport):
                return
            self._pongs = 0
        self._pongs += 1
        self.send(payload, _PONG)

    def send(self, payload: bytes | memoryview, kind: aiohttp.WSMsgType) -> bool:
        """Write a frame of *kind*, as `write` does, where neither we nor the peer have ended."""
        # aiohttp writes first and waits for room last, so one step of its coroutine sends the frame, and
        # only a full buffer leaves it waiting. No task, no future and no switch per frame.
        sending = self._write_frame(payload, kind)  # type: ignore[arg-type]
        try:
            room = sending.send(None)
        except StopIteration:
            return True
        except (ConnectionError, asyncio.CancelledError):
            # CancelledError: somebody who waited for the same room was cancelled, which aiohttp passes on to
            # all who wait. Nothing is known of the buffer any more.
            self.abort()
            return True
        sending.close()
        room._asyncio_future_blocking = False  # noqa: SLF001  # as a task does with what a coroutine yields
        if not self.is_full:
            self.is_full = True
            room.add_done_callback(self._found_room)
        return False

    def _found_room(self, room: asyncio.Future[None]) -> None:
        self.is_full = False
        if room.cancelled() or room.exception() is not None:
            self.abort()
        elif not self.is_mute:
            self.on_writable()

    @property
    def taken_bytes(self) -> int:
        return acknowledged_bytes(self._transport) or -unsent_bytes(self._transport)

    def pause(self) -> None:
        self._assembly.restart()
        self._messages.hold()
        if self._resumed is None and not self.is_mute:
            self._resumed = asyncio.Event()

    def resume(self) -> None:
        if self._resumed is not None:
            self._resumed.set()
            self._resumed = None

    def _is_under_way(self) -> bool:
        """Look whether a message is, and find out if it is the same one at the next look."""
        if self._resumed is not None or self._said is not None or not is_within_message(self._transport):
            return False
        self._delivery.note()
        return True

    def _late(self) -> None:
        """Have aiohttp find its peer's fault, as where that breaks the protocol: it tells it, and us."""
        self._fall_silent()
        self._messages.set_exception(aiohttp.WebSocketError(UNFINISHED.code, UNFINISHED.reason))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        if self._said is not None:
            await self._closed.wait()  # who came first says goodbye, and has a deadline
            return
        self._said = Close(code, shorten_reason(reason))
        self._fall_silent()
        try:
            async with asyncio.timeout(self._close_timeout_s):
                await self._shake_hands(self._said)
                await self._linger()
        except TimeoutError:
            self.abort()
        except asyncio.CancelledError:
            self.abort()
            if is_cancelled():
                raise
        finally:
            if unsent_bytes(self._transport):  # it said goodbye, and reads nothing any more
                self.abort()
            self._stop_timers()
            self._messages.feed_eof()
            self._let_go()
            self._closed.set()

    async def _shake_hands(self, close: Close) -> None:
        if self._pumped is not None and not self._pumped.is_set():
            # Closing under a pending receive, aiohttp shuts the socket without waiting for the peer's
            # answer; data that is still under way then turns our goodbye into a reset.
            payload = struct.pack("!H", close.code) + close.reason.encode()
            with suppress(ConnectionError):
                await self._write_frame(payload, aiohttp.WSMsgType.CLOSE)
            await self._pumped.wait()
            self._transport.close()
        await self._websocket.close(code=close.code, message=close.reason.encode())

    def abort(self) -> None:
        self._stop_timers()
        self._fall_silent()
        self._messages.feed_eof()
        self._let_go()
        self._transport.abort()
        self._release()

    def _fall_silent(self) -> None:
        """Write no message any more, and deliver none."""
        self.is_mute = True
        self._messages.hold()
        self.resume()

    def _stop_timers(self) -> None:
        self._assembly.stop()
        self._heartbeat.stop()

    def _let_go(self) -> None:
        """Break the circles that would keep this connection, and all that it refers to, for the collector."""
        self._messages.let_go()
        self._websocket._exception = None  # noqa: SLF001  # its traceback refers to the websocket
