"""Handing an open socket to picows: whoever shook hands over HTTP, picows reads and writes the frames.

picows knows sockets that it opened itself. Here aiohttp has opened one, for then there is one set of HTTP
rules, with its proxies, certificates, middlewares and refusals, whatever reads the frames afterwards. So
picows is shown a handshake that nobody else sees, and from there on owns the transport.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from multidict import CIMultiDict
from picows import WSAutoPingStrategy, WSListener, WSTransport
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # in picows.api's use, not in its stub

from realtime_lb.transports.handshake import accept_key
from realtime_lb.transports.picows_pace import (
    MOST_UNPACED_BYTES,
    USUAL_READ_BYTES,
    Bound,
    Lookout,
    Pacer,
    unread_bytes,
)
from realtime_lb.transports.room import MOST_READ_BYTES, ROOM
from realtime_lb.transports.stand_in import NOBODY, StandIn
from realtime_lb.transports.turns import after_others

__all__ = ["Takeover", "usual_bytes"]

READ_BUFFER_BYTES = 2 * 1024
"""At first: it doubles when it fills. An idle session should not hold what only a talking one needs."""

_FORGOTTEN: CIMultiDict[str] = CIMultiDict()
"""For the headers that picows keeps of a handshake, and nobody reads again."""

_REQUEST = (
    b"GET / HTTP/1.1\r\nHost: -\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
_RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    b"Sec-WebSocket-Accept: %s\r\n\r\n"
)


def usual_bytes(*, is_client: bool) -> int:
    """Return how much may come at once before it is read with care.

    Picows doubles a buffer that one read has filled, and a kernel may hold megabytes: the buffer would grow
    to that, and so would what a single read writes to a peer that has no room. And of a client it may all be
    small frames, for which others would have to wait.
    """
    return MOST_READ_BYTES // 2 if is_client else READ_BUFFER_BYTES


class Owner(Protocol):
    """Whom a takeover tells of what is no frame."""

    def refused(self) -> None:
        """Picows has said goodbye to a peer that breaks the protocol. Not at once: 10 ms later."""
        ...

    def broke_the_rules(self) -> None:
        """Picows is about to say goodbye to a peer that breaks the protocol."""
        ...

    def lost(self, error: Exception | None) -> None:
        """The socket is gone."""
        ...

    def read_on(self) -> None:
        """Others had their turn: the reading that was stopped for that may go on, unless it is paused."""
        ...


class Takeover:
    """An open transport whose frames picows reads and writes from now on.

    Reading is paused, and no frame comes before `read_on`.

    Args:
        transport: Open, its handshake done; its protocol hears of it no more.
        listener: Gets the frames, and hears of water marks.
        owner: Hears the rest.
        is_client: We dialled.
        max_frame_bytes: A larger frame ends the connection with 1009, unread.
        already_read: What the peer has sent behind its handshake.
    """

    __slots__ = (
        "_confidant",
        "_is_client",
        "_owner",
        "_protocol",
        "_socket",
        "_transport",
        "_unread",
        "frames",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        listener: WSListener,
        owner: Owner,
        *,
        is_client: bool,
        max_frame_bytes: int,
        already_read: bytes,
    ) -> None:
        if transport.is_closing():
            raise ConnectionResetError("the peer is gone")
        self._transport = transport
        self._is_client = is_client
        self._owner = owner
        self._unread = already_read
        transport.pause_reading()
        self._confidant = _Confidant(owner)
        self._protocol = _protocol(
            listener, self._confidant, is_client=is_client, max_frame_bytes=max_frame_bytes
        )
        self._protocol.owner = owner
        self._socket = _Socket(transport, owner.refused)
        self._protocol.connection_made(self._socket)
        self.frames: WSTransport = self._protocol.transport
        _feed(self._protocol, _answer(self.frames) if is_client else _REQUEST)
        self.frames.request.headers = self.frames.response.headers = _FORGOTTEN
        self._socket.open()
        transport.set_protocol(self._protocol)

    def read_on(self) -> None:
        """Deliver what was read before, a little at a time, then go on reading."""
        some, self._unread = self._unread[:USUAL_READ_BYTES], self._unread[USUAL_READ_BYTES:]
        if some:
            _feed(self._protocol, some)
        if self._unread:
            after_others(self._owner.read_on)
        elif not self._transport.is_closing():
            self._transport.resume_reading()

    def let_go(self) -> None:
        """Refer to the owner no more, nor let a lost transport refer to anybody, as uvloop's TLS would."""
        with suppress(AttributeError):  # asyncio's refers to nobody already, and takes no other
            self._transport.set_protocol(NOBODY)
        self._socket.close = _nothing
        del self._owner, self._protocol.owner, self._confidant.owner

    @property
    def has_part(self) -> bool:
        """Whether part of a frame has been read, and not all of it."""
        return unread_bytes(self._protocol) > 0

    def read_with_care(self) -> None:
        """Read no more than so much at once; a client, which may send frames in heaps, a little at a time."""
        if self._transport.get_protocol() is not self._protocol:
            return  # that is seen to already, or nobody looks any more
        if self._is_client:
            self._transport.set_protocol(Bound(self._protocol, MOST_READ_BYTES))
        else:
            self._pace()

    def _pace(self) -> None:
        self._transport.set_protocol(Pacer(self._protocol, MOST_READ_BYTES, self._rest, self._unpace))

    def _unpace(self, room_bytes: int) -> None:
        """Whose frames come one by one again needs no care, but where a large one has left much room."""
        if not isinstance(self._transport.get_protocol(), Pacer):
            return
        if room_bytes > MOST_UNPACED_BYTES:
            self._transport.set_protocol(Lookout(self._protocol, self._pace_again))
        else:
            self._transport.set_protocol(self._protocol)

    def _pace_again(self) -> None:
        if isinstance(self._transport.get_protocol(), Lookout):
            self._pace()

    def _rest(self) -> None:
        if not self._transport.is_closing():
            self._transport.pause_reading()
            after_others(self._owner.read_on)

    def discard(self) -> None:
        """Read on without looking, so that a goodbye on its way is not undone by unread data."""
        self._unread = b""
        self._transport.set_protocol(_Discard(self._protocol))
        if not self._transport.is_closing():
            self._transport.resume_reading()


