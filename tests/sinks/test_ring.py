"""The ring in front of the sinks: nothing that a sink does reaches a session."""

import asyncio
import logging
from contextvars import ContextVar

import pytest

from realtime_lb.records import Record, SinkOverflowed
from realtime_lb.sinks import SinkRing
from realtime_lb.testing.clock import run_jumping


def nth(number: int) -> Record:
    """Any record will do; these can be told apart."""
    return SinkOverflowed(dropped=1_000 + number)


def numbers(records: list[Record]) -> list[int]:
    return [r.dropped - 1_000 for r in records if isinstance(r, SinkOverflowed)]


class Notes(list[Record]):
    """A sink that keeps what it gets."""

    def __call__(self, record: Record) -> None:
        self.append(record)


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_every_sink_gets_every_record_in_order_but_not_at_once() -> None:
    """Telling is an append; the sinks run when the session has given up the loop."""
    first = Notes()
    second = Notes()
    ring = SinkRing([first, second])
    for number in range(3):
        ring.emit(nth(number))
    assert first == []
    await turns(1)
    assert numbers(first) == numbers(second) == [0, 1, 2]


async def test_a_long_queue_is_delivered_over_several_turns_of_the_loop() -> None:
    """So that audio frames pass in between."""
    got = Notes()
    ring = SinkRing([got])
    for number in range(100):
        ring.emit(nth(number))
    await turns(1)
    after_one_turn = len(got)
    await turns(10)
    assert 0 < after_one_turn < 100
    assert numbers(got) == list(range(100))


async def test_a_full_ring_counts_what_it_loses_and_says_so_once_there_is_room() -> None:
    got = Notes()
    ring = SinkRing([got], capacity=2)
    for number in range(5):
        ring.emit(nth(number))
    assert (ring.dropped, repr(ring)) == (3, "<SinkRing 2 of 2 waiting, 3 dropped>")
    await turns(2)
    assert got == [nth(0), nth(1), SinkOverflowed(dropped=3)]
    ring.emit(nth(5))
    await turns(2)
    assert got[3:] == [nth(5)]
    assert ring.dropped == 3


async def test_flush_delivers_what_is_left_before_it_returns() -> None:
    """At shutdown there is no later turn of the loop."""
    got = Notes()
    ring = SinkRing([got], capacity=99)
    for number in range(100):
        ring.emit(nth(number))
    ring.flush()
    assert got == [*(nth(n) for n in range(99)), SinkOverflowed(dropped=1)]
    await turns(2)
    assert len(got) == 100


async def test_a_sink_that_raises_is_reported_once_and_harms_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    got = Notes()

    def broken(record: Record) -> None:
        raise LookupError("disk full")

    ring = SinkRing([broken, got, broken])
    for number in range(3):
        ring.emit(nth(number))
    with caplog.at_level(logging.ERROR):
        await turns(2)
    assert numbers(got) == [0, 1, 2]
    assert [r.exc_info is not None for r in caplog.records] == [True, True]  # one for each of the two


async def test_a_sink_may_emit_records_without_holding_up_a_flush() -> None:
    """A sink that answers each record with another would otherwise never let a shutdown end."""
    got = Notes()
    ring: SinkRing

    def echo(record: Record) -> None:
        got.append(record)
        ring.emit(record)

    ring = SinkRing([echo], capacity=4)
    ring.emit(nth(0))
    ring.flush()
    assert len(got) == 1


async def test_an_interrupted_delivery_goes_on_later() -> None:
    """What is not an Exception, such as a cancellation inside a sink, passes; the rest still comes."""
    got = Notes()
    unhandled: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: unhandled.append(context["exception"])
    )

    def sink(record: Record) -> None:
        if record == nth(0):
            raise asyncio.CancelledError
        got.append(record)

    ring = SinkRing([sink])
    ring.emit(nth(0))
    ring.emit(nth(1))
    await turns(3)
    assert numbers(got) == [1]
    assert [type(u) for u in unhandled] == [asyncio.CancelledError]


def test_records_may_be_gathered_for_a_while() -> None:
    """What makes lines of them is quicker with many at once, and a long queue still lets others through."""
    got = Notes()
    ring = SinkRing([got], gather_s=0.5)

    async def story() -> None:
        ring.emit(nth(0))
        await asyncio.sleep(0.4)
        for number in range(1, 100):
            ring.emit(nth(number))
        assert got == []
        await asyncio.sleep(0.1)
        await turns(1)
        assert 0 < len(got) < 100
        await turns(10)

    run_jumping(story())
    assert numbers(got) == list(range(100))


def test_a_ring_in_a_hurry_gathers_no_more() -> None:
    got = Notes()
    ring = SinkRing([got], gather_s=0.5)

    async def story() -> None:
        ring.hurry()
        ring.emit(nth(0))
        await turns(1)

    run_jumping(story())
    assert numbers(got) == [0]


def test_each_record_is_told_in_its_own_context() -> None:
    """So what an application has bound to a call is on the lines of that call, whoever else was told of."""
    caller: ContextVar[str] = ContextVar("caller")
    got: list[str] = []
    ring = SinkRing([lambda _record: got.append(caller.get())], gather_s=0.5)

    async def call(name: str) -> None:
        caller.set(name)
        ring.emit(nth(0))

    async def story() -> None:
        await asyncio.gather(*map(call, "abc"))
        await asyncio.sleep(1)

    run_jumping(story())
    assert got == ["a", "b", "c"]


def test_records_wait_where_there_is_no_event_loop() -> None:
    got = Notes()
    ring = SinkRing([got])
    ring.emit(nth(0))
    assert got == []

    async def inside() -> None:
        ring.emit(nth(1))
        await turns(1)

    asyncio.run(inside())
    assert numbers(got) == [0, 1]


def test_a_loop_that_ended_before_the_delivery_does_not_silence_the_ring() -> None:
    got = Notes()
    ring = SinkRing([got])

    async def emit_and_leave() -> None:
        ring.emit(nth(0))

    loop = asyncio.new_event_loop()
    task = loop.create_task(emit_and_leave())
    task.add_done_callback(lambda _: None)
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    assert got == []

    async def later() -> None:
        ring.emit(nth(1))
        await turns(1)

    asyncio.run(later())
    assert numbers(got) == [0, 1]
