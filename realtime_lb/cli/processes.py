"""What the commands that stay up share: a loop, a signal to end by, and a port that may be taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TypeVar

from attrs import frozen

from realtime_lb.cli.failures import cannot_listen
from realtime_lb.server import wait_for_signal

__all__ = ["Loop", "best_loop", "entered_listening", "until_signal"]

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
