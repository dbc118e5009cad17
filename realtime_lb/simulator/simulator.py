"""The simulator: a listening port that behaves like a vendor's Realtime API."""

from __future__ import annotations

import asyncio
import itertools
import math
import ssl
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from attrs import Attribute, define, field, setters

from realtime_lb.simulator.dials import Dial
from realtime_lb.simulator.door import Door, SessionOptions
from realtime_lb.simulator.face import Face
from realtime_lb.simulator.fault_text import parse_faults
from realtime_lb.simulator.faults import Close, Cut, Fault, FaultScript, Plan
from realtime_lb.simulator.listener import Listener
from realtime_lb.simulator.live import SimulatedSession
from realtime_lb.simulator.verdicts import API_VERSIONS, HouseRules
from realtime_lb.typing import Secret
from realtime_lb.waiting import comes

__all__ = ["OPENAI_TRANSCRIPTION_MODELS", "Simulator"]

_SHUTDOWN_S = 0.2
"""How long a client gets to answer the close frames of a simulator that goes away."""

_LIFETIMES_S = {Face.XAI: 7200.0}
"""xAI: Voice Agent page. All others: 60 minutes (OpenAI; Azure; Voice Live's quotas page)."""

_instances = itertools.count(1)

OPENAI_TRANSCRIPTION_MODELS = frozenset(
    {
        "whisper-1",
        "gpt-transcribe",
        "gpt-live-transcribe",
        "gpt-4o-transcribe",
        "gpt-4o-transcribe-diarize",
        "gpt-4o-mini-transcribe",
        "gpt-4o-mini-transcribe-2025-12-15",
        "gpt-realtime-whisper",
    }
)
"""``openai`` 3.54, ``AudioTranscription.model``. Azure takes names of deployments instead."""


def _names(given: Iterable[str]) -> frozenset[str]:
    return frozenset(given)


def _maybe_names(given: Iterable[str] | None) -> frozenset[str] | None:
    return None if given is None else frozenset(given)


def _as_faults(given: str | Sequence[Fault | str]) -> tuple[Fault, ...]:
    if isinstance(given, str):
        return parse_faults(given)
    faults: list[Fault] = []
    for fault in given:
        faults.extend(parse_faults(fault) if isinstance(fault, str) else (fault,))
    return tuple(faults)


