"""Waiting for something, but not for ever, and whose wait it was that was cancelled."""

from __future__ import annotations

import asyncio

__all__ = ["comes", "is_cancelled"]


async def comes(event: asyncio.Event, at_s: float | None) -> bool:
    """Wait for *event* until *at_s*, of the loop's time, or for ever; say whether it came."""
    try:
        async with asyncio.timeout_at(at_s):
            await event.wait()
    except TimeoutError:
        pass
    return event.is_set()


def is_cancelled() -> bool:
    """Say whether it is this task that is to end, and not another one that it waits for, or waits with."""
    task = asyncio.current_task()
    return task is None or bool(task.cancelling())
