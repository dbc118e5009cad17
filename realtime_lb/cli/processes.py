"""What the commands that stay up share: a signal to end by, and a port that may be taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TypeVar

from realtime_lb.cli.failures import cannot_listen
from realtime_lb.server import wait_for_signal

__all__ = ["entered_listening", "until_signal"]

Entered = TypeVar("Entered")


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
