"""A connection that nobody has taken yet, and that its upstream ends, is ended as any other is."""

import asyncio

import pytest

from tests.support import SESSION_CREATED, Websocket, deployment, gateway, upstream

pytestmark = pytest.mark.usefixtures("each_lane")


async def test_an_upstream_that_ends_an_idle_session_has_its_goodbye_answered() -> None:
    answers: asyncio.Queue[int | None] = asyncio.Queue(8)

    async def greet_and_leave(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        if answers.empty():
            await websocket.close(code=1001)
            await answers.put(websocket.close_code)
        else:
            await websocket.receive()

    async with (
        upstream(greet_and_leave) as url,
        gateway(deployment("a", url, warm=1)) as gate,
        gate.router,
        asyncio.timeout(5),
    ):
        assert await answers.get() in {1000, 1001}
