"""Clients that read nothing any more."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import ClassVar

from benchmarks.rig.events import CREATED
from benchmarks.scoreboard.case import Case, Outcome, Size
from benchmarks.scoreboard.parties import Websocket, upstream
from benchmarks.scoreboard.raw import Raw, masked, raw
from benchmarks.scoreboard.stand import Stand
from benchmarks.scoreboard.wire import TEXT

__all__ = ["SilentReaders", "TalkingReaders"]

STALL_S, CLOSE_S = 3.0, 1.0
_SETTINGS = f"limits: {{stall_timeout_s: {STALL_S:g}, close_timeout_s: {CLOSE_S:g}}}"
_CHUNK = '{"type":"x","pad":"%s"}' % ("x" * 15_000)


class SilentReaders(Case):
    """They say nothing either."""

    id = "C3"
    title = "Clients read nothing any more"
    bar = f"their upstreams are told within the stall limit, here {STALL_S:g} s, and 1 s"
    talks: ClassVar[bool] = False

    async def run(self, stand: Stand, size: Size) -> Outcome:
        count = 10 if size is Size.SHORT else 200
        gone_s: list[float] = []
        over = asyncio.Event()

        async def shout(websocket: Websocket) -> None:
            await websocket.send_str(CREATED.decode())
            sending = asyncio.create_task(self._shout(websocket))
            async for _ in websocket:
                pass
            gone_s.append(time.monotonic())
            sending.cancel()
            await asyncio.wait({sending})
            if len(gone_s) == count:
                over.set()

        async with (
            upstream(shout) as url,
            stand.proxy(url, settings=_SETTINGS) as proxy,
            AsyncExitStack() as stack,
            asyncio.TaskGroup() as group,
        ):
            began_s = time.monotonic()
            readers = [
                await stack.enter_async_context(raw(proxy, receive_buffer_bytes=4_096)) for _ in range(count)
            ]
            opened_s = time.monotonic() - began_s
            talking = [group.create_task(self._talk(each)) for each in readers] if self.talks else []
            try:
                async with asyncio.timeout(STALL_S + 1.0 + opened_s):
                    await over.wait()
            except TimeoutError:
                pass
            let_go = len(gone_s)  # and not those that are when their clients leave
            for each in talking:
                each.cancel()
        return Outcome(f"{let_go} of {count} let go", holds=let_go == count)

    async def _shout(self, websocket: Websocket) -> None:
        try:
            while True:
                await websocket.send_str(_CHUNK)
        except ConnectionError:
            return

    async def _talk(self, reader: Raw) -> None:
        while await reader.say(masked(TEXT, b'{"type":"response.cancel"}')):
            await asyncio.sleep(0.2)


class TalkingReaders(SilentReaders):
    """They send an event every 200 ms, so that they look alive."""

    id = "C4"
    title = "Clients read nothing any more and send on"
    talks = True
