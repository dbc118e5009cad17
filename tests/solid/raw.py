"""Requests as bytes, for what no client library would send."""

import asyncio
from urllib.parse import urlsplit

from tests import support

UPGRADE = tuple(f"{name}: {value}" for name, value in support.UPGRADE.items())


def request(line: str, *headers: str, host: str = "gateway") -> bytes:
    """A request's head. Text is sent as Latin-1, so that a character is a byte."""
    return "\r\n".join((line, f"Host: {host}", *headers, "", "")).encode("latin-1")


async def talk(url: str, data: bytes) -> bytes:
    """Send *data* and return all that comes until the server closes.

    A server that keeps the connection open fails the test by its timeout.
    """
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        writer.write(data)
        return await reader.read()
    except ConnectionResetError:  # it closed before it had read all of a flood
        return b""
    finally:
        writer.close()
