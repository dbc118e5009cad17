"""What a `Connection` promises of its end."""

from __future__ import annotations

import asyncio

from realtime_lb.abc import Connection
from realtime_lb.frames import Close, Frame, Opcode
from realtime_lb.testing.connection_ends import CHUNK, Reader, fill

__all__ = ["ENDINGS"]

_CAP_BYTES = 1024 * 1024
_UNDER_WAY = 64


async def _a_close_comes_after_the_frames_before_it(near: Connection, far: Connection) -> None:
    ours, theirs = Reader(near), Reader(far)
    near.write(Frame(Opcode.TEXT, b"1"))
    near.write(Frame(Opcode.TEXT, b"2"))
    closing = asyncio.create_task(near.close(4001, "why"))
    assert await theirs.ended == Close(4001, "why"), "the peer did not get the code and the reason"
    assert len(theirs.frames) == 2, "frames before the close were lost"
    await far.close(4001)
    await closing
    await ours.ended


async def _a_close_survives_data_under_way(near: Connection, far: Connection) -> None:
    ours, theirs = Reader(near), Reader(far)
    for _ in range(_UNDER_WAY):
        far.write(Frame(Opcode.BINARY, CHUNK))
    closing = asyncio.create_task(near.close(1001, "bye"))
    end = await theirs.ended
    await far.close()
    await closing
    await ours.ended
    assert end.code == 1001, f"the peer saw {end.code}: unread data turned the goodbye into a reset"


async def _both_may_close_at_once(near: Connection, far: Connection) -> None:
    ours, theirs = Reader(near), Reader(far)
    await asyncio.gather(near.close(1000), far.close(1001))
    await ours.ended
    await theirs.ended


async def _closing_again_or_writing_after_is_nothing(near: Connection, far: Connection) -> None:
    theirs = Reader(far)
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
    ours, theirs = Reader(near), Reader(far)
    near.abort()
    near.abort()
    assert (await theirs.ended).code == 1006, "the peer of an aborted connection must see 1006"
    await ours.ended


async def _a_cancelled_pump_can_still_close(near: Connection, far: Connection) -> None:
    ours, theirs = Reader(near), Reader(far)
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
    theirs = Reader(far)
    far.write(Frame(Opcode.TEXT, b"!"))
    await asyncio.wait({pumping})
    assert isinstance(pumping.exception(), LookupError), "the receiver's exception did not pass"
    assert (await theirs.ended).code == 1006, "the connection outlived its receiver's failure"


async def _a_message_over_the_cap_is_1009(near: Connection, far: Connection) -> None:
    ours, theirs = Reader(near), Reader(far)
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
    await fill(near)
    await near.close(1008)
    far.abort()


async def _a_paused_connection_can_be_closed(near: Connection, far: Connection) -> None:
    ours, theirs = Reader(near), Reader(far)
    near.pause()
    for _ in range(_UNDER_WAY):
        far.write(Frame(Opcode.BINARY, CHUNK))
    closing = asyncio.create_task(near.close(4003))
    end = await theirs.ended
    await far.close()
    await closing
    await ours.ended
    assert end.code == 4003, f"the peer saw {end.code} when a paused connection was closed"
    assert not ours.frames, "frames were delivered after close()"


async def _a_paused_connection_can_be_aborted(near: Connection, far: Connection) -> None:
    ours, theirs = Reader(near), Reader(far)
    await asyncio.sleep(0)
    near.pause()
    near.abort()
    await ours.ended
    assert (await theirs.ended).code == 1006, "the peer of an aborted connection must see 1006"


async def _pausing_an_aborted_connection_is_nothing(near: Connection, far: Connection) -> None:
    ours, theirs = Reader(near), Reader(far)
    near.pause()
    for _ in range(_UNDER_WAY):
        far.write(Frame(Opcode.BINARY, CHUNK))
    await asyncio.sleep(0)
    near.abort()
    near.pause()
    await ours.ended
    assert not ours.frames, "frames were delivered after abort()"
    assert (await theirs.ended).code == 1006, "the peer of an aborted connection must see 1006"


async def _who_closes_second_waits_for_the_first(near: Connection, far: Connection) -> None:
    ours, theirs = Reader(near), Reader(far)
    closing = [asyncio.create_task(near.close(code)) for code in (4004, 4005)]
    end = await theirs.ended
    await far.close()
    await asyncio.wait(closing)
    await ours.ended
    assert end.code == 4004, f"of two closes, the peer heard {end.code} and not the first"


async def _a_cancelled_close_aborts(near: Connection, far: Connection) -> None:
    await fill(near)
    closing = asyncio.create_task(near.close(1000))
    for _ in range(10):
        await asyncio.sleep(0)
    done = closing.done()  # some transports have nothing to wait for
    closing.cancel()
    await asyncio.wait({closing})
    assert closing.cancelled() or done, "close() swallowed its cancellation"
    near.abort()
    assert (await Reader(far).ended).code in {1000, 1006}, "the peer did not see the end"


ENDINGS = (
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
