"""What every `Connection` must do: run these checks over your own transport."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType
from typing import TypeAlias

from realtime_lb.abc import Connection
from realtime_lb.testing.deliveries import DELIVERIES
from realtime_lb.testing.endings import ENDINGS

__all__ = ["CONNECTION_CHECKS", "MakePair", "check_connections"]

MakePair: TypeAlias = Callable[[], AbstractAsyncContextManager[tuple[Connection, Connection]]]
"""Opens a fresh pair of connected connections, neither of them pumped."""

Check: TypeAlias = Callable[[Connection, Connection], Awaitable[None]]

PATIENCE_S = 20.0
"""No check comes near it; a connection that hangs is told from one that works."""


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


CONNECTION_CHECKS: Mapping[str, Check] = MappingProxyType(
    {check.__name__.strip("_"): check for check in (*DELIVERIES, *ENDINGS)}
)
"""By name, for a test that runs each on its own."""
