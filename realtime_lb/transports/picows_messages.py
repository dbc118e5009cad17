"""From picows' frames to messages: what picows leaves to its user of RFC 6455."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, Protocol

from picows import WSFrame, WSListener, WSMsgType, WSTransport

from realtime_lb.abc import Splice
from realtime_lb.events import CLOSING_BRACE, LONGEST_HEAD_BYTES
from realtime_lb.frames import UNREAD, Close, Frame, OnFrame, Opcode
from realtime_lb.transports.delivery import drop

__all__ = ["Messages"]

MOST_FRAGMENTS = 100_000
"""Of one message. The Autobahn suite cuts 4 MiB into 65,536; more serve only to keep us busy."""

MOST_COPIED_BYTES = 8 * 1024
"""A copy of so much costs little more than a view does, and is read faster; an append of 20 ms is smaller.
A larger message of a server's picows hands on uncopied, to transports that may keep it for later."""

_TEXT, _BINARY, _CONTINUATION = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION
_PING, _PONG, _CLOSE = WSMsgType.PING, WSMsgType.PONG, WSMsgType.CLOSE
_TEXT_MESSAGE, _BINARY_MESSAGE = Opcode.TEXT, Opcode.BINARY

_new = object.__new__

_marks = attrgetter("msg_type", "fin", "rsv1", "rsv2", "rsv3")
"""Read in one call, they take half the time."""
_WHOLE_TEXT = (_TEXT, 1, 0, 0, 0)

_NEVER_SENT = frozenset({0, 1005, 1006, 1015})
"""RFC 6455, section 7.4.1; picows lets some pass."""


class Owner(Protocol):
    """Whom the messages' end, and what lies between them, is told."""

    def pinged(self, payload: bytes) -> None: ...
    def ponged(self) -> None: ...
    def said_goodbye(self, close: Close) -> None: ...
    def violated(self, close: Close) -> None: ...
    def failed(self, error: Exception) -> None: ...
    def came_much(self) -> None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...


def _tell_full(splice: Splice) -> None:
    """Tell of a sink that a message has filled."""
    sink: Any = splice.sink
    sink.has_refused = True
    splice.on_full()


