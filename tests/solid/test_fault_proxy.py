"""A bad network, made on purpose: what it does to the bytes is what it was told, and nothing else."""

import asyncio
import random
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
import trustme
from attrs import define, field

from realtime_lb.testing import Door, FaultProxy, Faults, Way, run_jumping
from realtime_lb.testing.pipe import Pipe

NOISE = random.Random(7).randbytes(1_000_000)
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve, **options: object) -> AsyncIterator[str]:
    """A TCP server that treats each connection with *serve*; yields ``host:port``."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0, **options)  # type: ignore[arg-type]
    async with listening:
        yield f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def client(
    proxy: FaultProxy, **options: Any
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port, **options)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def until(happened: Callable[[], bool]) -> None:
    while not happened():  # noqa: ASYNC110  # what is waited for has no event
        await asyncio.sleep(0)


async def say_and_hear(proxy: FaultProxy, said: bytes) -> bytes:
    """Send *said*, say that this is all, and return what comes until the end."""
    async with client(proxy) as (reader, writer), asyncio.TaskGroup() as tasks:
        tasks.create_task(send(writer, said))
        return await reader.read()


async def send(writer: asyncio.StreamWriter, said: bytes) -> None:
    writer.write(said)
    await writer.drain()
    writer.write_eof()


@pytest.mark.parametrize(
    "faults",
    [Faults(), Faults.both_ways(latency_s=0.01, jitter_s=0.02), Faults.both_ways(bytes_per_s=40e6)],
    ids=["none", "jitter", "rate"],
)
async def test_every_byte_arrives_in_order_and_so_does_the_end(faults: Faults) -> None:
    """An end of one side only, too: the answers still come."""
    async with server(echo) as there, FaultProxy(there, faults, buffer_bytes=50_000) as proxy:
        heard = await asyncio.gather(*(say_and_hear(proxy, NOISE[n * 1000 :]) for n in range(3)))
    assert heard == [NOISE[n * 1000 :] for n in range(3)]


async def test_tls_passes_and_its_url_says_where() -> None:
    authority = trustme.CA()
    here, context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(here)
    authority.configure_trust(context)
    async with (
        server(echo, ssl=here) as there,
        FaultProxy(f"wss://{there}/v1?model=x") as proxy,
        client(proxy, ssl=context) as (reader, writer),
    ):
        assert proxy.url == f"wss://127.0.0.1:{proxy.port}/v1?model=x"
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"


@define
class Script:
    """Both ends of a pipe, in memory: says pieces at their times, and notes when which bytes arrive."""

    said: list[tuple[float, bytes]]
    heard: list[tuple[float, int]] = field(factory=list)
    data: bytes = b""
    over: bool = False

    async def read(self, most_bytes: int) -> bytes:
        if not self.said:
            return b""
        at_s, piece = self.said.pop(0)
        await asyncio.sleep(at_s - asyncio.get_running_loop().time())
        if rest := piece[most_bytes:]:
            self.said.insert(0, (at_s, rest))
        return piece[:most_bytes]

    async def write(self, data: memoryview) -> None:
        self.heard.append((asyncio.get_running_loop().time(), len(data)))
        self.data += data

    def write_eof(self) -> None:
        self.over = True


def pass_on(way: Way, *said: tuple[float, bytes], buffer_bytes: int = 65_536, seed: int = 1) -> Script:
    """Return what comes out of a way, and when, by a clock that jumps."""
    script = Script(list(said))

    async def run() -> None:
        await Pipe(way, random.Random(seed), lambda *, fin: None, buffer_bytes).run(script, script)

    run_jumping(run())
    assert script.over
    assert script.data == b"".join(piece for _, piece in said)
    return script


def test_each_byte_is_as_late_as_the_way_is_long() -> None:
    script = pass_on(Way(latency_s=0.25), (0.0, b"a"), (0.1, b"bb"), (5.0, b"ccc"))
    assert script.heard == [(0.25, 1), (pytest.approx(0.35), 2), (5.25, 3)]


def test_jitter_is_drawn_within_its_bounds_the_same_for_a_seed_and_overtakes_nobody() -> None:
    said = [(number * 0.001, b"%d" % (number % 10)) for number in range(1_000)]
    way = Way(latency_s=0.1, jitter_s=0.05)
    heard = pass_on(way, *said).heard
    late_s = [at_s - said_s for (at_s, _), (said_s, _) in zip(heard, said, strict=True)]
    assert min(late_s) >= 0.1
    assert max(late_s) <= 0.15 + 1e-9
    assert max(late_s) - min(late_s) > 0.03
    assert pass_on(way, *said).heard == heard
    assert pass_on(way, *said, seed=2).heard != heard


@pytest.mark.parametrize("rate", [100.0, 16_000.0, 10_000_000.0])
@pytest.mark.parametrize("latency_s", [0.0, 0.5])
def test_a_rate_is_kept_from_the_first_byte_to_the_last(rate: float, latency_s: float) -> None:
    size = min(100_000, int(10 * rate))
    way = Way(bytes_per_s=rate, latency_s=latency_s)
    script = pass_on(way, (1.0, NOISE[:size]), buffer_bytes=size)
    arrived = 0
    for at_s, count in script.heard:
        arrived += count
        assert arrived <= (at_s - 1.0 - latency_s) * rate + 1
    assert script.heard[-1][0] == pytest.approx(1.0 + latency_s + size / rate)
    assert len(script.heard) >= min(size, size / rate / 0.02)


def test_a_change_holds_for_what_is_under_way() -> None:
    script = Script([(0.0, b"a"), (1.0, b"b")])
    pipe = Pipe(Way(latency_s=100.0), random.Random(1), lambda *, fin: None, 1_000)

    async def run() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pipe.run(script, script))
            await asyncio.sleep(3.0)
            pipe.way = Way(latency_s=4.0)
            await asyncio.sleep(1.5)
            pipe.freeze(frozen=True)
            await asyncio.sleep(10.0)
            pipe.freeze(frozen=False)

    run_jumping(run())
    assert script.heard == [(4.0, 1), (14.5, 1)]


@pytest.mark.parametrize("fin", [True, False], ids=["FIN", "RST"])
@pytest.mark.parametrize("after", [0, 1, 65_537, 900_000])
async def test_it_cuts_after_just_so_many_bytes(after: int, fin: bool) -> None:
    """Both ends see it, each as what it is."""
    at_server: asyncio.Future[bytes | ConnectionError] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(NOISE)
        at_server.set_result(await ending(reader))

    way = Way(cut_after_bytes=after, fin=fin)
    async with (
        server(serve) as there,
        FaultProxy(there, Faults(down=way)) as proxy,
        client(proxy) as (reader, _),
    ):
        heard = bytearray()
        try:
            while data := await reader.read(65_536):
                heard += data
        except ConnectionResetError:
            assert not fin
        else:
            assert fin
        assert isinstance(await at_server, bytes if fin else ConnectionResetError)
    assert heard == NOISE[: len(heard)]
    assert len(heard) == after if fin else len(heard) <= after


async def ending(reader: asyncio.StreamReader) -> bytes | ConnectionError:
    try:
        return await reader.read()
    except ConnectionError as error:
        return error


@pytest.mark.parametrize("fin", [True, False], ids=["FIN", "RST"])
async def test_it_cuts_at_once_though_much_is_unread(fin: bool) -> None:
    async with server(echo) as there, FaultProxy(there) as proxy, client(proxy) as (reader, writer):
        writer.write(b"hello")
        await reader.readexactly(5)
        writer.write(NOISE)
        proxy.cut(fin=fin)
        assert isinstance(await ending(reader), bytes if fin else ConnectionResetError)
        await until(lambda: not proxy.connections)


async def test_a_reset_by_either_side_reaches_the_other() -> None:
    ended: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(5))
        ended.set_result(await ending(reader))

    async with server(serve) as there, FaultProxy(there) as proxy, client(proxy) as (reader, writer):
        writer.write(b"hello")
        await reader.readexactly(5)
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        writer.transport.abort()
        assert isinstance(await ended, ConnectionResetError)


async def test_one_direction_stops_and_nobody_is_told() -> None:
    """The other goes on, and later so does this one: nothing was lost."""
    async with server(echo) as there, FaultProxy(there) as proxy, client(proxy) as (reader, writer):
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        proxy.faults = Faults(down=Way(stopped=True))
        (connection,) = proxy.connections
        writer.write(b"two")
        await until(lambda: connection.up_bytes == 6)
        writer.write_eof()
        assert connection.down_bytes == 3
        proxy.faults = Faults()
        assert await reader.read() == b"two"


async def test_frozen_it_still_takes_connections_and_thawed_it_serves_them() -> None:
    async with server(echo) as there, FaultProxy(there) as proxy:
        proxy.freeze()
        async with client(proxy) as (reader, writer):
            hearing = asyncio.create_task(reader.readexactly(2))
            writer.write(b"hi")
            await until(lambda: len(proxy.connections) == 1)
            (connection,) = proxy.connections
            for _ in range(100):
                await asyncio.sleep(0)
            assert (connection.up_bytes, connection.down_bytes, hearing.done()) == (0, 0, False)
            proxy.thaw()
            assert await hearing == b"hi"


async def test_a_receiver_that_does_not_read_holds_the_sender_up() -> None:
    """What is under way is bounded by the buffer, and by what the system holds of both connections."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()

    async with server(serve, limit=1) as there, FaultProxy(there, buffer_bytes=1_000) as proxy:
        async with client(proxy) as (_, writer):
            writer.transport.set_write_buffer_limits(high=0)
            size = 0
            with suppress(TimeoutError):
                while True:
                    writer.write(NOISE[:100_000])
                    size += 100_000
                    async with asyncio.timeout(0.5):
                        await writer.drain()
            assert size < 20_000_000
        over.set()


