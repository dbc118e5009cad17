"""One live session: a websocket on one side, a `Dialogue` on the other, and three tasks between them."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Coroutine
from typing import Any

from aiohttp import WSMsgType, web

from realtime_lb.events import parse_event
from realtime_lb.simulator.conversation import Conversation
from realtime_lb.simulator.dialogue import Dialogue
from realtime_lb.simulator.dials import Dial
from realtime_lb.simulator.faults import Close, Cut, Plan, Stage
from realtime_lb.simulator.outlet import Ending, Outlet, SessionOver, hang_up
from realtime_lb.simulator.settings import SessionSettings
from realtime_lb.simulator.shape import Terms
from realtime_lb.typing import JsonObject

__all__ = ["SimulatedSession", "rest"]

_RECEIVED_KEPT = 1000
_EARLY_EVENTS = 1000
"""A client may speak before it hears us. So many events wait; then it has to."""

_GOING_AWAY = 1001


class SimulatedSession:
    """A session as the server holds it; it can still be read when it is over.

    Attributes:
        dial: The handshake that opened it.
        terms: What was agreed then: dialect, kind, model, id.
        received: The client's last 1,000 events, without their audio.
        close_code: How the websocket was closed; None while it is open or where it was cut.
    """

    def __init__(
        self,
        dial: Dial,
        dialogue: Dialogue,
        realtime_factor: float,
        lifetime_s: float,
        ping_s: float = math.inf,
    ) -> None:
        self.dial = dial
        self.terms: Terms = dialogue.terms
        self.received: deque[JsonObject] = deque(maxlen=_RECEIVED_KEPT)
        self.close_code: int | None = None
        self._dialogue = dialogue
        self._realtime_factor = realtime_factor
        self._lifetime_s = lifetime_s
        self._ping_s = ping_s
        self._turn = asyncio.Lock()
        self._work = asyncio.Event()
        self._opened = asyncio.Event()
        self._is_over = asyncio.Event()
        self._early: list[JsonObject | None] = []
        self._order: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    @property
    def id(self) -> str:
        """The session's id, as the client knows it."""
        return self.terms.session_id

    @property
    def conversation(self) -> Conversation:
        """The conversation as the server holds it."""
        return self._dialogue.conversation

    @property
    def settings(self) -> SessionSettings:
        """The settings in force, whatever the dialect."""
        return self._dialogue.settings

    def __repr__(self) -> str:
        return f"<SimulatedSession {self.id} {self.terms.dialect} items={len(self.conversation.items)}>"

    def end(self, ending: Ending) -> None:
        """Have the server end the session. Returns at once; does nothing when it is ending already."""
        if not self._order.done():
            self._order.set_result(ending)

    def expire(self) -> None:
        """Have the server end the session as if its time were over. Returns at once."""
        self._is_over.set()

    async def serve(self, request: web.BaseRequest, ws: web.WebSocketResponse, plan: Plan) -> None:
        """Live. Returns when the websocket is closed or cut; cancelling leaves it open."""
        outlet = Outlet(ws, plan.strikes())
        ending = await self._live(ws, outlet, plan.delay_s(Stage.FIRST_EVENT))
        match ending:
            case None:
                self.close_code = ws.close_code
            case Close():
                self.close_code = ending.code
                await ws.close(code=ending.code, message=ending.reason.encode())
            case Cut():
                hang_up(request, fin=ending.fin)

    async def _live(self, ws: web.WebSocketResponse, outlet: Outlet, delay_s: float) -> Ending | None:
        lives = (
            self._speak(outlet, delay_s),
            self._listen(ws, outlet),
            self._expire(outlet),
            self._ping(outlet),
            self._obey(),
        )
        tasks = [asyncio.create_task(_until_over(life)) for life in lives]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        endings = [task.result() for task in done]
        return next((ending for ending in endings if ending is not None), None)

    async def _speak(self, outlet: Outlet, delay_s: float) -> None:
        """Open the session, then say what the dialogue has to say, at its pace."""
        outlet.strike()
        await rest(delay_s)
        async with self._turn:
            await outlet.send(self._dialogue.open())
            self._opened.set()
            for event in self._early:
                await self._hear(event, outlet)
            self._early.clear()
        while True:
            await self._work.wait()
            async with self._turn:
                if not self._dialogue.busy:
                    self._work.clear()
                    continue
                step = self._dialogue.advance()
                await outlet.send(step.events)
            await rest(step.beat.audio_ms / 1000 / self._realtime_factor + step.beat.hold_s)

    async def _listen(self, ws: web.WebSocketResponse, outlet: Outlet) -> None:
        """Take what the client sends, until it leaves."""
        while True:
            message = await ws.receive()
            if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
                raise SessionOver(None)
            event = parse_event(message.data.encode()) if message.type is WSMsgType.TEXT else None
            self._remember(event)
            if not self._opened.is_set() and len(self._early) < _EARLY_EVENTS:
                self._early.append(event)
                continue
            await self._opened.wait()
            async with self._turn:
                await self._hear(event, outlet)

    async def _hear(self, event: JsonObject | None, outlet: Outlet) -> None:
        await outlet.send(self._dialogue.receive(event))
        if self._dialogue.busy:
            self._work.set()

    def _remember(self, event: JsonObject | None) -> None:
        if event is not None:
            self.received.append({name: value for name, value in event.items() if name != "audio"})

    async def _expire(self, outlet: Outlet) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if self._lifetime_s == math.inf else self._lifetime_s):
                await self._is_over.wait()
        async with self._turn:
            events = self._dialogue.expire(self._lifetime_s)
            await outlet.send(events)
        raise SessionOver(Close(code=_GOING_AWAY, reason=events[0]["error"]["message"]))

    async def _ping(self, outlet: Outlet) -> None:
        """Show that the connection is alive, at the opening and every so often, where the vendor does."""
        await self._opened.wait()
        while self._ping_s < math.inf:
            async with self._turn:
                await outlet.send(self._dialogue.ping(time.time_ns() // 1_000_000))
            await rest(self._ping_s)
        await rest(math.inf)

    async def _obey(self) -> None:
        raise SessionOver(await self._order)


async def _until_over(life: Coroutine[Any, Any, None]) -> Ending | None:
    try:
        await life
    except SessionOver as over:
        return over.ending
    return None


async def rest(delay_s: float) -> None:
    """Sleep, for good if *delay_s* is infinite. Yields even at 0, so that others get their turn."""
    if delay_s == math.inf:
        await asyncio.get_running_loop().create_future()
    await asyncio.sleep(delay_s)