class Messages(WSListener):
    """Delivers whole messages, and everything else to its owner.

    Args:
        owner: Told of all that is no message.
        max_message_bytes: Largest message, whatever it was cut into.
        usual_bytes: Of a larger message, or of more that came at once behind one, the owner is told.

    Attributes:
        deliver: Gets each message, whose payload is valid during the call only.
        is_deaf: No message is delivered any more.
    """

    # Without a dictionary of its own picows finds `on_ws_frame` sooner, and an idle session is smaller.
    __slots__ = (
        "_fragments",
        "_max_message_bytes",
        "_opcode",
        "_open_splice",
        "_owner",
        "_parts",
        "_splice",
        "_usual_bytes",
        "deliver",
        "is_deaf",
    )

    def __init__(self, owner: Owner, max_message_bytes: int, usual_bytes: int) -> None:
        self.deliver: OnFrame = drop
        self.is_deaf = False
        self._splice: Splice | None = None
        self._open_splice: Splice | None = None
        self._owner = owner
        self._max_message_bytes = max_message_bytes
        self._usual_bytes = usual_bytes
        self._opcode: Opcode | None = None
        self._parts = bytearray()
        self._fragments = 0

    @property
    def splice(self) -> Splice | None:
        """Says which messages go to another of picows' connections instead, if any do."""
        return self._splice

    @splice.setter
    def splice(self, splice: Splice | None) -> None:
        self._splice = splice
        self._look_whether_open()

    def _look_whether_open(self) -> None:
        """A splice takes no part of a message, and none between parts. Looked at here, not at each frame."""
        self._open_splice = None if self.is_deaf or self.has_fragments else self._splice

    def fall_deaf(self) -> None:
        """Deliver no message any more: we have said goodbye."""
        self.is_deaf = True
        self._look_whether_open()

    @property
    def has_fragments(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._opcode is not None

    def pause_writing(self) -> None:
        self._owner.pause_writing()

    def resume_writing(self) -> None:
        self._owner.resume_writing()

    def let_go(self) -> None:
        """Refer to the owner no more: nothing comes from a socket that is lost."""
        del self._owner

    def on_ws_frame(self, _frames: WSTransport, frame: WSFrame) -> None:
        # One function, and no object more than it needs: a call costs a microsecond, and this is called most.
        try:
            if frame.tail_size > self._usual_bytes:
                self._owner.came_much()
            splice = self._open_splice
            if splice is None or _marks(frame) != _WHOLE_TEXT:
                self._take(frame)
                return
            sink: Any = splice.sink
            if frame.payload_size > MOST_COPIED_BYTES:
                self._take_large(frame.get_payload_as_memoryview())
                return
            payload = frame.get_payload_as_bytes()
            if (
                sink.is_mute
                or sink.is_full
                or not payload.startswith(splice.heads)
                or payload[-1] != CLOSING_BRACE
            ):
                self._deliver(payload)
                return
            count, seen = splice.count, splice.seen
            count.frames += 1
            count.bytes += len(payload)
            if seen is not None:
                seen(payload)
            sink.send(_TEXT_MESSAGE, payload)
            if sink.is_full:
                _tell_full(splice)
            if count.bytes >= count.due_bytes:
                splice.on_due()
        except Exception as error:  # noqa: BLE001  # the receiver's: it ends the connection
            self._owner.failed(error)

    def _take(self, frame: WSFrame) -> None:
        if _marks(frame) != _WHOLE_TEXT or self._opcode is not None or self.is_deaf:
            self._take_unusual(frame)
        elif frame.payload_size <= MOST_COPIED_BYTES:
            self._deliver(frame.get_payload_as_bytes())
        else:
            self._take_large(frame.get_payload_as_memoryview())

    def _take_large(self, payload: memoryview) -> None:
        if len(payload) > self._usual_bytes:
            self._owner.came_much()
        splice = self._open_splice
        sink: Any = None if splice is None else splice.sink
        if (
            splice is None
            or sink.is_mute
            or sink.is_full
            or not payload[:LONGEST_HEAD_BYTES].tobytes().startswith(splice.heads)
            or payload[-1] != CLOSING_BRACE
        ):
            self._deliver(payload)
            return
        count, size = splice.count, len(payload)
        count.frames += 1
        count.bytes += size
        count.due_bytes += size
        if splice.seen_view is not None:
            splice.seen_view(payload)
        sink.send_large(_TEXT_MESSAGE, payload)
        if sink.is_full:
            _tell_full(splice)

    def _deliver(self, payload: bytes | memoryview) -> None:
        message = _new(Frame)  # as `Frame(...)` makes one
        message.opcode = _TEXT_MESSAGE
        message.payload = payload
        message.type_read = UNREAD
        self.deliver(message)

    def _take_unusual(self, frame: WSFrame) -> None:
        kind = frame.msg_type
        if frame.payload_size > self._usual_bytes:
            self._owner.came_much()
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self._owner.violated(Close(1002, "a reserved bit is set"))
        elif kind is _CLOSE:
            self._take_goodbye(frame.get_payload_as_bytes())
        elif kind is _PING:
            self._owner.pinged(frame.get_payload_as_bytes())
        elif kind is _PONG:
            self._owner.ponged()
        elif self.is_deaf:
            return
        elif kind is _BINARY and frame.fin and self._opcode is None:
            self.deliver(Frame(_BINARY_MESSAGE, frame.get_payload_as_memoryview()))
        else:
            self._take_fragment(kind, frame)

    def _take_goodbye(self, payload: bytes) -> None:
        code = int.from_bytes(payload[:2], "big") if payload else 1005
        if payload and (code in _NEVER_SENT or code >= 5000):
            self._owner.violated(Close(1002, "a close code that is never sent"))
        else:
            self._owner.said_goodbye(Close(code, payload[2:].decode("utf-8", "replace")))

    def _take_fragment(self, kind: WSMsgType, frame: WSFrame) -> None:
        if (kind is _CONTINUATION) is (self._opcode is None):
            self._owner.violated(Close(1002, "a fragment of nothing, or a message within a message"))
            return
        if kind is not _CONTINUATION:
            self._opcode = _TEXT_MESSAGE if kind is _TEXT else _BINARY_MESSAGE
            self._look_whether_open()
        self._fragments += 1
        if len(self._parts) + frame.payload_size > self._max_message_bytes:
            self._owner.violated(Close(1009, "message too big"))
        elif self._fragments > MOST_FRAGMENTS:
            self._owner.violated(Close(1008, "too many fragments"))
        else:
            self._parts += frame.get_payload_as_memoryview()
            if frame.fin:
                self._deliver_parts()

    def _deliver_parts(self) -> None:
        assert self._opcode is not None  # noqa: S101  # a fragment came
        message = Frame(self._opcode, bytes(self._parts))
        self._opcode, self._parts, self._fragments = None, bytearray(), 0
        self._look_whether_open()
        self.deliver(message)
