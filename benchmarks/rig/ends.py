"""The two ends that the rig holds: clients, and the upstream that they reach through a proxy.

Both run over picows and uvloop in one process, so that one clock stamps and reads every frame, and so that
the rig costs less than what it measures.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from attrs import define, field
from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_create_server,
)

from benchmarks.rig.events import CREATED, Stamp, Stencil, Stencils, read_stamp
from benchmarks.rig.ledger import Flow, Ledger

__all__ = ["ClientEnd", "Session", "Traffic", "Upstream"]


@define(slots=True, eq=False)
class Session:
    """One conversation, seen from both of its ends.

    Attributes:
        number: Which it is.
        traffic: Where its frames are counted.
        created: Done with the monotonic time at which ``session.created`` arrived.
        linked: Done once the upstream has had a frame of it, and so knows whose its connection is.
        client: The client's connection, while it is open.
        upstream: The upstream's connection, while it is open and known to be this session's.
        up: What the client sent.
        down: What the upstream sent.
        gone: Set when the client's connection has ended.
    """

    number: int
    traffic: Traffic
    created: asyncio.Future[int]
    linked: asyncio.Future[None]
    client: WSTransport | None = None
    upstream: WSTransport | None = None
    up: Flow = field(factory=Flow)
    down: Flow = field(factory=Flow)
    gone: asyncio.Event = field(factory=asyncio.Event)

    def send_up(self, stencil: Stencil) -> None:
        """Send a frame from the client, if it is still connected."""
        if self.client is not None:
            self.client.send(WSMsgType.TEXT, stencil.write(self.number, self.up.sent))
            self.up.sent += 1
            self.traffic.up.sent += 1

    def send_down(self, stencil: Stencil) -> None:
        """Send a frame from the upstream, if it is still connected."""
        if self.upstream is not None:
            self.upstream.send(WSMsgType.TEXT, stencil.write(self.number, self.down.sent))
            self.down.sent += 1
            self.traffic.down.sent += 1


def _nothing(_session: Session) -> None:
    """Do nothing about a frame that has arrived."""


@define(slots=True, eq=False)
class Traffic:
    """All sessions of one pattern, and the frames between their ends.

    Attributes:
        stencils: What frames are made from.
        numbers: Gives each session its number; no two of a run have the same.
        up: Frames from clients.
        down: Frames from the upstream.
        sessions: By number, those that live.
        complaints: What the proxy said instead of relaying, and nobody has been told of.
        ended_early: Sessions that somebody else than the client ended.
        told: What somebody has been told of these counts.
        on_up: Called behind every frame that reached the upstream.
        on_down: Called behind every frame that reached a client.
    """

    stencils: Stencils
    numbers: Iterator[int]
    up: Ledger = field(init=False)
    down: Ledger = field(init=False)
    sessions: dict[int, Session] = field(factory=dict)
    complaints: list[str] = field(factory=list)
    ended_early: int = 0
    told: Counter[str] = field(factory=Counter)
    on_up: Callable[[Session], None] = _nothing
    on_down: Callable[[Session], None] = _nothing

    def __attrs_post_init__(self) -> None:
        self.up = Ledger(self.stencils)
        self.down = Ledger(self.stencils)

    def new_session(self) -> Session:
        """Return a session that is not connected yet."""
        loop = asyncio.get_running_loop()
        session = Session(next(self.numbers), self, loop.create_future(), loop.create_future())
        self.sessions[session.number] = session
        return session

    @property
    def arrived(self) -> int:
        """Frames that came through, both ways."""
        return self.up.arrived + self.down.arrived

    @property
    def sent(self) -> int:
        """Frames that were written, both ways."""
        return self.up.sent + self.down.sent

    def complain(self, text: str) -> None:
        """Keep the first few complaints."""
        if len(self.complaints) < 5:
            self.complaints.append(text)


class _End(WSListener):
    """What both ends do alike: join fragments, and answer a closing handshake."""

    _fragments: bytes = b""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind is WSMsgType.TEXT or kind is WSMsgType.CONTINUATION:
            payload = frame.get_payload_as_bytes()
            if not frame.fin:
                self._fragments += payload
                return
            if self._fragments:
                payload, self._fragments = self._fragments + payload, b""
            stamp = read_stamp(payload)
            if stamp is None:
                self.on_other(payload)
            else:
                self.on_stamped(transport, stamp, payload)
        elif kind is WSMsgType.CLOSE:
            self.on_close(frame)
            if not transport.is_close_frame_sent:
                transport.send_close(WSCloseCode.OK)
            transport.disconnect()

    def on_stamped(self, transport: WSTransport, stamp: Stamp, payload: bytes) -> None:
        """Take a frame of the rig's."""

    def on_other(self, payload: bytes) -> None:
        """Take an event of somebody else's."""

    def on_close(self, frame: WSFrame) -> None:
        """Note why the other side closes."""


