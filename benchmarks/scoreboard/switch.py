"""A switch between two sockets that says something else to the far one, in the head of the request only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeAlias

__all__ = ["Rewrite", "asking", "switched"]

Rewrite: TypeAlias = Callable[[bytes], bytes]
"""Returns the head of a request to send instead of one, both with the empty line at their end."""

_READ_BYTES = 64 * 1024


def asking(path: str, headers: Mapping[str, str]) -> Rewrite:
    """Return what asks for *path* with further *headers*, whatever was asked for."""
    more = b"".join(f"{name}: {value}\r\n".encode() for name, value in headers.items())

    def rewrite(head: bytes) -> bytes:
        return b"GET %s HTTP/1.1\r\n" % path.encode() + more + head.partition(b"\r\n")[2]

    return rewrite


@asynccontextmanager
async def switched(port: int, rewrite: Rewrite) -> AsyncIterator[int]:
    """Listen on 127.0.0.1 while the block runs, and pass all to *port* there; yield the own port.

    Behind the head of the request bytes are passed as they come, and so is the end of either side.
    """
    calls: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = asyncio.create_task(_passed(port, rewrite, reader, writer))
        calls.add(call)
        call.add_done_callback(calls.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=1024)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for call in list(calls):
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def _passed(
    port: int, rewrite: Rewrite, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    ends = [writer]
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        ends.append(far_writer)
        far_writer.write(rewrite(head))
        await asyncio.gather(_copied(reader, far_writer), _copied(far_reader, writer))
    except (asyncio.IncompleteReadError, OSError):  # it left before it asked, or nobody listens any more
        return
    finally:
        for end in ends:
            end.transport.abort()


async def _copied(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while some := await source.read(_READ_BYTES):
            sink.write(some)
            await sink.drain()
        if sink.can_write_eof() and not sink.is_closing():
            sink.write_eof()
    except OSError:  # a reset of one side is one of the other, as soon as it is written to
        sink.transport.abort()