async def test_some_are_refused_some_ignored_and_others_served() -> None:
    def by_number(number: int) -> Faults:
        return Faults(door=(Door.REFUSE, Door.IGNORE, Door.OPEN)[number - 1])

    async with server(echo) as there, FaultProxy(there, by_number) as proxy:
        async with client(proxy) as (reader, _):
            assert isinstance(await ending(reader), ConnectionResetError)
        async with client(proxy) as (reader, writer):
            writer.write(b"?")
            assert await say_and_hear(proxy, b"hello") == b"hello"
            assert proxy.count == 3
            proxy.faults = Faults()
            assert await reader.readexactly(1) == b"?"


async def test_a_refusing_port_stays_its_own_and_opens_again() -> None:
    async with server(echo) as there, FaultProxy(there) as proxy:
        for _ in range(20):
            proxy.faults = Faults(door=Door.REFUSE)
            with pytest.raises(ConnectionRefusedError):
                await say_and_hear(proxy, b"hello")
            proxy.faults = Faults()
            assert await say_and_hear(proxy, b"hello") == b"hello"


async def test_who_asks_for_a_server_that_is_not_there_is_reset() -> None:
    async with FaultProxy("127.0.0.1:1") as proxy, client(proxy) as (reader, _):
        assert isinstance(await ending(reader), ConnectionResetError)


async def test_leaving_resets_who_is_still_connected_and_gives_the_port_back() -> None:
    async with server(echo) as there:
        async with FaultProxy(there) as proxy, AsyncExitStack() as clients:
            ends = [await clients.enter_async_context(client(proxy)) for _ in range(2)]
            ends[0][1].write(b"hello")
            await ends[0][0].readexactly(5)
            proxy.connections[1].freeze()
            await proxy.__aexit__(None, None, None)
            for reader, _ in ends:
                assert isinstance(await ending(reader), ConnectionResetError)
            assert proxy.connections == ()
        with pytest.raises(ConnectionRefusedError):
            await say_and_hear(proxy, b"hello")
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_a_target_without_a_port_is_named() -> None:
    with pytest.raises(ValueError, match="says no host and port"):
        FaultProxy("127.0.0.1")
    with pytest.raises(ValueError, match="'latency_s' must be >= 0"):
        Way(latency_s=-1.0)
