"""What the commands that stay up share: a loop, a signal to end by, and a port that may be taken."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import TypeVar

from attrs import frozen

from realtime_lb.cli.failures import cannot_listen
from realtime_lb.server import wait_for_signal

__all__ = [
    "Loop",
    "Orders",
    "best_loop",
    "entered_listening",
    "share_one_heap",
    "spare_the_collector",
    "until_signal",
    "until_signals",
]

Entered = TypeVar("Entered")


@frozen
class Loop:
    """An event loop that can be had.

    Attributes:
        name: ``uvloop`` or ``asyncio``.
        factory: Makes one.
    """

    name: str
    factory: Callable[[], asyncio.AbstractEventLoop]


def best_loop() -> Loop:
    """Return uvloop where it is installed, else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return Loop("asyncio", asyncio.new_event_loop)
    return Loop("uvloop", uvloop.new_event_loop)


def spare_the_collector() -> None:
    """Have Python's garbage collector never look again at what is there now, all modules among it.

    Where many clients come and go it runs over everything, and 40 ms of modules are 40 ms in which nobody's
    audio moves. Only a process of its own calls this.
    """
    gc.collect()
    gc.freeze()


_M_ARENA_MAX = -8  # glibc's malloc.h


def share_one_heap() -> None:
    """Have glibc keep one heap for all threads, where it is glibc: its default sets 64 MiB aside for each.

    Who looks up a name would else die of a limit on address space (``ulimit -v``) that is not reached yet.
    Call it before there are threads.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


@asynccontextmanager
async def until_signal() -> AsyncIterator[asyncio.Task[None]]:
    """Catch SIGTERM and SIGINT while the block runs; yield a task that is done when one has come."""
    told = asyncio.create_task(wait_for_signal())
    await asyncio.sleep(0)  # from here on it listens, before anybody is told that we are up
    try:
        yield told
    finally:
        told.cancel()
        await asyncio.wait({told})


@frozen(eq=False)
class Orders:
    """The signals that tell a process to stop.

    Attributes:
        first: Which one came; done when it did.
        again: Which one came after it.
    """

    first: asyncio.Future[signal.Signals]
    again: asyncio.Future[signal.Signals]

    def take(self, number: signal.Signals) -> None:
        """Note that *number* came."""
        for order in (self.first, self.again):
            if not order.done():
                order.set_result(number)
                return

    def stop_now(self) -> None:
        """Have it as if two had come."""
        for _ in range(2):
            self.take(signal.SIGTERM)


@asynccontextmanager
async def until_signals() -> AsyncIterator[Orders]:
    """Catch SIGTERM and SIGINT while the block runs: the first, and one more. The third ends the process."""
    loop = asyncio.get_running_loop()
    orders = Orders(loop.create_future(), loop.create_future())
    numbers = (signal.SIGTERM, signal.SIGINT)

    def forget(_order: object = None) -> None:
        for number in numbers:
            loop.remove_signal_handler(number)

    for number in numbers:
        loop.add_signal_handler(number, orders.take, number)
    orders.again.add_done_callback(forget)
    try:
        yield orders
    finally:
        forget()


@asynccontextmanager
async def entered_listening(
    door: AbstractAsyncContextManager[Entered], host: str, port: int
) -> AsyncIterator[Entered]:
    """Enter *door*, whose start may fail for want of the port.

    Raises:
        CannotBeDone: It did.
    """
    async with AsyncExitStack() as stack:
        try:
            entered = await stack.enter_async_context(door)
        except OSError as error:
            raise cannot_listen(error, host, port) from None
        yield entered
