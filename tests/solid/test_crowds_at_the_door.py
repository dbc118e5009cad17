"""Connections are taken some at a time, so that opens are cheap, and not all at once, so that calls go on."""

import asyncio
import contextlib
import logging
import socket

from realtime_lb.accepting import AT_ONCE, Accepting

CROWD = 2 * AT_ONCE + 5


async def test_a_crowd_is_taken_in_groups_between_which_others_have_their_turn() -> None:
    goodbyes: list[socket.socket] = []

    async def welcome(client: socket.socket) -> None:
        goodbyes.append(client)
        client.close()

    with contextlib.ExitStack() as crowd, socket.create_server(("127.0.0.1", 0), backlog=CROWD) as listening:
        listening.setblocking(False)
        for _ in range(CROWD):
            crowd.enter_context(socket.create_connection(listening.getsockname()))
        accepting = Accepting(welcome, logging.getLogger("test"))
        accepting.listen(listening)
        groups = []
        while len(goodbyes) < CROWD:
            before = len(goodbyes)
            await asyncio.sleep(0)
            groups.append(len(goodbyes) - before)
        await accepting.aclose()
    assert [size for size in groups if size] == [AT_ONCE, AT_ONCE, 5]