def _answer(frames: WSTransport) -> bytes:
    """The response that picows waits for, to the request that it believes to have sent."""
    return _RESPONSE % accept_key(frames.request.headers["Sec-WebSocket-Key"]).encode()


def _feed(protocol: Any, data: bytes) -> None:
    while data:
        room = protocol.get_buffer(-1)
        fits = min(len(room), len(data))
        room[:fits] = data[:fits]
        protocol.buffer_updated(fits)
        data = data[fits:]


_ADDRESSES = frozenset({"peername", "sockname"})


class _Socket:
    """A transport as picows sees it: mute during the handshake, and not closed behind its owner's back."""

    __slots__ = ("_transport", "_write", "abort", "close", "get_extra_info", "get_write_buffer_size")

    def __init__(self, transport: asyncio.Transport, on_close: Callable[[], None]) -> None:
        self._write: Callable[[bytes], None] = _nothing
        self._transport = transport
        self.get_write_buffer_size = transport.get_write_buffer_size
        self.get_extra_info: Callable[[str], Any] = self._info
        self.abort = transport.abort
        self.close = on_close

    def _info(self, name: str) -> Any:
        """Return what picows asks for while it is made, but not the addresses, which it would only log."""
        if name in _ADDRESSES:
            return None
        info = self._transport.get_extra_info(name)
        return _Number(info) if name == "socket" else info

    def open(self) -> None:
        self._write = self._transport.write
        self.get_extra_info = self._transport.get_extra_info

    def write(self, data: bytes) -> None:
        self._write(data)


class _Number:
    """A socket of which picows learns the number, and sets nothing.

    It would set what is set already, and quick acknowledgements, which end with the first answer; and ask for
    sizes to log them. Over uvloop each of these six calls makes a socket of its own first.
    """

    __slots__ = ("fileno",)

    def __init__(self, raw: Any) -> None:
        self.fileno = raw.fileno

    def setsockopt(self, *_option: object) -> None: ...

    def getsockopt(self, *_option: object) -> int:
        return 0


def _nothing(*_arguments: object, **_named: object) -> None: ...


class _Confidant:
    """A logger for picows, which would log addresses, and what we tell by other means.

    It logs a breach before it says goodbye for it, and not after, and tells of it in no other way so soon.
    """

    __slots__ = ("owner",)

    def __init__(self, owner: Owner) -> None:
        self.owner = owner

    def isEnabledFor(self, _level: int) -> bool:  # noqa: N802  # as logging has it
        return False

    def error(self, *_message: object) -> None:
        self.owner.broke_the_rules()

    exception = error
    debug = info = warning = log = staticmethod(_nothing)


class _Protocol(WSProtocol):  # type: ignore[misc]  # untyped
    """Tells its owner of the end, and why. All reading is picows' own: calls of Python's would cost."""

    __slots__ = ("owner",)

    owner: Owner

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        _retrieve(self.transport)
        self.owner.lost(error)


_DISCONNECT_ON_EXCEPTION = True
_NO_HANDSHAKE_TIMEOUT = None
_NO_AUTO_PING = _NO_AUTO_PONG = False
_NO_MORE_HEADERS = None


def _protocol(
    listener: WSListener,
    confidant: _Confidant,
    *,
    is_client: bool,
    max_frame_bytes: int,
) -> _Protocol:
    # Its parameters have no names from here. The first two are the host and path of a request that is never
    # sent. Pings and pongs of its own it must not send: the former cost a task each, and the latter know no
    # water marks.
    return _Protocol(
        "-",
        "/",
        is_client,
        lambda *_handshake: listener,
        confidant,
        _DISCONNECT_ON_EXCEPTION,
        _NO_HANDSHAKE_TIMEOUT,
        _NO_AUTO_PING,
        *(1.0, 1.0, WSAutoPingStrategy.PING_WHEN_IDLE),
        _NO_AUTO_PONG,
        max_frame_bytes,
        _NO_MORE_HEADERS,
        READ_BUFFER_BYTES,
    )


def _retrieve(frames: WSTransport) -> None:
    """Look at the exception that picows keeps of a peer's mistake, or asyncio would log it as forgotten."""
    ending = frames.wait_disconnected()
    try:
        ending.send(None)  # it is over, so this does not wait
    except (StopIteration, Exception):  # noqa: BLE001  # told already, as a close code
        return


class _Discard(StandIn[Any]):
    """Reads and forgets."""

    def get_buffer(self, _size_hint: int) -> memoryview:
        return ROOM.bytes

    def buffer_updated(self, _size: int) -> None: ...