class ClientEnd(_End):
    """A client's connection."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.is_leaving = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.session.client = transport

    def on_stamped(self, transport: WSTransport, stamp: Stamp, payload: bytes) -> None:
        session = self.session
        if stamp.session != session.number:
            session.traffic.complain(f"a frame of session {stamp.session} came to session {session.number}")
            session.traffic.down.damaged += 1
            return
        session.traffic.down.note(session.down, stamp, payload)
        session.traffic.on_down(session)

    def on_other(self, payload: bytes) -> None:
        if b"session.created" in payload[:100]:
            if not self.session.created.done():
                self.session.created.set_result(time.monotonic_ns())
        else:
            self.session.traffic.complain(payload[:200].decode(errors="replace"))

    def on_close(self, frame: WSFrame) -> None:
        if not self.is_leaving:
            self.session.traffic.complain(f"closed: {frame.get_close_message()!r}")

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        session = self.session
        session.client = None
        session.gone.set()
        if not self.is_leaving:
            session.traffic.ended_early += 1
        for awaited in (session.created, session.linked):
            if not awaited.done():
                awaited.cancel()


class UpstreamEnd(_End):
    """The upstream's end of a connection, which learns whose it is from the first frame."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.session: Session | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.upstream.live.add(transport)
        transport.send(WSMsgType.TEXT, CREATED)

    def on_stamped(self, transport: WSTransport, stamp: Stamp, payload: bytes) -> None:
        session = self.session
        if session is None:
            traffic = self.upstream.traffic
            session = self.session = traffic.sessions.get(stamp.session) if traffic else None
            if session is None:
                return  # a frame of an earlier pattern, still on its way when that ended
            session.upstream = transport
            if not session.linked.done():
                session.linked.set_result(None)
        session.traffic.up.note(session.up, stamp, payload)
        session.traffic.on_up(session)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.upstream.live.discard(transport)
        if self.session is not None:
            self.session.upstream = None


@define(slots=True, eq=False)
class Upstream:
    """A GA realtime server, as far as a proxy can tell: ``session.created`` first, any key is good.

    Attributes:
        ws_port: Where it listens without TLS.
        wss_port: Where it listens with TLS.
        live: Its connections.
        traffic: The pattern that is being run.
    """

    ws_port: int
    wss_port: int
    live: set[WSTransport] = field(factory=set)
    traffic: Traffic | None = None

    @classmethod
    @asynccontextmanager
    async def listening(cls, tls: ssl.SSLContext) -> AsyncIterator[Upstream]:
        """Listen while the block runs, on two ports that were free."""
        upstream = cls(0, 0)

        def end(request: WSUpgradeRequest) -> UpstreamEnd | None:
            is_known = request.path.split(b"?")[0] == b"/v1/realtime"
            return UpstreamEnd(upstream) if is_known else None

        plain = await ws_create_server(end, "127.0.0.1", 0, backlog=4096)
        secure = await ws_create_server(end, "127.0.0.1", 0, ssl=tls, backlog=4096)
        async with plain, secure:
            upstream.ws_port = plain.sockets[0].getsockname()[1]
            upstream.wss_port = secure.sockets[0].getsockname()[1]
            yield upstream
            for transport in tuple(upstream.live):
                transport.disconnect(graceful=False)
