"""Crowds of peers that are almost right, and what they stand in front of."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import uvloop

from benchmarks.scoreboard.autobahn import echo
from realtime_lb import Deployment, HealthSettings, LimitSettings, RehomeSettings, ServerSettings
from realtime_lb.records import Record
from tests import support
from tests.solid.aftermath import figures
from tests.support import SESSION_CREATED, Gateway, Records, Websocket, gateway

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}

AT_ONCE = 50

Visit = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Unheard(Records):
    """Keeps nothing: a hundred thousand sessions would be told of."""

    def __call__(self, _record: Record) -> None: ...


async def greet_then_echo(websocket: Websocket) -> None:
    await websocket.send_str(SESSION_CREATED)
    await echo(websocket)


def unmoved(
    *deployments: Deployment, rehome: bool = True, head_timeout_s: float = 15.0
) -> AbstractAsyncContextManager[Gateway]:
    """A gateway that leaves no upstream alone for breaking the rules, so that there is more of that."""
    return gateway(
        *deployments,
        health=HealthSettings(enabled=False),
        limits=LimitSettings(close_timeout_s=0.2),
        rehome=RehomeSettings(enabled=rehome, timeout_s=0.2),
        server=ServerSettings(head_timeout_s=head_timeout_s),
        told=Unheard(),
    )


def run(loop: str, main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main)


async def crowd(numbers: Iterable[int], one: Callable[[int], Awaitable[None]]) -> None:
    """Have a peer for each of *numbers*, some of them at once."""
    coming = iter(numbers)

    async def some() -> None:
        for number in coming:
            await one(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(some())


async def say_in_pieces(writer: asyncio.StreamWriter, said: bytes, rng: random.Random) -> None:
    """Send it cut anywhere, or at once."""
    cuts = sorted(rng.randrange(len(said) + 1) for _ in range(rng.randrange(4)))
    for start, end in zip([0, *cuts], [*cuts, len(said)], strict=True):
        if not writer.is_closing():
            writer.write(said[start:end])
        await asyncio.sleep(0)


async def status(reader: asyncio.StreamReader) -> bytes:
    """Return the status that a request is answered with; nothing where the other side leaves instead."""
    try:
        return (await reader.readline())[9:12]
    except OSError:
        return b""


async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rng: random.Random) -> None:
    """Most say that they are done and hear the other side out; some close at once, or cut."""
    try:
        if rng.random() < 0.7 and not writer.is_closing():
            writer.write_eof()
            await reader.read(-1)
    except OSError:  # the other side has left before
        pass
    finally:
        if rng.random() < 0.5:
            writer.transport.abort()
        else:
            writer.close()


@asynccontextmanager
async def hostile(behave: Visit) -> AsyncIterator[str]:
    """An upstream of bytes; yields its base URL."""
    visits: set[asyncio.Future[None]] = set()

    def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.ensure_future(behave(reader, writer))
        visits.add(visit)  # asyncio itself may forget it before it has ended
        visit.add_done_callback(visits.discard)

    server = await asyncio.start_server(visited, "127.0.0.1", 0, backlog=1024)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


def tell(case: str, made: int, what: str, loop: str, began: float, more: str = "") -> None:
    figures.info(
        "figure: %s %s mutated %s, %s lane, %s: 0 crashes, 0 complaints, nothing left%s (%.0f s)",
        case,
        f"{made:,}",
        what,
        support.LANE,
        loop,
        more,
        time.perf_counter() - began,
    )
