"""The one public object: a router over deployments. It alone names the concrete rooms."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Self

from attrs import evolve

from realtime_lb.abc import EventSink, ProviderAdapter, Strategy, Transport
from realtime_lb.admission import Admission
from realtime_lb.catalog import Catalog
from realtime_lb.config import load_config
from realtime_lb.config.reading import ENVIRON
from realtime_lb.engine import assemble_engine
from realtime_lb.errors import UnknownDeployment
from realtime_lb.explain import explain
from realtime_lb.library import RealtimeSession, session_over
from realtime_lb.providers import load_providers
from realtime_lb.records import SessionClosed, SessionRehomed
from realtime_lb.requests import ANONYMOUS, Principal, SessionRequest
from realtime_lb.roster import Roster
from realtime_lb.session import Accept, Session
from realtime_lb.settings import Settings
from realtime_lb.sinks import SinkRing, log_ring
from realtime_lb.snapshots import (
    Explanation,
    Reconfigured,
    RouterSnapshot,
    SessionSnapshot,
)
from realtime_lb.strategies import STRATEGIES, Affinity
from realtime_lb.transports.lanes import lane_or_best, transport_for
from realtime_lb.typing import Clock, Dialect
from realtime_lb.vetting import check, compared

__all__ = ["RealtimeRouter"]

_log = logging.getLogger("realtime_lb")

_FIXED = ("server", "health", "limits", "logging")
"""Sections of the settings that stay as they are: doors, sockets and memories are built on them."""


class RealtimeRouter:
    """Places realtime sessions on deployments and relays them.

    Use it as an async context manager, or call `aclose`. Belongs to the event loop in which it is first used;
    installs no signal or log handlers and keeps no global state.

    Args:
        settings: Deployments and how to use them.
        strategy: Chooses among candidates; None means the one that the settings name.
        transport: Opens upstream connections; None means picows where it is installed, else aiohttp. The
            router closes it.
        providers: Adapters of your own, beside the built-in and installed ones.
        sinks: Told what happens; None means the log.
        rng: Randomness of the strategy; seed it to repeat its choices.
        clock: Monotonic seconds.

    Attributes:
        settings: What it goes by.
        providers: Adapters by name.

    Raises:
        ConfigError: The settings name a strategy or a provider that does not exist.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        strategy: Strategy | None = None,
        transport: Transport | None = None,
        providers: Iterable[ProviderAdapter] = (),
        sinks: Sequence[EventSink] | None = None,
        rng: random.Random | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.settings = settings
        self.providers: Mapping[str, ProviderAdapter] = _with_own(providers)
        check(settings, self.providers, names_strategy=strategy is None)
        self._catalog = Catalog(settings)
        self._transport = transport or transport_for(lane_or_best(), settings.limits)
        self._ring = log_ring(settings.logging) if sinks is None else SinkRing(sinks)
        self._clock = clock
        self._roster = Roster()
        self._admission = Admission(settings=settings.admission, clock=clock)
        self._releasing = asyncio.Lock()
        rng = self._rng = rng or random.Random()  # noqa: S311  # chance, not secrecy
        self._engine = assemble_engine(
            settings,
            strategy=Affinity(strategy or STRATEGIES[settings.routing.strategy](rng)),
            transport=self._transport,
            providers=self.providers,
            emit=self._ring.emit,
            rng=random.Random(rng.random()),  # noqa: S311
            clock=clock,
        )
        self._engine.second_look.on_settled = self._reconsider
        self._own_strategy = strategy and type(strategy).__name__

    @classmethod
    def from_config(  # noqa: PLR0913  # the constructor's arguments, and where to look names up
        cls,
        path: str | Path,
        *,
        environ: Mapping[str, str] = ENVIRON,
        strategy: Strategy | None = None,
        transport: Transport | None = None,
        providers: Iterable[ProviderAdapter] = (),
        sinks: Sequence[EventSink] | None = None,
        rng: random.Random | None = None,
        clock: Clock = time.monotonic,
    ) -> Self:
        """Build a router from a LiteLLM configuration file. Its warnings go to the log.

        Args:
            path: The YAML file.
            environ: Where ``os.environ/NAME`` is looked up.
            strategy: As for the class.
            transport: As for the class.
            providers: As for the class.
            sinks: As for the class.
            rng: As for the class.
            clock: As for the class.

        Raises:
            ConfigError: With every problem of the file.
        """
        names = tuple(_with_own(providers))
        loaded = load_config(path, environ=environ, providers=names, strategies=tuple(STRATEGIES))
        for warning in loaded.warnings:
            _log.warning("%s", warning)
        return cls(
            loaded.settings,
            strategy=strategy,
            transport=transport,
            providers=providers,
            sinks=sinks,
            rng=rng,
            clock=clock,
        )

    async def __aenter__(self) -> Self:
        self._engine.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def serve(self, request: SessionRequest, accept: Accept) -> SessionClosed:
        """Serve one client from its wish to its end, and return the closing record.

        Args:
            request: What the client wants.
            accept: Completes the client's handshake and returns its connection. Called once, when an
                upstream has accepted the session; until then a failure can still be an HTTP status.

        Raises:
            RequestRefused: The caller asked for what it cannot have. *accept* was not called.
            UpstreamError: No upstream accepted the session. *accept* was not called.
            DownstreamClosed: *accept* raised a `ConnectionError`, or took too long: the client is gone.
            ShuttingDown: The router is closing, or closed while the session was being placed.
            Overloaded: There is no room for another session. *accept* was not called.

        Cancelling before *accept* ends the dial; after it, it closes both ends with 1001.
        """
        return await self._serve(request, accept, sockets=2)

    async def _serve(
        self,
        request: SessionRequest,
        accept: Accept,
        on_rehomed: Callable[[SessionRehomed], None] | None = None,
        *,
        sockets: int = 1,
    ) -> SessionClosed:
        session = Session(
            request=request,
            catalog=self._catalog,
            dialer=self._engine.dialer,
            reports=self._engine.reports,
            emit=self._ring.emit,
            limits=self.settings.limits,
            rehome=self.settings.rehome,
            logging=self.settings.logging,
            clock=self._clock,
            on_rehomed=on_rehomed,
        )
        self._roster.enter(session)  # pairs of calls, since a block's manager would stay for all the session
        try:
            caller = self._admission.admit(request.client_address, sockets=sockets)
            try:
                self._engine.begin()
                return await session.run(accept)
            finally:
                self._admission.leave(caller, sockets=sockets)
        finally:
            self._roster.leave(session)

    @asynccontextmanager
    async def connect(  # noqa: PLR0913  # a request's attributes
        self,
        model: str | None = None,
        *,
        intent: str | None = None,
        call_id: str | None = None,
        dialect: Dialect = Dialect.GA,
        principal: Principal = ANONYMOUS,
        headers: Mapping[str, str] | None = None,
        affinity: str | None = None,
        tags: Sequence[str] = (),
        on_rehomed: Callable[[SessionRehomed], None] | None = None,
    ) -> AsyncIterator[RealtimeSession]:
        """Open a balanced session inside this process.

        Args:
            model: The model group; None means the configured default.
            intent: ``transcription`` for a session without responses.
            call_id: An existing WebRTC or SIP call to attach to.
            dialect: The event language that your code speaks.
            principal: On whose behalf, for the log and for strategies.
            headers: Headers to pass on, such as ``OpenAI-Safety-Identifier``.
            affinity: Sessions with the same text here go to the same deployment while it has room.
            tags: Labels that deployments are to have, where tag filtering is on.
            on_rehomed: Told each time that the session has moved to another upstream. Must not block. What it
                raises is logged.

        Yields:
            The session. Leaving the block closes it.

        Raises:
            RequestRefused, UpstreamError, Overloaded: As for `serve`.
        """
        request = SessionRequest(
            model=model,
            intent=intent,
            call_id=call_id,
            dialect=dialect,
            principal=principal,
            forwarded_headers=headers or {},
            affinity=affinity,
            tags=tuple(tags),
        )
        serve = partial(self._serve, on_rehomed=on_rehomed)
        async with session_over(serve, request, self.settings.limits.max_message_bytes) as session:
            yield session

    def explain(
        self, model: str | None = None, *, tags: Sequence[str] = (), affinity: str | None = None
    ) -> Explanation:
        """Return where a session for *model* would go now, and why. Dials nobody and changes nothing.

        Args:
            model: As for `connect`.
            tags: As for `connect`.
            affinity: As for `connect`.

        Raises:
            RequestRefused: No group has this name.
        """
        request = SessionRequest(model=model, tags=tuple(tags), affinity=affinity)
        groups, named = self._catalog.route(model), self._own_strategy or self.settings.routing.strategy
        return explain(self._engine.chooser, named, groups, request)

    def sessions(self) -> tuple[SessionSnapshot, ...]:
        """Return the sessions that are live or being placed, the oldest first."""
        found = [session.snapshot() for session in self._roster.live]
        return tuple(sorted(found, key=lambda session: session.age_s, reverse=True))

    @property
    def is_short_of_memory(self) -> bool:
        """Whether no more clients should be sent here: nine tenths of the memory limit are in use."""
        return self._admission.is_short_of_memory

    def snapshot(self) -> RouterSnapshot:
        """Return what the router holds at this moment."""
        return RouterSnapshot(
            models=self._catalog.names,
            deployments=self._engine.snapshots(),
            live_sessions=len(self._roster.live),
            records_dropped=self._ring.dropped,
        )

    def drain(self, deployment_id: str) -> int:
        """Give a deployment no more sessions, and move those that it has, each between two of its turns.

        Returns at once; `sessions` shows which are left. Idempotent. Sessions that cannot be moved stay to
        their end: those of a call that a client attached to, those relayed unread, and all where there is
        nobody else. One that is being placed there moves as soon as it is.

        Args:
            deployment_id: Which one.

        Returns:
            How many sessions will be moved.

        Raises:
            UnknownDeployment: There is none of this id.
        """
        self._known(deployment_id)
        self._engine.drain(deployment_id)
        leaving = [session.deployment_id for session in self._roster.live if session.reconsider()]
        return leaving.count(deployment_id)

    def readmit(self, deployment_id: str) -> None:
        """Undo `drain`: the deployment gets sessions again, and keeps those that have not left it yet.

        None comes back by itself. Idempotent.

        Raises:
            UnknownDeployment: There is none of this id.
        """
        self._known(deployment_id)
        self._engine.readmit(deployment_id)
        self._reconsider()

    def _reconsider(self) -> None:
        for session in self._roster.live:
            session.reconsider()

    def _known(self, deployment_id: str) -> None:
        known = [deployment.id for deployment in self.settings.deployments]
        if deployment_id not in known:
            raise UnknownDeployment(deployment_id, known)

    def reconfigure(self, settings: Settings) -> Reconfigured:
        """Go by other deployments, model names and routing from now on: by all of them, or by nothing new.

        Sessions that are live where a deployment was removed, or reaches another upstream now, move between
        two of their turns, as `drain` moves them. All others go on untouched, and what is known of their
        deployments stays known. New sessions go by ``rehome`` and ``admission``, too. ``server``, ``health``,
        ``limits`` and ``logging`` stay as they are.

        Args:
            settings: What to go by.

        Returns:
            What that changes.

        Raises:
            ConfigError: They cannot be used. Nothing has changed.
        """
        check(settings, self.providers, names_strategy=self._own_strategy is None)
        old = self.settings
        self.settings = evolve(settings, **{name: getattr(old, name) for name in _FIXED})
        renamed = self._own_strategy is None and old.routing.strategy != settings.routing.strategy
        strategy = Affinity(STRATEGIES[settings.routing.strategy](self._rng)) if renamed else None
        self._admission.settings = settings.admission
        self._catalog.reload(self.settings)
        self._engine.reload(self.settings, strategy)
        leaving = [session.deployment_id for session in self._roster.live if session.reconsider()]
        return compared(old, settings, leaving=leaving, fixed=_FIXED)

    @property
    def draining(self) -> bool:
        """Whether `aclose` was called: whoever spreads clients over gateways should send none here."""
        return self._roster.draining

    @property
    def closing(self) -> bool:
        """Whether no new session is admitted any more."""
        return self._roster.closing

    async def until_closing(self) -> None:
        """Return when no new session is admitted any more: listening for more has no use then."""
        await self._roster.until_closing()

    async def aclose(self, *, drain_admit_s: float = 0.0, drain_timeout_s: float = 0.0) -> None:
        """Let all sessions end, then release everything. Without times, say goodbye to them now.

        Returns when no session is left and `drain_admit_s` are over. Idempotent; of several calls at once the
        shortest times count, so ``aclose()`` ends a drain that is under way. Cancelling leaves sessions as
        they are, and a later call goes on from there. What raises when released keeps nothing else from it.

        Args:
            drain_admit_s: How long new sessions are still admitted, though `draining` is true at once.
            drain_timeout_s: How long sessions may go on, all in all. In its last fifth those that are left
                are told one by one: an ``error`` event with the code ``shutting_down``, then 1001.
        """
        self._ring.hurry()
        await self._roster.drain(drain_admit_s, drain_timeout_s)
        async with self._releasing, AsyncExitStack() as releasing:
            releasing.callback(self._ring.flush)
            for provider in self.providers.values():
                releasing.push_async_callback(provider.aclose)
            releasing.push_async_callback(self._transport.aclose)
            releasing.push_async_callback(self._engine.aclose)


def _with_own(providers: Iterable[ProviderAdapter]) -> dict[str, ProviderAdapter]:
    return {**load_providers(), **{adapter.name: adapter for adapter in providers}}
