"""Every built-in transport keeps every promise of `Connection`."""

import asyncio

import pytest

from realtime_lb.testing.transports import CONNECTION_CHECKS, PATIENCE_S, MakePair
from tests.transports.pairs import PAIRS


@pytest.mark.parametrize("check", CONNECTION_CHECKS)
@pytest.mark.parametrize("pair", PAIRS)
async def test_connection(pair: str, check: str) -> None:
    make_pair: MakePair = PAIRS[pair]
    async with make_pair() as (near, far):
        try:
            async with asyncio.timeout(PATIENCE_S):
                await CONNECTION_CHECKS[check](near, far)
        finally:
            near.abort()
            far.abort()
