"""What goes in comes out: the same bytes, in the same order, however large, whatever they hold."""

import asyncio
import hashlib
import json
import math
import random
from collections.abc import Iterator

import aiohttp
import pytest

from tests.support import Websocket, deployment, gateway, upstream

pytestmark = pytest.mark.usefixtures("each_lane")

FRAMES = 20_000
LARGEST_BYTES = 256 * 1024
NOISE = random.Random(3).randbytes(2 * LARGEST_BYTES)
LETTERS = NOISE.hex().encode()[: 2 * LARGEST_BYTES]


def sizes(smallest: int) -> Iterator[int]:
    rng = random.Random(5)
    low, high = math.log(smallest), math.log(LARGEST_BYTES)
    for _ in range(FRAMES):
        yield round(math.exp(rng.uniform(low, high)))


def binary_frames() -> Iterator[bytes]:
    for number, size in enumerate(sizes(1)):
        yield number.to_bytes(4, "big")[-size:] + NOISE[number : number + max(0, size - 4)]


def json_events() -> Iterator[bytes]:
    for number, size in enumerate(sizes(40)):
        head = b'{"type":"test.event","n":%d,"pad":"' % number
        yield head + LETTERS[number : number + max(0, size - len(head) - 2)] + b'"}'


class Digest:
    """Order, boundaries and bytes of a stream of messages."""

    def __init__(self) -> None:
        self.count = 0
        self._hash = hashlib.blake2b()

    def add(self, message: bytes) -> None:
        self.count += 1
        self._hash.update(len(message).to_bytes(4, "big"))
        self._hash.update(message)

    def result(self) -> tuple[int, str]:
        return self.count, self._hash.hexdigest()


async def send_all(
    client: aiohttp.ClientWebSocketResponse[bool], frames: Iterator[bytes], *, text: bool
) -> Digest:
    sent = Digest()
    kind = aiohttp.WSMsgType.TEXT if text else aiohttp.WSMsgType.BINARY
    for frame in frames:
        sent.add(frame)
        await client.send_frame(frame, kind)
    return sent


@pytest.mark.parametrize("opaque", [True, False], ids=["opaque frames", "json events"])
async def test_20000_messages_each_way_keep_their_bytes_and_their_order(opaque: bool) -> None:
    at_upstream, at_client = Digest(), Digest()

    async def echo(websocket: Websocket) -> None:
        if not opaque:
            await websocket.send_str('{"type":"session.created"}')
        async for message in websocket:
            at_upstream.add(message.data)
            await websocket.send_frame(message.data, message.type)

    async with (
        upstream(echo, decode_text=False) as url,
        gateway(deployment("a", url, opaque=opaque)) as gate,
        gate.open(decode_text=False) as client,
    ):
        if not opaque:
            assert json.loads((await client.receive()).data)["type"] == "session.created"
        frames = binary_frames() if opaque else json_events()
        sending = asyncio.create_task(send_all(client, frames, text=not opaque))
        while at_client.count < FRAMES:
            at_client.add((await client.receive()).data)
        sent = await sending
    assert sent.count == FRAMES
    assert at_upstream.result() == sent.result()
    assert at_client.result() == sent.result()
