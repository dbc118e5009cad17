"""Opening and ending sessions, as clients do."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Mapping
from typing import cast

from attrs import frozen
from picows import WSCloseCode, WSError, ws_connect

from benchmarks.rig.ends import ClientEnd, Session, Traffic

__all__ = ["OpenFailed", "Opened", "Target", "close_all", "open_many", "open_session"]

OPEN_TIMEOUT_S = 10.0
"""Clients give up at about this age."""

CLOSE_TIMEOUT_S = 5.0


class OpenFailed(Exception):
    """A session did not come to ``session.created``."""


@frozen
class Target:
    """What clients dial.

    Attributes:
        url: Where.
        headers: What they send with the handshake.
        pid: The proxy's process, or the first of them; None where there is no proxy.
    """

    url: str
    headers: Mapping[str, str]
    pid: int | None


@frozen
class Opened:
    """An open session.

    Attributes:
        session: The session.
        end: Its client.
        took_ns: From the dial to ``session.created``.
    """

    session: Session
    end: ClientEnd
    took_ns: int

    async def close(self) -> None:
        """Close as a client does, and wait for the end of the connection."""
        self.end.is_leaving = True
        if self.session.client is not None:
            self.session.client.send_close(WSCloseCode.OK)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self.session.gone.wait()
        except TimeoutError:
            self.session.traffic.complain("a closing handshake was not answered")
            if self.session.client is not None:
                self.session.client.disconnect(graceful=False)
        self.session.traffic.sessions.pop(self.session.number, None)

    async def cut(self) -> None:
        """Reset the connection, as a machine does that fails, and wait for its end."""
        self.end.is_leaving = True
        if (client := self.session.client) is not None:
            plug = client.underlying_transport.get_extra_info("socket")
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.disconnect(graceful=False)
        await self.session.gone.wait()
        self.session.traffic.sessions.pop(self.session.number, None)


async def open_session(traffic: Traffic, target: Target, *, link: bool = False) -> Opened:
    """Open a session and wait for ``session.created``.

    Args:
        traffic: Where it is counted.
        target: What to dial.
        link: Send a first frame, too, and wait until the upstream has it: only then can the upstream send.

    Raises:
        OpenFailed: It was refused, closed, or not heard of in time.
    """
    session = traffic.new_session()
    began = time.monotonic_ns()
    try:
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            _, listener = await ws_connect(
                lambda: ClientEnd(session), target.url, extra_headers=dict(target.headers)
            )
            end = cast("ClientEnd", listener)
            created = await session.created
            if link:
                session.send_up(traffic.stencils.appends[0])
                await session.linked
    except TimeoutError:
        raise OpenFailed(f"no session within {OPEN_TIMEOUT_S:g} s") from None
    except (OSError, WSError) as error:
        raise OpenFailed(str(error)[:200]) from error
    except asyncio.CancelledError:
        if session.gone.is_set():
            raise OpenFailed(f"closed before its first event: {traffic.complaints[-1:]}") from None
        raise
    return Opened(session, end, created - began)


async def open_many(
    traffic: Traffic, target: Target, count: int, *, link: bool = False, at_once: int = 16
) -> list[Opened]:
    """Open *count* sessions, *at_once* at a time."""
    free = asyncio.Semaphore(at_once)

    async def one() -> Opened:
        async with free:
            return await open_session(traffic, target, link=link)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one()) for _ in range(count)]
    return [task.result() for task in tasks]


async def close_all(opened: list[Opened]) -> None:
    """Close many sessions at once."""
    async with asyncio.TaskGroup() as group:
        for each in opened:
            group.create_task(each.close())
