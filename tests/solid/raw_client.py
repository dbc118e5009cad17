"""A client that says what it likes, byte by byte."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from yarl import URL

from benchmarks.scoreboard.raw import Raw, connected
from tests.support import UPGRADE, Gateway


@asynccontextmanager
async def raw(
    gate: Gateway, *, extra: str = "", receive_buffer_bytes: int | None = None
) -> AsyncIterator[Raw]:
    """Open a session at *gate*; *extra* are further lines of the request's head."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "x", **UPGRADE}.items())
    head = f"GET /v1/realtime?model=voice HTTP/1.1\r\n{lines}{extra}\r\n"
    port = URL(gate.url).port
    assert port is not None
    async with connected(port, head, receive_buffer_bytes=receive_buffer_bytes) as client:
        yield client
