"""The HTTP side: a request comes in, and is refused, upgraded and refused, or becomes a session."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import time
from collections import deque
from collections.abc import Iterator, Mapping

from aiohttp import web
from attrs import define, field, frozen

from realtime_lb.simulator.admission import admit
from realtime_lb.simulator.beta import BetaShape
from realtime_lb.simulator.dialogue import Dialogue
from realtime_lb.simulator.dials import Dial, read_dial
from realtime_lb.simulator.face import Face
from realtime_lb.simulator.failures import failure
from realtime_lb.simulator.faults import (
    ErrorFirst,
    FaultScript,
    Occasion,
    Plan,
    Refuse,
    Stage,
)
from realtime_lb.simulator.ga import GaShape
from realtime_lb.simulator.ids import Ids
from realtime_lb.simulator.live import SimulatedSession, rest
from realtime_lb.simulator.outlet import Outlet, SessionOver
from realtime_lb.simulator.shape import Shape, Terms
from realtime_lb.simulator.verdicts import Admitted, HouseRules, HttpRefusal, LateRefusal
from realtime_lb.simulator.voice_live import VoiceLiveShape
from realtime_lb.simulator.xai import XaiShape
from realtime_lb.typing import Dialect, JsonObject

__all__ = ["Door", "SessionOptions"]

_DIALS_KEPT = 10_000
_PAST_SESSIONS_KEPT = 64
_CLOSE_TIMEOUT_S = 5.0
_SHAPES: Mapping[tuple[Face, Dialect], type[Shape]] = {
    (Face.OPENAI, Dialect.GA): GaShape,
    (Face.AZURE, Dialect.GA): GaShape,
    (Face.AZURE, Dialect.BETA): BetaShape,
    (Face.VOICE_LIVE, Dialect.BETA): VoiceLiveShape,
    (Face.XAI, Dialect.GA): XaiShape,
}


@frozen(kw_only=True)
class SessionOptions:
    """How sessions are played.

    Attributes:
        seed: Decides between answers.
        id_seed: What sets this simulator's ids apart from any other's.
        lifetime_s: How long a session may live.
        realtime_factor: Seconds of sound that are sent in a second.
        max_message_bytes: Largest client message; a larger one is closed with 1009.
        transcription_models: What ``transcription.model`` may name; None means any.
        ping_interval_s: Seconds between two of xAI's ``ping`` events.
        conversation_first: xAI: ``conversation.created`` comes before ``session.created``.
    """

    seed: int
    id_seed: str
    lifetime_s: float
    realtime_factor: float
    max_message_bytes: int
    transcription_models: frozenset[str] | None
    ping_interval_s: float
    conversation_first: bool


@define(eq=False)
class Door:
    """Answers requests.

    Attributes:
        rules: Who is let in.
        options: What sessions are like.
        dials: The last 10,000 handshakes.
        live: Live sessions by id.
        past: The last 64 that ended.
        empty: Set while no session is live.
        script: The faults in force. Sessions keep what they were dealt at their handshake.
    """

    rules: HouseRules
    options: SessionOptions
    dials: deque[Dial] = field(factory=lambda: deque(maxlen=_DIALS_KEPT))
    live: dict[str, SimulatedSession] = field(factory=dict)
    past: deque[SimulatedSession] = field(factory=lambda: deque(maxlen=_PAST_SESSIONS_KEPT))
    empty: asyncio.Event = field(factory=asyncio.Event)
    script: FaultScript = field(factory=FaultScript)
    _dialled: Iterator[int] = field(factory=lambda: itertools.count(1))

    def __attrs_post_init__(self) -> None:
        self.empty.set()

    def next_connection(self) -> Plan:
        """Count a connection and return the faults that take it."""
        return self.script.next(Occasion.CONNECTION)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; returns when its session is over."""
        query = dict(request.query)
        dial = read_dial(next(self._dialled), request.path, query, request.headers.items())
        self.dials.append(dial)
        plan = self.script.next(Occasion.HANDSHAKE)
        await rest(plan.delay_s(Stage.HANDSHAKE))
        refuse = plan.find(Refuse)
        if refuse is not None:
            return _refused(refuse)
        verdict = admit(dial, self.rules)
        if isinstance(verdict, HttpRefusal):
            return _json(verdict.status, verdict.body)
        ws = web.WebSocketResponse(
            protocols=("realtime",),
            compress=False,
            max_msg_size=self.options.max_message_bytes,
            timeout=_CLOSE_TIMEOUT_S,
        )
        if not ws.can_prepare(request).ok:
            return _json(426, {"error": {"message": "Expected a websocket upgrade.", "code": "426"}})
        try:
            await ws.prepare(request)
        except ConnectionResetError:
            # The client has left meanwhile. aiohttp would report a half-prepared websocket; of an answer that
            # cannot be sent it says nothing.
            return web.Response()
        fault = plan.find(ErrorFirst)
        if fault is not None and isinstance(verdict, Admitted):
            verdict = LateRefusal(failure(fault.code, fault.message), fault.close_code)
        if isinstance(verdict, LateRefusal):
            await rest(plan.delay_s(Stage.FIRST_EVENT))
            await _turn_away(ws, verdict, self._ids(dial))
        else:
            await self._serve(request, ws, self._open(dial, verdict), plan)
        return ws

    async def _serve(
        self, request: web.BaseRequest, ws: web.WebSocketResponse, session: SimulatedSession, plan: Plan
    ) -> None:
        self.live[session.id] = session
        self.empty.clear()
        try:
            await session.serve(request, ws, plan)
        finally:
            del self.live[session.id]
            self.past.append(session)
            if not self.live:
                self.empty.set()

    def _ids(self, dial: Dial) -> Ids:
        return Ids(f"{self.options.id_seed}:{dial.number}")

    def _open(self, dial: Dial, admitted: Admitted) -> SimulatedSession:
        options, ids = self.options, self._ids(dial)
        terms = Terms(
            face=self.rules.face,
            dialect=admitted.dialect,
            kind=admitted.kind,
            model=admitted.model,
            session_id=ids.new("sess"),
            expires_at=int(time.time() + options.lifetime_s),
            transcription_models=options.transcription_models,
            conversation_first=options.conversation_first,
        )
        shape = _SHAPES[terms.face, terms.dialect](terms)
        dialogue = Dialogue(terms, shape, ids, options.seed, self._next_response)
        ping_s = options.ping_interval_s if terms.face is Face.XAI else math.inf
        return SimulatedSession(dial, dialogue, options.realtime_factor, options.lifetime_s, ping_s)

    def _next_response(self) -> Plan:
        return self.script.next(Occasion.RESPONSE)


def _json(status: int, body: JsonObject, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(body, status=status, headers=headers)


def _refused(refuse: Refuse) -> web.Response:
    headers = {} if refuse.retry_after_s is None else {"Retry-After": f"{refuse.retry_after_s:g}"}
    kind = "rate_limit_exceeded" if refuse.status == 429 else "server_error"
    message = f"The simulator was told to answer {refuse.status}."
    body = {"error": {"message": message, "type": kind, "param": None, "code": str(refuse.status)}}
    return _json(refuse.status, body, headers)


async def _turn_away(ws: web.WebSocketResponse, refusal: LateRefusal, ids: Ids) -> None:
    """Say what is wrong, then close."""
    event = {"type": "error", "event_id": ids.new("event"), "error": refusal.error.as_error(None)}
    with contextlib.suppress(SessionOver):  # the client left first
        await Outlet(ws).send([event])
    await ws.close(code=refusal.close_code, message=refusal.reason.encode())
