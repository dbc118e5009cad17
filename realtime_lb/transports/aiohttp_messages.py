"""Messages as aiohttp reads them, without a task's turn for each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType
from aiohttp._websocket.reader import WebSocketDataQueue
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_websocket import WebSocketReader

from realtime_lb.abc import Splice
from realtime_lb.events import CLOSING_BRACE
from realtime_lb.frames import UNREAD, Frame, OnFrame, Opcode
from realtime_lb.settings import LimitSettings
from realtime_lb.transports.delivery import drop

__all__ = ["Messages", "messages_of"]

MOST_AT_ONCE = 20
"""Messages of one peer, of what was read at once. The rest is queued, and as many are taken from there before
all others have their turn."""

_LARGE_BYTES = 8 * 1024
"""So much of a message counts as another one. Then of a read as large as loops make them some is always
queued. What is read behind it in the same turn is then queued, too, and for a full queue nothing is read."""

_QUEUE_BYTES = 64 * 1024
"""aiohttp stops reading when twice as much is queued."""

_TEXT, _TEXT_MESSAGE = WSMsgType.TEXT, Opcode.TEXT
_new = object.__new__
_queue: Any = WebSocketDataQueue.feed_data


def _nothing(_error: Exception) -> None:
    """Nobody wants to know."""


class Messages(WebSocketDataQueue):
    """A queue of aiohttp's, past which whole texts go at once while it is empty and they may.

    Args:
        protocol: Of aiohttp's. It reads no more while too much is queued.

    Attributes:
        deliver: Gets what is not queued.
        splice: Says which of it goes to another of aiohttp's connections instead, if any does.
        on_error: Told what one of the two has raised.
        read_at_s: When something was read last, in the loop's time.
    """

    # Without a dictionary of its own aiohttp finds `feed_data` sooner.
    __slots__ = ("_left", "_most", "_now_s", "deliver", "on_error", "read_at_s", "splice")

    def __init__(self, protocol: BaseProtocol) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(protocol, _QUEUE_BYTES, loop=loop)
        self._now_s = loop.time
        self.deliver: OnFrame = drop
        self.splice: Splice | None = None
        self.on_error: Callable[[Exception], None] = _nothing
        self.read_at_s = loop.time()
        self._most = self._left = 0

    def begin(self) -> None:
        """Take in that something was read, and what of it comes."""
        self._left = self._most
        self.read_at_s = self._now_s()

    def flow(self) -> None:
        """Queue nothing from the next read on, unless something is queued already."""
        self._most = 0 if self._size else MOST_AT_ONCE

    def hold(self) -> None:
        """Queue all that comes."""
        self._most = self._left = 0

    def let_go(self) -> None:
        """Refer to nobody, and have aiohttp's protocol not refer to this for news of what it reads."""
        self.deliver, self.splice, self.on_error = drop, None, _nothing
        protocol: Any = self._protocol
        protocol._data_received_cb = None  # noqa: SLF001  # it has no other way

    def feed_data(self, message: Any, size: int) -> None:
        # One function, and no object more than it needs: a call costs a microsecond, and this is called most.
        if self._left <= 0 or message[0] is not _TEXT:
            self._most = self._left = 0  # what comes behind it waits, too
            _queue(self, message, size)
            return
        self._left -= 1 + size // _LARGE_BYTES
        payload = message[1]
        try:
            splice = self.splice
            if splice is not None:
                sink: Any = splice.sink
                if (
                    not (sink.is_mute or sink.is_full)
                    and payload.startswith(splice.heads)
                    and payload[-1] == CLOSING_BRACE
                ):
                    count, seen = splice.count, splice.seen
                    count.frames += 1
                    count.bytes += len(payload)
                    if seen is not None:
                        seen(payload)
                    if not sink.send(payload, _TEXT):
                        splice.on_full()
                    if count.bytes >= count.due_bytes:
                        splice.on_due()
                    return
            frame = _new(Frame)  # as `Frame(...)` makes one
            frame.opcode = _TEXT_MESSAGE
            frame.payload = payload
            frame.type_read = UNREAD
            self.deliver(frame)
        except Exception as error:  # noqa: BLE001  # the receiver's: it ends the connection
            self.on_error(error)


def messages_of(protocol: BaseProtocol, limits: LimitSettings) -> tuple[Messages, WebSocketReader]:
    """Return where messages come from, and what *protocol* is to read them with."""
    messages = Messages(protocol)
    most_bytes = limits.max_message_bytes + 1  # aiohttp takes what is smaller
    return messages, WebSocketReader(messages, most_bytes, compress=False, decode_text=False)
