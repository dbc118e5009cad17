"""The way out of a session: every server event passes here, and faults strike here."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterable

from aiohttp import ClientConnectionResetError, web
from attrs import define, field

from realtime_lb.simulator.faults import Close, Cut, Moment, Silence
from realtime_lb.typing import JsonObject

__all__ = ["Ending", "Outlet", "SessionOver", "hang_up"]

Ending = Close | Cut
"""How the server ends a session: with a closing handshake or without."""

_HANG_UP = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: the socket is closed with RST."""


class SessionOver(Exception):  # an ending, not an error
    """The session has ended; whatever works for it stops.

    Attributes:
        ending: How the server ends it; None when the client is gone already.
    """

    def __init__(self, ending: Ending | None) -> None:
        super().__init__()
        self.ending = ending


def hang_up(request: web.BaseRequest, *, fin: bool) -> None:
    """End the TCP connection of *request* with FIN, or else with RST."""
    transport = request.transport
    if transport is None:
        return
    if fin:
        transport.close()
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _HANG_UP)
    transport.abort()


@define(eq=False)
class Outlet:
    """Sends events until a fault says otherwise.

    Attributes:
        socket: Where they go.
        strikes: The faults that may end or silence the session.
        counts: How many events of each type got out; None counts all.
        silent: Nothing gets out any more.
    """

    socket: web.WebSocketResponse
    strikes: tuple[Cut | Close | Silence, ...] = ()
    counts: dict[str | None, int] = field(factory=dict)
    silent: bool = False

    async def send(self, events: Iterable[JsonObject]) -> None:
        """Send *events* in order. May wait for a slow client.

        Raises:
            SessionOver: A fault ended the session, or the client is gone.
        """
        for event in events:
            if not self.silent:
                await self._send(event)
                self.strike()

    async def _send(self, event: JsonObject) -> None:
        try:
            await self.socket.send_str(json.dumps(event, separators=(",", ":")))
        except ClientConnectionResetError:
            raise SessionOver(None) from None
        for name in (None, event["type"]):
            self.counts[name] = self.counts.get(name, 0) + 1

    def strike(self) -> None:
        """Let a fault strike whose moment has come.

        Raises:
            SessionOver: It ended the session.
        """
        for fault in self.strikes:
            if not self._has_come(fault.moment):
                continue
            if not isinstance(fault, Silence):
                raise SessionOver(fault)
            self.silent = True

    def _has_come(self, moment: Moment) -> bool:
        return self.counts.get(moment.on, 0) >= moment.after