def _follow(simulator: Simulator, _attribute: Attribute[Any], faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    if simulator._door is not None:  # noqa: SLF001  # this is part of the class
        simulator._door.script = FaultScript(faults)  # noqa: SLF001
    return faults


@define(eq=False)
class Simulator:
    """A Realtime API on a local port. Use it with ``async with``; it listens inside of the block.

    Assigning to ``faults`` replaces them at once, with fresh counts; live sessions keep the faults that they
    were dealt at their handshake, but their next responses follow the new ones.

    Attributes:
        face: Whose API.
        api_key: The key that opens it.
        host: Where to listen.
        port: The port; 0 picks a free one, which is then here.
        seed: Decides between answers. The same seed and the same words give the same answer.
        faults: What goes wrong: `Fault` values, or texts of `fault_text.GRAMMAR`.
        ssl_context: Serve ``wss`` and ``https``.
        models: Models or deployments it has; None takes every plausible name.
        transcription_models: The same for transcription; None means OpenAI's list, or any name on Azure.
        calls: Ids of calls that ``call_id`` may join.
        entra_tokens: Azure and Voice Live: bearer tokens that are good.
        api_versions: Azure: preview versions that are answered, Voice Live: versions; None means those known.
        session_lifetime_s: How long a session may live; None means 60 minutes, and 120 for xAI.
        realtime_factor: Seconds of sound that are sent in a second: 1 is life, infinity as fast as can be.
        max_message_bytes: Largest client message; a larger one is closed with 1009.
        ping_interval_s: xAI: seconds between two ``ping`` events (recorded: 10); infinity sends none.
        conversation_first: xAI: ``conversation.created`` comes before ``session.created``, as its
            documentation says; in live recordings it comes after.
    """

    face: Face = Face.OPENAI
    api_key: str = field(default="sk-sim", kw_only=True, repr=False)
    host: str = field(default="127.0.0.1", kw_only=True)
    port: int = field(default=0, kw_only=True)
    seed: int = field(default=0, kw_only=True)
    faults: Sequence[Fault | str] | str = field(
        default=(), kw_only=True, converter=_as_faults, on_setattr=[setters.convert, _follow]
    )
    ssl_context: ssl.SSLContext | None = field(default=None, kw_only=True, repr=False)
    models: frozenset[str] | None = field(default=None, kw_only=True, converter=_maybe_names)
    transcription_models: frozenset[str] | None = field(default=None, kw_only=True, converter=_maybe_names)
    calls: frozenset[str] = field(default=frozenset(), kw_only=True, converter=_names)
    entra_tokens: frozenset[str] = field(default=frozenset(), kw_only=True, converter=_names, repr=False)
    api_versions: frozenset[str] | None = field(default=None, kw_only=True, converter=_maybe_names)
    session_lifetime_s: float | None = field(default=None, kw_only=True)
    realtime_factor: float = field(default=math.inf, kw_only=True)
    max_message_bytes: int = field(default=16 * 1024 * 1024, kw_only=True)
    ping_interval_s: float = field(default=10.0, kw_only=True)
    conversation_first: bool = field(default=False, kw_only=True)
    _door: Door | None = field(default=None, init=False, repr=False)
    _server: web.Server | None = field(default=None, init=False, repr=False)
    _listener: Listener | None = field(default=None, init=False, repr=False)

    async def __aenter__(self) -> Self:
        server = web.Server(self._answer, access_log=None)
        self._listener = Listener(server, self._next_connection, self.ssl_context)
        self.port = self._listener.start(self.host, self.port)
        self._door = Door(self._rules(), self._options(), script=FaultScript(_as_faults(self.faults)))
        self._server = server
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._listener is not None  # noqa: S101  # set on entry
        assert self._server is not None  # noqa: S101
        await self._listener.aclose()
        self.close_all(1001, "going away")
        # aiohttp trips over handlers that end in the moment in which its own patience does.
        await comes(self._opened.empty, asyncio.get_running_loop().time() + _SHUTDOWN_S)
        await self._server.shutdown(_SHUTDOWN_S)

    @property
    def base_url(self) -> str:
        """The root of the resource, such as ``http://127.0.0.1:4711``; clients add ``/v1`` or the like."""
        scheme = "http" if self.ssl_context is None else "https"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    @property
    def sessions(self) -> tuple[SimulatedSession, ...]:
        """The live sessions, oldest first."""
        return tuple(self._opened.live.values())

    async def wait_until_empty(self) -> None:
        """Wait until no session is live: a client sees its close a moment before the server is through."""
        await self._opened.empty.wait()

    @property
    def dials(self) -> tuple[Dial, ...]:
        """The last 10,000 handshakes, refused ones included, without their credentials."""
        return tuple(self._opened.dials)

    def session(self, session_id: str) -> SimulatedSession:
        """Return a live session, or one of the last 64 that ended.

        Raises:
            KeyError: There is none of this id.
        """
        for session in (*self.sessions, *self._opened.past):
            if session.id == session_id:
                return session
        raise KeyError(session_id)

    def cut(self, *, fin: bool = False) -> int:
        """Reset the TCP connections of all live sessions, or end them with FIN; return how many."""
        return self._end(Cut(fin=fin))

    def close_all(self, code: int = 1001, reason: str = "") -> int:
        """Close all live sessions with *code*; return how many there were. Does not wait for the clients."""
        return self._end(Close(code=code, reason=reason))

    def expire(self) -> int:
        """End all live sessions as if their time were over, earlier than was announced; return how many."""
        for session in self.sessions:
            session.expire()
        return len(self.sessions)

    def _end(self, ending: Cut | Close) -> int:
        sessions = self.sessions
        for session in sessions:
            session.end(ending)
        return len(sessions)

    @property
    def _opened(self) -> Door:
        if self._door is None:
            raise RuntimeError("the simulator is not running; use it with 'async with'")
        return self._door

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._opened.answer(request)

    def _next_connection(self) -> Plan:
        return self._opened.next_connection()

    def _rules(self) -> HouseRules:
        return HouseRules(
            face=self.face,
            api_key=Secret(self.api_key),
            entra_tokens=frozenset(map(Secret, self.entra_tokens)),
            models=self.models,
            calls=self.calls,
            api_versions=self._known_versions(),
        )

    def _options(self) -> SessionOptions:
        transcription_models = self.transcription_models
        if transcription_models is None and self.face is Face.OPENAI:
            transcription_models = OPENAI_TRANSCRIPTION_MODELS
        return SessionOptions(
            seed=self.seed,
            id_seed=f"{self.seed}:{next(_instances)}:{self.port}",
            lifetime_s=self._lifetime_s(),
            realtime_factor=self.realtime_factor,
            max_message_bytes=self.max_message_bytes,
            transcription_models=transcription_models,
            ping_interval_s=self.ping_interval_s,
            conversation_first=self.conversation_first,
        )

    def _known_versions(self) -> frozenset[str]:
        given = self.api_versions
        return API_VERSIONS.get(self.face, frozenset()) if given is None else given

    def _lifetime_s(self) -> float:
        usual = _LIFETIMES_S.get(self.face, 3600.0)
        return usual if self.session_lifetime_s is None else self.session_lifetime_s
