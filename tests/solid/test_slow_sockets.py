"""Who connects and then dawdles is let go at a limit on the whole of it, and not a byte later."""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from realtime_lb import LimitSettings, RealtimeRouter, ServerSettings, Settings
from realtime_lb.server import listening
from tests.solid.aftermath import nothing_left
from tests.solid.raw import UPGRADE, request
from tests.support import deployment, gateway, greet_and_echo, upstream

LIMIT_S = 0.5
LATER_S = LIMIT_S + 1

Socket = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dawdle = Callable[[Socket], Awaitable[None]]


def settings() -> Settings:
    return Settings(
        deployments=tuple(deployment(f"d{number}", "http://127.0.0.1:1") for number in range(100)),
        server=ServerSettings(head_timeout_s=LIMIT_S),
        limits=LimitSettings(stall_timeout_s=LIMIT_S),
    )


def after(sent: bytes) -> Dawdle:
    """Send *sent*, and nothing more."""

    async def dawdle(client: Socket) -> None:
        client[1].write(sent)
        await _until_closed(client)

    return dawdle


async def trickle(client: Socket) -> None:
    """Send a head that never ends, a byte at a time."""
    client[1].write(b"GET /health/liveliness HTTP/1.1\r\nX: ")
    async with asyncio.TaskGroup() as sending:
        drops = sending.create_task(_drop_by_drop(client[1], b"x"))
        await _until_closed(client)
        drops.cancel()


async def trickle_body(client: Socket) -> None:
    """Ask for something, with a body that nobody wants and that never ends."""
    client[1].write(request("GET /health/liveliness HTTP/1.1", "Content-Length: 1000000"))
    async with asyncio.TaskGroup() as sending:
        drops = sending.create_task(_drop_by_drop(client[1], b"x"))
        await _until_closed(client)
        drops.cancel()


async def take_nothing(client: Socket) -> None:
    """Ask for more than the kernels hold of it, 25 KB at a time, and read none."""
    transport = client[1].transport
    assert isinstance(transport, asyncio.Transport)
    transport.pause_reading()
    client[1].write(request("GET /model/info HTTP/1.1") * 400)
    await _drop_by_drop(client[1], b"x")  # who does not read, hears only when writing that nobody is there


async def _drop_by_drop(writer: asyncio.StreamWriter, drop: bytes) -> None:
    while not writer.is_closing():  # the drops are what this is about
        writer.write(drop)
        await asyncio.sleep(0.05)


async def _until_closed(client: Socket) -> None:
    with contextlib.suppress(ConnectionError):
        while await client[0].read(65_536):
            pass


@contextlib.contextmanager
def an_authority() -> Iterator[ssl.SSLContext]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    yield context


async def gone_within_s(
    url: str, dawdle: Dawdle, *, clients: int = 20, limit_s: float = LATER_S
) -> list[float]:
    """Return how long each of some clients took to be let go; fail on those that take *limit_s*."""
    where, loop = urlsplit(url), asyncio.get_running_loop()

    async def once() -> float:
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)
        began_s = loop.time()
        await loop.sock_connect(raw, (where.hostname, where.port))
        client = await asyncio.open_connection(sock=raw)
        try:
            async with asyncio.timeout(limit_s):
                await dawdle(client)
        finally:
            client[1].transport.abort()
        return loop.time() - began_s

    return await asyncio.gather(*(once() for _ in range(clients)))


@pytest.mark.parametrize(
    "dawdle",
    [
        after(b""),
        after(b"GET /v1/realtime?model=voice HTTP/1.1\r\nHost: gateway\r\n"),
        after(request("GET /health/liveliness HTTP/1.1")),
        after(request("GET /health/liveliness HTTP/1.1") + b"GET / HTT"),
        after(request("GET /v1/realtime?model=nope HTTP/1.1", *UPGRADE, "Content-Length: 9")),
        trickle,
        trickle_body,
    ],
    ids=[
        "silent",
        "half a head",
        "idle",
        "half a second head",
        "no body",
        "trickle",
        "trickling body",
    ],
)
async def test_a_dawdler_is_gone_at_the_limit(dawdle: Dawdle) -> None:
    async with RealtimeRouter(settings()) as router, listening(router) as url:
        gone_s = await gone_within_s(url, dawdle)
    assert min(gone_s) > 0.9 * LIMIT_S


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has it")
async def test_so_is_one_that_takes_nothing_of_what_it_asked_for() -> None:
    async with RealtimeRouter(settings()) as router, listening(router) as url:
        # What it asked for is made first, and takes a busy machine its time.
        gone_s = await gone_within_s(url, take_nothing, clients=3, limit_s=LATER_S + 3)
    assert min(gone_s) > 0.9 * LIMIT_S


async def test_nobody_waits_for_the_body_of_who_is_gone() -> None:
    """Of a request that was refused, the rest is read for a while, so that the refusal arrives."""
    line = request("GET /v1/realtime?model=voice HTTP/1.1", *UPGRADE, "Content-Length: 9")
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url)) as gate, nothing_left(gate):
        where = urlsplit(gate.url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(line)
        assert b" 400 " in await reader.readuntil(b"}")
        writer.close()


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02"], ids=["silent", "half a hello"])
async def test_so_is_one_that_does_not_finish_its_tls_handshake(sent: bytes) -> None:
    with an_authority() as tls:
        async with RealtimeRouter(settings()) as router, listening(router, ssl_context=tls) as url:
            gone_s = await gone_within_s(url, after(sent))
    assert min(gone_s) > 0.9 * LIMIT_S


def other_end(own: tuple[str, int]) -> socket.socket:
    """Return the end, in this process, of who is connected with *own*."""
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(each.name))) as end:
            if end.getpeername() == own:
                return end.dup()
    raise AssertionError("there is none")


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has it")
async def test_the_kernel_watches_over_a_client_from_the_start() -> None:
    async with RealtimeRouter(settings()) as router, listening(router) as url:
        where = urlsplit(url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(request("GET /health/liveliness HTTP/1.1"))
        await reader.readuntil(b"\r\n\r\n")
        with other_end(writer.get_extra_info("sockname")) as taken:
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == LIMIT_S * 1000
            assert taken.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        writer.close()
