"""What a session may cost at worst is a formula of the settings: docs/explanation/memory.md."""

import asyncio
import gc
import logging
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from attrs import define
from yarl import URL

from benchmarks.scoreboard.raw import Raw, masked
from benchmarks.scoreboard.wire import CONTINUATION, TEXT
from realtime_lb import LimitSettings, RehomeSettings
from realtime_lb.frames import Frame, Opcode
from realtime_lb.journal import Journal
from realtime_lb.server.runner import MOST_HEAD_BYTES
from realtime_lb.testing import Door, FaultProxy, Faults, Way
from realtime_lb.transports.aiohttp_pace import MOST_EARLY_READ_BYTES
from realtime_lb.typing import Dialect
from tests.solid.raw_client import raw
from tests.solid.test_bombs import greet_and_listen, passage
from tests.support import SESSION_CREATED, Websocket, deployment, gateway, greet_and_echo, upstream

_figures = logging.getLogger("figures")
MIB = 1024 * 1024
STALLED = 20


async def shout(websocket: Websocket) -> None:
    chunk = '{"type":"x","pad":"%s"}' % ("x" * 65_000)
    await websocket.send_str(SESSION_CREATED)
    try:
        while True:
            await websocket.send_str(chunk)
    except (ConnectionError, asyncio.CancelledError):
        return


@define
class Cost:
    """What each of `STALLED` holds in Python's memory."""

    each_bytes: float = 0.0


@asynccontextmanager
async def costing() -> AsyncIterator[Cost]:
    """Run the block; what it says is true behind it, when nothing moves any more."""
    cost = Cost()
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield cost
        cost.each_bytes = (await traced_at_rest() - before) / STALLED
    finally:
        tracemalloc.stop()


async def traced_at_rest() -> int:
    """Return the traced memory when nothing moves any more. Nobody says so: it has stayed what it was."""
    last = still = 0
    while still < 6:
        await asyncio.sleep(0.05)
        now = tracemalloc.get_traced_memory()[0]
        still = still + 1 if abs(now - last) < STALLED * 1_024 else 0
        last = now
    return last


async def talk(client: Raw, message: bytes) -> None:
    while await client.say(message):
        pass


