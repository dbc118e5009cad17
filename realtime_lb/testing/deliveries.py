"""What a `Connection` promises of the frames that go over it."""

from __future__ import annotations

import asyncio
import random

from realtime_lb.abc import Connection, Splice
from realtime_lb.count import Count
from realtime_lb.frames import Frame, Opcode
from realtime_lb.testing.connection_ends import Reader, fill

__all__ = ["DELIVERIES"]

_SMALL = b"s" * 1_024
_AT_ONCE = 8
"""Small ones: one read takes them, and a connection that has yet to hear more has no buffer for all."""
_IN_HEAPS = 2_000
_HEAP = 60
_STOPPED_AT = 0.1
"""Of these many frames, in heaps smaller than that, the receiver stops at this part."""


async def _frames_arrive_unchanged(near: Connection, far: Connection) -> None:
    payloads = [b"", b"a", b"\x00\xff" * 70, "né — ☎".encode(), b"y" * 70_000, b"z" * 300_000]
    sent = [Frame(opcode, payload) for payload in payloads for opcode in Opcode]
    for source, sink in ((near, far), (far, near)):
        reader = Reader(sink)
        for frame in sent:
            source.write(frame)
        assert await reader.received(len(sent)) == sent, "frames came changed or out of order"


async def _a_redirected_connection_delivers_elsewhere(near: Connection, far: Connection) -> None:
    first: list[bytes] = []
    later: list[bytes] = []
    all_here = asyncio.Event()

    def take_later(frame: Frame) -> None:
        later.append(bytes(frame.payload))
        if len(later) == 2:
            all_here.set()

    def take(frame: Frame) -> None:
        first.append(bytes(frame.payload))
        far.redirect(take_later)

    far.redirect(take_later)  # which does nothing before it is pumped
    pumping = asyncio.create_task(far.pump(take))
    for payload in (b"1", b"2", b"3"):
        near.write(Frame(Opcode.TEXT, payload))
    await all_here.wait()
    assert (first, later) == ([b"1"], [b"2", b"3"]), "frames were delivered to whom they no longer belong"
    far.abort()
    await pumping
    far.redirect(take)


async def _a_spliced_message_goes_one_way_or_the_other(near: Connection, far: Connection) -> None:
    """It may be written to the sink, here back to where it came from, or delivered."""
    delivered, told, count = list[bytes](), list[bytes](), Count()
    ended = asyncio.Event()
    payloads = [b'{"type":"a","n":%d}' % number for number in range(10)]

    def see(payload: bytes | memoryview) -> None:
        told.append(bytes(payload))

    def nothing() -> None:
        """There is always room, and nothing due."""

    def take(frame: Frame) -> None:
        payload = bytes(frame.payload)
        if payload == b"begin":
            far.redirect(take, Splice((b'{"type":"a"',), count, see, see, far, nothing, nothing))
        elif payload == b"end":
            ended.set()
        else:
            delivered.append(payload)

    back = Reader(near)
    pumping = asyncio.create_task(far.pump(take))
    for payload in (b"begin", *payloads, b"end"):
        near.write(Frame(Opcode.TEXT, payload))
    await ended.wait()
    came_back = [bytes(frame.payload) for frame in await back.received(count.frames)]
    assert sorted(came_back + delivered) == sorted(payloads), "a message was lost, or went both ways"
    assert (came_back, delivered) == (told, [p for p in payloads if p not in told]), "they came out of order"
    assert count.bytes == sum(map(len, told)), "what was written to the sink was not counted so"
    far.abort()
    await pumping


async def _a_memoryview_is_only_needed_during_the_call(near: Connection, far: Connection) -> None:
    reader = Reader(far)
    buffer = bytearray(b"first")
    near.write(Frame(Opcode.TEXT, memoryview(buffer)))
    buffer[:] = b"later"
    assert await reader.received(1) == [Frame(Opcode.TEXT, b"first")], "the payload was read after write()"


async def _write_says_no_and_tells_of_room_once(near: Connection, far: Connection) -> None:
    told = asyncio.Event()
    times = 0

    def on_writable() -> None:
        nonlocal times
        times += 1
        told.set()

    near.on_writable = on_writable
    written = await fill(near)
    assert times == 0, "on_writable was called although nobody reads"
    taken_before = near.taken_bytes
    reader = Reader(far)
    await told.wait()
    await reader.received(written)
    assert near.taken_bytes > taken_before, "taken_bytes did not grow, although the peer took all"
    await asyncio.sleep(0)
    assert times == 1, f"on_writable was called {times} times after one refusal"


async def _a_paused_connection_delivers_nothing(near: Connection, far: Connection) -> None:
    far.pause()
    far.pause()
    reader = Reader(far)
    written = await fill(near)
    assert not reader.frames, "frames were delivered while paused"
    far.resume()
    await reader.received(written)


async def _a_pause_stops_what_flows(near: Connection, far: Connection) -> None:
    reader = Reader(far)
    near.write(Frame(Opcode.TEXT, b"first"))
    await reader.received(1)
    far.pause()
    written = await fill(near)
    assert len(reader.frames) == 1, "a frame was delivered that had been written after the pause"
    far.resume()
    await reader.received(1 + written)


async def _a_pause_keeps_nothing_back(near: Connection, far: Connection) -> None:
    """What had come with the message at which it paused comes when it resumes, although nothing follows."""
    reader = Reader(far)
    near.write(Frame(Opcode.TEXT, b"first"))
    await reader.received(1)  # of what follows nothing is read with the handshake

    def pause_and_take(frame: Frame) -> None:
        far.pause()
        reader.take(frame)

    far.redirect(pause_and_take)
    for _ in range(_AT_ONCE):
        near.write(Frame(Opcode.BINARY, _SMALL))
    await reader.received(2)
    far.redirect(reader.take)
    far.resume()
    await reader.received(1 + _AT_ONCE)


async def _order_outlasts_pauses(near: Connection, far: Connection) -> None:
    """Of texts and binaries in heaps, whose receiver stops in their midst and goes on a little later."""
    chance, loop = random.Random(1), asyncio.get_running_loop()  # noqa: S311  # the same one each time
    reader = Reader(far)

    def take(frame: Frame) -> None:
        reader.take(frame)
        if chance.random() < _STOPPED_AT:
            far.pause()
            loop.call_soon(loop.call_soon, far.resume)

    near.write(Frame(Opcode.TEXT, b"first"))
    await reader.received(1)
    far.redirect(take)
    sent = [Frame(chance.choice([*Opcode, Opcode.TEXT, Opcode.TEXT]), b"%d" % n) for n in range(_IN_HEAPS)]
    left = sent.copy()
    while left:
        heap = chance.randrange(1, _HEAP)
        for frame in left[:heap]:
            near.write(frame)
        left = left[heap:]
        await asyncio.sleep(0)
    assert (await reader.received(1 + len(sent)))[1:] == sent, "frames came out of order"


DELIVERIES = (
    _frames_arrive_unchanged,
    _a_redirected_connection_delivers_elsewhere,
    _a_spliced_message_goes_one_way_or_the_other,
    _a_memoryview_is_only_needed_during_the_call,
    _write_says_no_and_tells_of_room_once,
    _a_paused_connection_delivers_nothing,
    _a_pause_stops_what_flows,
    _a_pause_keeps_nothing_back,
    _order_outlasts_pauses,
)
