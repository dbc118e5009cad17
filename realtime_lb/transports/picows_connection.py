"""A websocket whose frames picows reads and writes, as a `Connection`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from realtime_lb.abc import Splice
from realtime_lb.frames import Close, Frame, OnFrame, shorten_reason
from realtime_lb.settings import LimitSettings
from realtime_lb.transports.assembly import UNFINISHED, Assembly
from realtime_lb.transports.delivery import Delivery, drop
from realtime_lb.transports.heartbeat import Heartbeat
from realtime_lb.transports.picows_messages import MOST_COPIED_BYTES, Messages
from realtime_lb.transports.picows_takeover import Takeover, usual_bytes
from realtime_lb.transports.tcp import (
    acknowledged_bytes,
    limit_peer,
    unsent_bytes,
)

__all__ = ["PicowsConnection"]

_ROOM_FOR_HEADER = bytes(14)
_LOST = Close(1006)


def _nothing(*_arguments: object) -> None:
    """Stand in for an owner that does not want to know."""


class PicowsConnection:
    """A `Connection` over a transport on which somebody else has shaken hands.

    Nothing is read before `pump` or while paused, so nothing has to be kept for later.

    Args:
        transport: Taken over, with all that happens on it from now on.
        limits: What the connection may cost.
        is_client: We dialled.
        already_read: What the peer has sent behind its handshake.
        on_lost: Told once that the socket is gone, and why.

    Raises:
        ConnectionResetError: The peer is gone already.
    """

    __slots__ = (
        "_assembly",
        "_close_timeout_s",
        "_delivery",
        "_discards",
        "_frames",
        "_heard_at_s",
        "_heartbeat",
        "_how",
        "_is_gone",
        "_is_paused",
        "_is_pumped",
        "_loop",
        "_messages",
        "_news",
        "_on_lost",
        "_ping_to_answer",
        "_pumping",
        "_said",
        "_takeover",
        "_transport",
        "has_refused",
        "is_full",
        "is_mute",
        "on_writable",
        "send",
        "send_large",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        limits: LimitSettings,
        *,
        is_client: bool,
        already_read: bytes = b"",
        on_lost: Callable[[Exception | None], object] = _nothing,
    ) -> None:
        self.on_writable: Callable[[], None] = _nothing
        self._on_lost = on_lost
        self._transport = transport
        self._close_timeout_s = limits.close_timeout_s
        self._loop = asyncio.get_running_loop()
        self._how: Close | None = None
        self._pumping: asyncio.Future[Close] | None = None
        self._news: asyncio.Event | None = None
        self._is_gone = False
        self._is_pumped = self._is_paused = False
        self.is_mute = self.is_full = self.has_refused = self._said = self._discards = False
        self._ping_to_answer: bytes | None = None
        self._heard_at_s = self._loop.time()
        self._messages = Messages(self, limits.max_message_bytes, usual_bytes(is_client=is_client))
        self._takeover = Takeover(
            transport,
            self._messages,
            self,
            is_client=is_client,
            max_frame_bytes=limits.max_message_bytes,
            already_read=already_read,
        )
        self._frames: Any = self._takeover.frames
        self.send: Any = self._frames.send
        self.send_large: Any = self.send if is_client else self._send_copied
        self._heartbeat = Heartbeat(
            transport, limits.heartbeat_s, self._last_heard_at_s, self._ping, self.abort
        )
        self._assembly = Assembly(limits.message_timeout_s, self._is_under_way, self._late)
        self._delivery = Delivery(self._messages, PicowsConnection, self._assembly)
        # The watchdog of the relay comes first and can say why; this is for goodbyes and dead networks.
        limit_peer(transport, 2 * limits.stall_timeout_s)

    def __repr__(self) -> str:
        state = "lost" if self._is_gone else "closing" if self.is_mute else "open"
        return f"<PicowsConnection {state}>"

    async def pump(self, on_frame: OnFrame) -> Close:
        self._is_pumped = True
        self._delivery.begin(on_frame)
        self._read_on()
        try:
            if self._how is not None:
                return self._how
            self._pumping = self._loop.create_future()
            return await self._pumping
        finally:
            self._delivery.end()

    def redirect(self, on_frame: OnFrame, splice: Splice | None = None) -> None:
        self._delivery.redirect(on_frame, splice)

    def write(self, frame: Frame) -> bool:
        if self.is_mute:
            return True
        payload = frame.payload
        send = self.send if len(payload) <= MOST_COPIED_BYTES else self.send_large
        send(frame.opcode, payload)
        if self.is_full:
            self.has_refused = True
            return False
        return True

    def _send_copied(self, opcode: int, payload: bytes | memoryview) -> None:
        message = bytearray(_ROOM_FOR_HEADER)
        message += payload
        self._frames.send_reuse_external_bytearray(opcode, message, len(_ROOM_FOR_HEADER))

    @property
    def taken_bytes(self) -> int:
        return acknowledged_bytes(self._transport) or -unsent_bytes(self._transport)

    def pause(self) -> None:
        self._is_paused = True
        self._assembly.restart()
        if self._is_pumped and not self.is_mute and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._read_on()

    def _read_on(self) -> None:
        if self._is_pumped:
            self._loop.call_soon(self.read_on)  # what was read before the handshake ended comes at once

    def read_on(self) -> None:
        if self._is_gone:
            return
        if self._discards or self._said or not self._is_paused:
            self._takeover.read_on()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        if self._said:
            await self._until_gone()  # who came first says goodbye, and has a deadline
            return
        self._said = True
        try:
            async with asyncio.timeout(self._close_timeout_s):
                await self._shake_hands(Close(code, shorten_reason(reason)))
        except TimeoutError:
            self.abort()
        except asyncio.CancelledError:
            self.abort()
            raise

    async def _shake_hands(self, close: Close) -> None:
        if not self.is_mute:
            self.is_mute = True
            self._say_goodbye(close)
        self.read_on()
        while self._how is None:
            await self._something_ends()
        if not self._discards:
            self._transport.close()
        elif self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()
        await self._until_gone()

    def _say_goodbye(self, close: Close) -> None:
        self._messages.fall_deaf()
        self._frames.send_close(close.code, close.reason.encode())

    async def _until_gone(self) -> None:
        while not self._is_gone:
            await self._something_ends()

    async def _something_ends(self) -> None:
        self._news = self._news or asyncio.Event()  # made when it is wanted: an idle session wants none
        await self._news.wait()

    def abort(self) -> None:
        self.is_mute = True
        self._messages.fall_deaf()
        self._messages.deliver = drop
        if not self._is_gone:
            self._transport.abort()

    # What the takeover and the messages tell:

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full = False
        if self._ping_to_answer is not None:
            payload, self._ping_to_answer = self._ping_to_answer, None
            self.pinged(payload)
        if self.has_refused:
            self.has_refused = False
            if not self.is_mute:
                self.on_writable()

    def came_much(self) -> None:
        self._takeover.read_with_care()

    def pinged(self, payload: bytes) -> None:
        """Answer, or remember the last one only: who floods with pings and reads no pong gets none."""
        self._finished()
        if self.is_full:
            self._ping_to_answer = payload
        else:
            self._frames.send_pong(payload)

    def ponged(self) -> None:
        self._finished()
        self._heard_at_s = self._loop.time()

    def _ping(self) -> None:
        """Ask, behind what waits for room, too: who is slow to read it may be alive."""
        if not self.is_mute:
            self._frames.send_ping()

    def _last_heard_at_s(self) -> float:
        """Only pongs count: there is no time to look at the clock for each frame."""
        return self._heard_at_s

    def _is_under_way(self) -> bool:
        """Look whether a message is, and find out if it is the same one at the next look."""
        if self._is_paused or self._discards or not self._is_pumped:
            return False
        if not (self._messages.has_fragments or self._takeover.has_part):
            return False
        self._delivery.note()
        return True

    def _finished(self) -> None:
        if not self._messages.has_fragments:
            self._assembly.restart()

    def _late(self) -> None:
        self.violated(UNFINISHED)

    def said_goodbye(self, close: Close) -> None:
        handshake = self._frames.close_handshake
        had_refused = handshake.sent is not None and not self._said and not handshake.recv_then_sent
        self.is_mute = True
        self._end(self._last_words() if had_refused else close)
        self._answer(close)

    def _answer(self, close: Close) -> None:
        """Say goodbye, too, unless we have: then picows and we pass over all that comes behind the peer's."""
        self._say_goodbye(close.sendable(unsaid=1000))

    def broke_the_rules(self) -> None:
        self._messages.fall_deaf()
        handshake = self._frames.close_handshake
        # A goodbye that picows has read, and not yet told of?
        if handshake is not None and handshake.sent is None:
            self._answer(Close(int(handshake.recv.code), handshake.recv.reason or ""))

    def violated(self, close: Close) -> None:
        self._say_goodbye(close)
        self._give_up(close)

    def refused(self) -> None:
        if not self._is_gone:
            self._give_up(self._last_words())

    def _give_up(self, close: Close) -> None:
        self.is_mute = self._discards = True
        self._takeover.discard()
        self._end(close)

    def failed(self, error: Exception) -> None:
        self.abort()
        if self._pumping is not None and not self._pumping.done():
            self._pumping.set_exception(error)

    def lost(self, error: Exception | None) -> None:
        self.is_mute = self._is_gone = True
        self._heartbeat.stop()
        self._assembly.stop()
        self._end(self._last_words())
        self._on_lost(error)
        self._let_go()

    def _let_go(self) -> None:
        """Break the circles that would keep this connection, and all that it refers to, for the collector."""
        self._takeover.let_go()
        self._messages.let_go()
        self._on_lost = self.send_large = _nothing

    def _last_words(self) -> Close:
        """What we have said, or picows for us."""
        handshake = self._frames.close_handshake
        if handshake is None or handshake.sent is None:
            return _LOST
        return Close(int(handshake.sent.code), handshake.sent.reason)

    def _end(self, close: Close) -> None:
        self._how = self._how or close
        if self._news is not None:
            self._news.set()
            self._news = None
        if self._pumping is not None and not self._pumping.done():
            self._pumping.set_result(self._how)