async def test_a_head_without_end_costs_what_two_of_its_size_do() -> None:
    """Whoever can connect may say one, with a key or without."""
    lines = (b"X-%d: %s\r\n" % (number, b"y" * 8_000) for number in range(MOST_HEAD_BYTES // 8_010))
    head = b"".join((b"GET /v1/realtime?model=voice HTTP/1.1\r\nHost: x\r\n", *lines))
    async with gateway(deployment("a", "http://127.0.0.1:1")) as gate, AsyncExitStack() as stack:

        async def knock() -> None:
            _, writer = await asyncio.open_connection("127.0.0.1", URL(gate.url).port)
            stack.callback(writer.close)
            writer.write(head)
            await writer.drain()

        await knock()  # what is made once is made
        async with costing() as cost:
            for _ in range(STALLED):
                await knock()
    _figures.info(
        "figure: C1 %d KiB for each of %d heads of %d bytes", cost.each_bytes // 1024, STALLED, len(head)
    )
    assert len(head) < cost.each_bytes <= 2 * (MOST_HEAD_BYTES + MOST_EARLY_READ_BYTES)


@pytest.mark.usefixtures("each_lane")
async def test_a_stalled_session_costs_a_mebibyte_and_a_message_at_most() -> None:
    """Measured here in Python's memory, ours and its upstream's; the kernel's buffers are the kernel's."""
    limits = LimitSettings(max_message_bytes=MIB, stall_timeout_s=60.0)
    async with (
        upstream(shout) as url,
        gateway(deployment("a", url), limits=limits, rehome=RehomeSettings(enabled=False)) as gate,
        AsyncExitStack() as stack,
        costing() as cost,
    ):
        for _ in range(STALLED):
            await stack.enter_async_context(raw(gate, receive_buffer_bytes=4_096))
    _figures.info("figure: C3 %d KiB for each of %d stalled", cost.each_bytes // 1024, STALLED)
    assert cost.each_bytes <= MIB + limits.max_message_bytes


@pytest.mark.usefixtures("each_lane")
async def test_a_session_whose_upstream_reads_nothing_costs_no_more() -> None:
    limits = LimitSettings(max_message_bytes=MIB, stall_timeout_s=60.0)
    message = masked(TEXT, b'{"type":"x","pad":"%s"}' % (b"x" * 65_000))

    async with (
        upstream(greet_and_echo) as url,
        FaultProxy(url) as network,
        gateway(deployment("a", network.url), limits=limits, rehome=RehomeSettings(enabled=False)) as gate,
        AsyncExitStack() as stack,
        asyncio.TaskGroup() as talking,
    ):
        clients = [await stack.enter_async_context(raw(gate)) for _ in range(STALLED)]
        for client in clients:
            await client.hears()
        network.faults = Faults(up=Way(stopped=True))
        async with costing() as cost:
            talks = [talking.create_task(talk(client, message)) for client in clients]
        for task in talks:
            task.cancel()
    _figures.info(
        "figure: C4 %d KiB for each of %d whose upstream is stalled", cost.each_bytes // 1024, STALLED
    )
    assert len(message) < cost.each_bytes <= MIB + limits.max_message_bytes


@pytest.mark.usefixtures("each_lane")
async def test_a_session_that_looks_for_another_upstream_holds_no_more_than_it_may() -> None:
    """Its client talks on meanwhile: one more `most_bytes` is held of it, and then it is not read."""
    limits = LimitSettings(max_message_bytes=MIB, stall_timeout_s=60.0)
    rehome = RehomeSettings(most_bytes=MIB // 2)
    message = masked(TEXT, b'{"type":"input_audio_buffer.append","audio":"%s"}' % (b"A" * 64_000))

    async with (
        upstream(greet_and_listen) as url,
        FaultProxy(url) as network,
        gateway(deployment("a", network.url), limits=limits, rehome=rehome) as gate,
        AsyncExitStack() as stack,
        asyncio.TaskGroup() as talking,
    ):
        clients = [await stack.enter_async_context(raw(gate)) for _ in range(STALLED)]
        for client in clients:
            await client.hears()
        network.faults = Faults(door=Door.IGNORE)
        network.cut()
        async with costing() as cost:
            talks = [talking.create_task(talk(client, message)) for client in clients]
        assert not gate.told.closed, "somebody was not waiting any more"
        for task in talks:
            task.cancel()
    _figures.info(
        "figure: C4 %d KiB for each of %d that look for an upstream", cost.each_bytes // 1024, STALLED
    )
    assert rehome.most_bytes < cost.each_bytes <= OWN_BYTES + 2 * rehome.most_bytes + limits.max_message_bytes


OWN_BYTES = 100 * 1024
"""Some tens of KiB of its own; here of both ends, which are in this process, too."""

WHOLE = masked(TEXT, b'{"type":"x","pad":"%s"}' % (b"x" * (MIB - 100)))
PART = len(WHOLE) * 9 // 10
BUFFER_BYTES = MIB * 9 // 4
"""For a message of a mebibyte, at worst: it doubles when nine tenths of it are filled."""


@pytest.mark.usefixtures("each_lane")
@pytest.mark.parametrize(
    ("said", "most_bytes"),
    [
        (b"", 0),
        (WHOLE[:PART], BUFFER_BYTES),
        (
            masked(TEXT, WHOLE[:PART], flags=0) + masked(CONTINUATION, WHOLE[:1_000], flags=0),
            MIB + BUFFER_BYTES,
        ),
    ],
    ids=["idle", "a message under way", "fragments under way"],
)
async def test_a_session_costs_what_it_holds(said: bytes, most_bytes: int) -> None:
    limits = LimitSettings(max_message_bytes=MIB)
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url), limits=limits, rehome=RehomeSettings(enabled=False)) as gate,
        AsyncExitStack() as stack,
    ):
        await (await stack.enter_async_context(raw(gate))).hears()  # what is made once is made
        async with costing() as cost:
            for _ in range(STALLED):
                client = await stack.enter_async_context(raw(gate))
                await client.hears()
                if said:
                    await client.say(said)
    _figures.info(
        "figure: C7 %d KiB for each of %d with %d bytes said", cost.each_bytes // 1024, STALLED, len(said)
    )
    assert len(said) <= cost.each_bytes <= OWN_BYTES + most_bytes


def test_a_journal_keeps_to_its_bound_whatever_it_is_told() -> None:
    """Many small events of which no upstream answers one are as good as few large ones."""
    most_bytes = 200_000
    journal = Journal(Dialect.GA, most_bytes=most_bytes)
    told = {
        "response.cancel": b'{"type":"response.cancel"}',
        "conversation.item.create": b'{"type":"conversation.item.create","item":{"content":[{},{},{},{}]}}',
        "input_audio_buffer.append": b'{"type":"input_audio_buffer.append","audio":""}',
    }
    for kind, payload in told.items():
        gc.collect()
        tracemalloc.start()
        try:
            for _ in range(20_000):
                journal.client_said(kind, bytearray(payload))  # type: ignore[arg-type]  # a buffer of its own
            taken = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert journal.kept_bytes <= most_bytes
        assert taken <= 2 * most_bytes, kind


@pytest.mark.parametrize("depth", [100, 480, 800, 940])
def test_no_depth_of_an_upstreams_event_ends_a_session(depth: int) -> None:
    ends = passage(Dialect.GA, Dialect.GA)
    text = b'{"audio":' * depth + b"1" + b"}" * depth
    for event in (
        b'{"type":"session.created","session":%s}' % text,
        b'{"type":"conversation.item.added","item":{"id":"i","type":"message","content":%s}}' % text,
        b'{"type":"error","error":{"type":"invalid_request_error","code":%s}}' % text,
    ):
        assert ends.from_upstream(Frame(Opcode.TEXT, event))
