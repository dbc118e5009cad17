"""Waiting for something, but not for ever, and whose wait it was that was cancelled."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["comes", "first_of", "is_cancelled"]


async def comes(event: asyncio.Event, at_s: float | None) -> bool:
    """Wait for *event* until *at_s*, of the loop's time, or for ever; say whether it came."""
    try:
        async with asyncio.timeout_at(at_s):
            await event.wait()
    except TimeoutError:
        pass
    return event.is_set()


async def first_of(*ends: asyncio.Future[Any]) -> None:
    """Wait until one of *ends* is done, in whichever way. Cancelling the wait cancels none of them.

    As long as it waits, `asyncio.wait` keeps two sets, two coroutines and a closure for the same: a session
    waits so from its beginning to its end, and there are thousands.
    """
    news = asyncio.get_running_loop().create_future()

    def tell(_end: asyncio.Future[Any]) -> None:
        if not news.done():
            news.set_result(None)

    for end in ends:
        end.add_done_callback(tell)
    try:
        await news
    finally:
        for end in ends:
            end.remove_done_callback(tell)


def is_cancelled() -> bool:
    """Say whether it is this task that is to end, and not another one that it waits for, or waits with."""
    task = asyncio.current_task()
    return task is None or bool(task.cancelling())
