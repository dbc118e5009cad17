"""A simulator that ends while clients are arriving."""

import asyncio
import contextlib
import gc
import socket

import pytest
from yarl import URL

from realtime_lb.simulator import Simulator


@pytest.mark.parametrize("rounds_of_the_loop", range(6))
def test_it_leaves_no_socket_behind(rounds_of_the_loop: int) -> None:
    """Wherever they are between the kernel and a protocol; what nobody closes is an error in tests."""

    async def arrive() -> None:
        async with Simulator() as simulator:
            address = ("127.0.0.1", URL(simulator.base_url).port)
            clients = [socket.socket() for _ in range(3)]
            for client in clients:
                client.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    client.connect(address)
            for _ in range(rounds_of_the_loop):
                await asyncio.sleep(0)
        for client in clients:
            client.close()

    asyncio.run(arrive())
    gc.collect()
