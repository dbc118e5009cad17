"""Peers whose frames are almost right: nothing of theirs stays, and nobody else minds."""

import asyncio
import random
import time

import aiohttp
import pytest
from yarl import URL

from realtime_lb.transports.handshake import accept_key
from tests.solid.aftermath import SIZE_FULL, nothing_left
from tests.solid.hostile import (
    LOOPS,
    crowd,
    greet_then_echo,
    hostile,
    leave,
    run,
    say_in_pieces,
    tell,
    unmoved,
)
from tests.solid.mutants import TEXT, Mutator, Raw
from tests.support import SESSION_CREATED, UPGRADE, deployment, upstream

pytestmark = pytest.mark.usefixtures("each_lane")

FRAMES_A_PEER = 20
PEERS = (100_000 if SIZE_FULL else 2_500) // FRAMES_A_PEER


@pytest.mark.parametrize("loop", LOOPS)
def test_of_clients(loop: str) -> None:
    """Half of them at an upstream whose events are read, half at one that is relayed unread."""
    run(loop, clients(loop))


async def clients(loop: str) -> None:
    began, made = time.perf_counter(), 0
    async with upstream(greet_then_echo) as url:
        read, unread = deployment("a", url), deployment("b", url, model_group="opaque", opaque=True)
        async with unmoved(read, unread) as gate:
            port = URL(gate.url).port

            async def one(number: int) -> None:
                nonlocal made
                rng = random.Random(number)
                mutator = Mutator(rng, masked=True)
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                lines = [f"GET /v1/realtime?model={rng.choice(('voice', 'opaque'))} HTTP/1.1", "Host: x"]
                lines += [f"{name}: {value}" for name, value in UPGRADE.items()]
                writer.write("\r\n".join([*lines, "", ""]).encode())
                if rng.random() < 0.8:
                    assert b" 101 " in await reader.readline()
                await say_in_pieces(writer, mutator.talk(FRAMES_A_PEER), rng)
                made += mutator.made
                await leave(reader, writer, rng)

            async with nothing_left(gate):
                await crowd(range(PEERS), one)
    tell("D3", made, "frames of clients", loop, began)


@pytest.mark.parametrize("loop", LOOPS)
def test_of_upstreams(loop: str) -> None:
    """Most open as one should, and turn bad behind that."""
    run(loop, upstreams(loop))


async def upstreams(loop: str) -> None:
    began, made, dials = time.perf_counter(), 0, 0

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal made, dials
        dials += 1
        rng = random.Random(dials)
        mutator = Mutator(rng, masked=False)
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            key = request.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
            writer.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                b"Sec-WebSocket-Accept: %s\r\n\r\n" % accept_key(key).encode()
            )
            greeting = Raw(TEXT, SESSION_CREATED.encode(), masked=False).wire(rng)
            said = (greeting if rng.random() < 0.9 else b"") + mutator.talk(FRAMES_A_PEER)
            await say_in_pieces(writer, said, rng)
            made += mutator.made
            await leave(reader, writer, rng)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    async with upstream(greet_then_echo) as good, hostile(behave) as bad:
        read = deployment("a", bad, model_group="read")
        unread = deployment("b", bad, model_group="opaque", opaque=True)
        async with unmoved(read, unread, deployment("c", good)) as gate:

            async def one(number: int) -> None:
                model = ("read", "opaque")[number % 2]
                try:
                    async with gate.open(f"/v1/realtime?model={model}") as client:
                        await client.send_str('{"type":"response.create"}')
                        async for _ in client:
                            pass
                except aiohttp.WSServerHandshakeError as refusal:
                    statuses.add(refusal.status)

            statuses: set[int] = set()
            async with nothing_left(gate):
                await crowd(range(PEERS), one)
    assert statuses <= {502, 503, 504}
    tell("D5", made, "frames of upstreams", loop, began)
