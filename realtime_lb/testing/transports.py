"""What every `Connection` must do: run these checks over your own transport."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType
from typing import TypeAlias

from realtime_lb.abc import Connection, Splice
from realtime_lb.count import Count
from realtime_lb.frames import Close, Frame, Opcode

__all__ = ["CONNECTION_CHECKS", "MakePair", "check_connections"]

MakePair: TypeAlias = Callable[[], AbstractAsyncContextManager[tuple[Connection, Connection]]]
"""Opens a fresh pair of connected connections, neither of them pumped."""

Check: TypeAlias = Callable[[Connection, Connection], Awaitable[None]]

PATIENCE_S = 20.0
"""No check comes near it; a connection that hangs is told from one that works."""

_CAP_BYTES = 1024 * 1024
_CHUNK = b"x" * 16_384
_UNDER_WAY = 64
_SMALL = b"s" * 1_024
_AT_ONCE = 8
"""Small ones: one read takes them, and a connection that has yet to hear more has no buffer for all."""
_MOST_CHUNKS = 4_096
"""64 MiB: more than any socket buffers, so a connection that never says no is found out."""


class _Reader:
    """Pumps a connection and keeps what comes."""

    def __init__(self, connection: Connection) -> None:
        self.frames: list[Frame] = []
        self._news = asyncio.Event()
        self.ended = asyncio.create_task(connection.pump(self.take))

    def take(self, frame: Frame) -> None:
        self.frames.append(frame.kept())
        self._news.set()

    async def received(self, count: int) -> list[Frame]:
        while len(self.frames) < count:
            self._news.clear()
            await self._news.wait()
        return self.frames


async def check_connections(make_pair: MakePair) -> None:
    """Run every check on a fresh pair.

    Args:
        make_pair: Opens one. Both ends should have a cap of 1 MiB a message and a close deadline under 5 s.

    Raises:
        AssertionError: Names the promise that is not kept.
    """
    for name, check in CONNECTION_CHECKS.items():
        async with make_pair() as (near, far):
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await check(near, far)
            except TimeoutError:
                raise AssertionError(f"{name}: nothing happened for {PATIENCE_S:g} s") from None
            finally:
                near.abort()
                far.abort()


async def _frames_arrive_unchanged(near: Connection, far: Connection) -> None:
    payloads = [b"", b"a", b"\x00\xff" * 70, "né — ☎".encode(), b"y" * 70_000, b"z" * 300_000]
    sent = [Frame(opcode, payload) for payload in payloads for opcode in Opcode]
    for source, sink in ((near, far), (far, near)):
        reader = _Reader(sink)
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

    def take(frame: Frame) -> None:
        payload = bytes(frame.payload)
        if payload == b"begin":
            far.redirect(take, Splice((b'{"type":"a"',), count, see, far, lambda: None))
        elif payload == b"end":
            ended.set()
        else:
            delivered.append(payload)

    back = _Reader(near)
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
    reader = _Reader(far)
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
    written = await _fill(near)
    assert times == 0, "on_writable was called although nobody reads"
    taken_before = near.taken_bytes
    reader = _Reader(far)
    await told.wait()
    await reader.received(written)
    assert near.taken_bytes > taken_before, "taken_bytes did not grow, although the peer took all"
    await asyncio.sleep(0)
    assert times == 1, f"on_writable was called {times} times after one refusal"


async def _fill(connection: Connection) -> int:
    for written in range(1, _MOST_CHUNKS + 1):
        if not connection.write(Frame(Opcode.BINARY, _CHUNK)):
            return written
        await asyncio.sleep(0)
    raise AssertionError("write() never returned False, though nobody reads")


async def _a_paused_connection_delivers_nothing(near: Connection, far: Connection) -> None:
    far.pause()
    far.pause()
    reader = _Reader(far)
    written = await _fill(near)
    assert not reader.frames, "frames were delivered while paused"
    far.resume()
    await reader.received(written)


async def _a_pause_keeps_nothing_back(near: Connection, far: Connection) -> None:
    """What had come with the message at which it paused comes when it resumes, although nothing follows."""
    reader = _Reader(far)
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


async def _a_close_comes_after_the_frames_before_it(near: Connection, far: Connection) -> None:
    ours, theirs = _Reader(near), _Reader(far)
    near.write(Frame(Opcode.TEXT, b"1"))
    near.write(Frame(Opcode.TEXT, b"2"))
    closing = asyncio.create_task(near.close(4001, "why"))
    assert await theirs.ended == Close(4001, "why"), "the peer did not get the code and the reason"
    assert len(theirs.frames) == 2, "frames before the close were lost"
    await far.close(4001)
    await closing
    await ours.ended


async def _a_close_survives_data_under_way(near: Connection, far: Connection) -> None:
    ours, theirs = _Reader(near), _Reader(far)
    for _ in range(_UNDER_WAY):
        far.write(Frame(Opcode.BINARY, _CHUNK))
    closing = asyncio.create_task(near.close(1001, "bye"))
    end = await theirs.ended
    await far.close()
    await closing
    await ours.ended
    assert end.code == 1001, f"the peer saw {end.code}: unread data turned the goodbye into a reset"


async def _both_may_close_at_once(near: Connection, far: Connection) -> None:
    ours, theirs = _Reader(near), _Reader(far)
    await asyncio.gather(near.close(1000), far.close(1001))
    await ours.ended
    await theirs.ended


async def _closing_again_or_writing_after_is_nothing(near: Connection, far: Connection) -> None:
    theirs = _Reader(far)
    closing = asyncio.create_task(near.close(1000))
    await theirs.ended
    await far.close()
    await closing
    await near.close(1011)
    assert near.write(Frame(Opcode.TEXT, b"late")), "write() on an ended connection must return True"
    near.pause()
    near.resume()
    near.abort()


async def _an_abort_is_a_loss_to_the_peer(near: Connection, far: Connection) -> None:
    ours, theirs = _Reader(near), _Reader(far)
    near.abort()
    near.abort()
    assert (await theirs.ended).code == 1006, "the peer of an aborted connection must see 1006"
    await ours.ended


async def _a_cancelled_pump_can_still_close(near: Connection, far: Connection) -> None:
    ours, theirs = _Reader(near), _Reader(far)
    await asyncio.sleep(0)
    ours.ended.cancel()
    await asyncio.wait({ours.ended})
    closing = asyncio.create_task(near.close(4002))
    assert (await theirs.ended).code == 4002, "a connection whose pump was cancelled did not close"
    await far.close()
    await closing


async def _a_failing_receiver_ends_the_connection(near: Connection, far: Connection) -> None:
    def fail(_frame: Frame) -> None:
        raise LookupError("the receiver's own")

    pumping = asyncio.create_task(near.pump(fail))
    theirs = _Reader(far)
    far.write(Frame(Opcode.TEXT, b"!"))
    await asyncio.wait({pumping})
    assert isinstance(pumping.exception(), LookupError), "the receiver's exception did not pass"
    assert (await theirs.ended).code == 1006, "the connection outlived its receiver's failure"


async def _a_message_over_the_cap_is_1009(near: Connection, far: Connection) -> None:
    ours, theirs = _Reader(near), _Reader(far)
    near.write(Frame(Opcode.BINARY, b"x" * _CAP_BYTES))
    first = asyncio.create_task(theirs.received(1))
    await asyncio.wait({first, theirs.ended}, return_when=asyncio.FIRST_COMPLETED)
    assert first.done(), "a message as large as the cap was not delivered"
    near.write(Frame(Opcode.BINARY, b"x" * (_CAP_BYTES + 1)))
    end = await theirs.ended
    assert end.code == 1009, f"a message over the cap ended the connection with {end.code}"
    assert len(theirs.frames) == 1, "a message over the cap was delivered"
    assert (await ours.ended).code == 1009, "the sender was not told that its message was too big"


async def _closing_a_peer_that_reads_nothing_ends(near: Connection, far: Connection) -> None:
    await _fill(near)
    await near.close(1008)
    far.abort()


async def _a_paused_connection_can_be_closed(near: Connection, far: Connection) -> None:
    ours, theirs = _Reader(near), _Reader(far)
    near.pause()
    for _ in range(_UNDER_WAY):
        far.write(Frame(Opcode.BINARY, _CHUNK))
    closing = asyncio.create_task(near.close(4003))
    end = await theirs.ended
    await far.close()
    await closing
    await ours.ended
    assert end.code == 4003, f"the peer saw {end.code} when a paused connection was closed"
    assert not ours.frames, "frames were delivered after close()"


async def _a_paused_connection_can_be_aborted(near: Connection, far: Connection) -> None:
    ours, theirs = _Reader(near), _Reader(far)
    await asyncio.sleep(0)
    near.pause()
    near.abort()
    await ours.ended
    assert (await theirs.ended).code == 1006, "the peer of an aborted connection must see 1006"


async def _pausing_an_aborted_connection_is_nothing(near: Connection, far: Connection) -> None:
    ours, theirs = _Reader(near), _Reader(far)
    near.pause()
    for _ in range(_UNDER_WAY):
        far.write(Frame(Opcode.BINARY, _CHUNK))
    await asyncio.sleep(0)
    near.abort()
    near.pause()
    await ours.ended
    assert not ours.frames, "frames were delivered after abort()"
    assert (await theirs.ended).code == 1006, "the peer of an aborted connection must see 1006"


async def _who_closes_second_waits_for_the_first(near: Connection, far: Connection) -> None:
    ours, theirs = _Reader(near), _Reader(far)
    closing = [asyncio.create_task(near.close(code)) for code in (4004, 4005)]
    end = await theirs.ended
    await far.close()
    await asyncio.wait(closing)
    await ours.ended
    assert end.code == 4004, f"of two closes, the peer heard {end.code} and not the first"


async def _a_cancelled_close_aborts(near: Connection, far: Connection) -> None:
    await _fill(near)
    closing = asyncio.create_task(near.close(1000))
    for _ in range(10):
        await asyncio.sleep(0)
    done = closing.done()  # some transports have nothing to wait for
    closing.cancel()
    await asyncio.wait({closing})
    assert closing.cancelled() or done, "close() swallowed its cancellation"
    near.abort()
    assert (await _Reader(far).ended).code in {1000, 1006}, "the peer did not see the end"


CONNECTION_CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        check.__name__.strip("_"): check
        for check in (
            _frames_arrive_unchanged,
            _a_redirected_connection_delivers_elsewhere,
            _a_spliced_message_goes_one_way_or_the_other,
            _a_memoryview_is_only_needed_during_the_call,
            _write_says_no_and_tells_of_room_once,
            _a_paused_connection_delivers_nothing,
            _a_pause_keeps_nothing_back,
            _a_close_comes_after_the_frames_before_it,
            _a_close_survives_data_under_way,
            _both_may_close_at_once,
            _closing_again_or_writing_after_is_nothing,
            _an_abort_is_a_loss_to_the_peer,
            _a_cancelled_pump_can_still_close,
            _a_failing_receiver_ends_the_connection,
            _a_message_over_the_cap_is_1009,
            _closing_a_peer_that_reads_nothing_ends,
            _a_paused_connection_can_be_closed,
            _a_paused_connection_can_be_aborted,
            _pausing_an_aborted_connection_is_nothing,
            _who_closes_second_waits_for_the_first,
            _a_cancelled_close_aborts,
        )
    }
)
"""By name, for a test that runs each on its own."""
