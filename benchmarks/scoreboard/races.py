"""Sessions whose two ends do something at the same moment, or nearly: what both saw of it."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable

from attrs import define, field

from benchmarks.scoreboard.stand import Proxy
from benchmarks.scoreboard.wire import CLOSE, TEXT, Wire, frame, request, wire_client

__all__ = ["RACES", "Upstream"]

APART_S = 0.005
DIAL_S = 0.03
MOST_EVENTS = 200
NORMAL = (1000).to_bytes(2, "big")


def _event(number: int) -> bytes:
    return b'{"type":"test.event","n":%d}' % number


@define
class Upstream:
    """Plays the upstream's part in every race, as the client's first message says.

    Attributes:
        rng: Draws the moments.
        open: Connections that are not over.
        took: What came of the client's events, by the race's number: all of them, in order, and a goodbye.
    """

    rng: random.Random
    open: int = 0
    took: dict[int, asyncio.Future[bool]] = field(factory=dict)

    async def before(self) -> None:
        """Take a while to answer a handshake."""
        self.open += 1
        try:
            await asyncio.sleep(self.rng.uniform(0, DIAL_S))
        except BaseException:
            self.open -= 1
            raise

    async def behave(self, wire: Wire) -> None:
        """Do as the client says."""
        try:
            first = await wire.receive()
            if first is None or first.opcode != TEXT:
                return
            asked = json.loads(first.payload)
            if asked["type"] == "together":
                wire.send(TEXT, first.payload)
                await asyncio.sleep(self.rng.uniform(0, APART_S))
            elif asked["type"] == "flood":
                for number in range(asked["count"]):
                    wire.send(TEXT, _event(number))
            if asked["type"] != "take":
                wire.send(CLOSE, NORMAL)
            messages, goodbye = await wire.until_goodbye()
            if asked["type"] == "take":
                wire.send(CLOSE, goodbye or NORMAL)
            right = [each.payload for each in messages] == [_event(n) for n in range(asked.get("take", 0))]
            wire.writer.close()
            await wire.until_end()
            self.took[asked["race"]].set_result(right and goodbye is not None)
        finally:
            self.open -= 1


async def _leave(client: Wire) -> tuple[int, bool]:
    """Hear the upstream out; return how many events came, and whether a goodbye did."""
    messages, goodbye = await client.until_goodbye()
    if goodbye is not None:
        client.send(CLOSE, goodbye)
    await client.until_end()
    in_order = [each.payload for each in messages] == [_event(number) for number in range(len(messages))]
    return len(messages) if in_order else -1, goodbye is not None


def _asks(kind: str, race: int, **more: int) -> bytes:
    return json.dumps({"type": kind, "race": race, **more}).encode()


async def both_at_once(proxy: Proxy, race: int, rng: random.Random) -> bool:
    """Each end says goodbye while the other's may be under way."""
    async with wire_client(proxy) as client:
        await client.receive()
        client.send(TEXT, _asks("together", race))
        await client.receive()
        await asyncio.sleep(rng.uniform(0, APART_S))
        client.send(CLOSE, NORMAL)
        _, goodbye = await client.until_goodbye()
        await client.until_end()
        return goodbye is not None


async def during_the_dial(proxy: Proxy, race: int, rng: random.Random) -> bool:
    """The client is gone, with RST, before, while or after its upstream answers."""
    _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(request(proxy) + frame(TEXT, _asks("gone", race), masked=True))
    await asyncio.sleep(rng.uniform(0, 2 * DIAL_S))
    writer.transport.abort()
    return True


async def data_before_the_upstreams_goodbye(proxy: Proxy, race: int, rng: random.Random) -> bool:
    """All that an upstream says before its goodbye reaches the client."""
    count = rng.randrange(MOST_EVENTS)
    async with wire_client(proxy) as client:
        await client.receive()
        client.send(TEXT, _asks("flood", race, count=count))
        return await _leave(client) == (count, True)


async def data_before_the_clients_goodbye(proxy: Proxy, race: int, rng: random.Random) -> bool:
    """All that a client says before its goodbye reaches the upstream."""
    return await _take(proxy, race, rng.randrange(MOST_EVENTS), early=0)


async def data_before_the_upgrade(proxy: Proxy, race: int, rng: random.Random) -> bool:
    """What a client says before it is answered arrives, in order, before all else."""
    return await _take(proxy, race, rng.randrange(MOST_EVENTS), early=rng.randrange(1, MOST_EVENTS))


async def _take(proxy: Proxy, race: int, count: int, *, early: int) -> bool:
    says = [_asks("take", race, take=count), *(_event(number) for number in range(count))]
    async with wire_client(
        proxy, b"".join(frame(TEXT, said, masked=True) for said in says[:early])
    ) as client:
        for said in says[early:]:
            client.send(TEXT, said)
        client.send(CLOSE, NORMAL)
        _, goodbye = await client.until_goodbye()
        await client.until_end()
        return goodbye is not None


Race = Callable[[Proxy, int, random.Random], Awaitable[bool]]

RACES: tuple[Race, ...] = (
    both_at_once,
    during_the_dial,
    data_before_the_upstreams_goodbye,
    data_before_the_clients_goodbye,
    data_before_the_upgrade,
)
"""Each returns whether its client saw what it should."""
