"""Waiting for something, but not for ever."""

from __future__ import annotations

import asyncio

__all__ = ["comes"]


async def comes(event: asyncio.Event, at_s: float | None) -> bool:
    """Wait for *event* until *at_s*, of the loop's time, or for ever; say whether it came."""
    try:
        async with asyncio.timeout_at(at_s):
            await event.wait()
    except TimeoutError:
        pass
    return event.is_set()
