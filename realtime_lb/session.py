"""The engine: one life of one session, from a wish to its closing record."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from attrs import define, field

from realtime_lb.abc import Connection
from realtime_lb.attempts import Upstream
from realtime_lb.catalog import Catalog
from realtime_lb.deployments import Deployment, ModelGroup
from realtime_lb.dialer import Dialer
from realtime_lb.endings import Ending, Farewell, farewell, turned_out
from realtime_lb.errors import (
    DownstreamClosed,
    InternalError,
    RealtimeError,
    RequestRefused,
    ShuttingDown,
    TooFast,
    UpstreamError,
)
from realtime_lb.events import SOUND, STREAMED
from realtime_lb.frames import Close, Frame, Opcode
from realtime_lb.journal import Journal
from realtime_lb.legs import Leg
from realtime_lb.meter import Meter
from realtime_lb.pace import Pace
from realtime_lb.records import (
    Attempt,
    Direction,
    Fault,
    Record,
    SessionClosed,
    SessionOpened,
    SessionRehomed,
)
from realtime_lb.rehome import Home
from realtime_lb.relay import Way, relay, untranslated
from realtime_lb.reports import Reports, Watch
from realtime_lb.requests import SessionRequest
from realtime_lb.settings import LimitSettings, LoggingSettings, RehomeSettings
from realtime_lb.shortcut import Shortcut
from realtime_lb.snapshots import SessionSnapshot
from realtime_lb.takeover import TakeOver
from realtime_lb.translation import translator_for
from realtime_lb.typing import Clock
from realtime_lb.ways import metered

__all__ = ["Accept", "Session"]

Accept: TypeAlias = Callable[[], Awaitable[Connection]]
"""Completes the client's handshake; called once, when an upstream has said yes."""

_log = logging.getLogger("realtime_lb")

_GOING_AWAY = Close(1001)
_INTERRUPTED = Farewell(_GOING_AWAY, _GOING_AWAY, Fault.GATEWAY)

ACCEPT_TIMEOUT_S = 5.0
"""For a client's side of the handshake: a 101 that it does not take."""


@define(kw_only=True, eq=False)
class Session:
    """One downstream conversation.

    Attributes:
        request: What the client wants.
        catalog: Tells what its model means.
        dialer: Finds the upstream.
        reports: Told what the session shows of it.
        emit: Takes records.
        limits: What a connection may cost.
        rehome: When it moves to another upstream.
        logging: Which events are asked for.
        clock: Monotonic seconds.
        on_rehomed: Told when it has moved.
    """

    request: SessionRequest
    catalog: Catalog
    dialer: Dialer
    reports: Reports
    emit: Callable[[Record], None]
    limits: LimitSettings
    rehome: RehomeSettings
    logging: LoggingSettings
    clock: Clock
    on_rehomed: Callable[[SessionRehomed], None] | None = None
    deployment_id: str | None = None
    _model_group: str | None = None
    _attempts: list[Attempt] = field(factory=list)
    _began_at_s: float = 0.0
    _first_event_at_s: float | None = None
    _upgraded: bool = False
    _goodbye: Farewell = field(init=False)
    _dialing: asyncio.Timeout | None = None
    _meter: Meter = field(init=False)
    _upstream: Upstream = field(init=False)
    _life: Home | None = None
    _excess: RealtimeError | None = None
    _stopped: asyncio.Future[Close] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._stopped = asyncio.get_running_loop().create_future()
        self._meter = Meter(self.request.id, self.emit, self.logging, self.clock)
        self._goodbye = _WITHDRAWN

    def stop(self, close: Close = _GOING_AWAY) -> None:
        """End the dial, or say goodbye to both ends; `run` returns within the close deadline. Idempotent."""
        if not self._stopped.done():
            self._stopped.set_result(close)
            if self._dialing is not None:
                self._dialing.reschedule(0)

    async def run(self, accept: Accept) -> SessionClosed:
        """Place the session, relay it to its end and settle it.

        Raises:
            RealtimeError: It could not be placed. *accept* has then not been called, or has failed.

        Cancelling ends the dial, or closes both ends with 1001 within their deadline; a second time, it
        aborts them.
        """
        self._began_at_s = self.clock()
        try:
            upstream = await self._placed()
            self._upstream = upstream
            try:
                downstream = await self._accepted(upstream.leg, accept)
                self._goodbye = _INTERRUPTED
                self._tell_opened(upstream)
                await self._relayed(downstream, upstream)
            finally:
                self._upstream.lease.release()
        except RealtimeError as error:
            self._goodbye = _refusal(error)
            raise
        except Exception as error:
            _log.exception("a defect ended session %s", self.request.id)
            self._goodbye = _defect()
            raise InternalError from error
        finally:
            closed = self._settle(self._goodbye)
            self._goodbye = _WITHDRAWN  # an error that is raised holds this session, and it must not hold it
        return closed

    async def _placed(self) -> Upstream:
        """Dial, unless and until we are told to stop."""
        try:
            async with asyncio.timeout(0 if self._stopped.done() else None) as self._dialing:
                return await self._dialed()
        except TimeoutError:
            raise ShuttingDown from None
        finally:
            self._dialing = None

    async def _dialed(self) -> Upstream:
        groups = self.catalog.route(self.request.model)
        self._model_group = groups[0].name
        upstream = await self.dialer.dial(groups, self.request, self._attempts)
        self._meter.reads_events = not upstream.deployment.opaque
        self._meter.quirks = upstream.quirks
        if self._meter.reads_events:
            self._first_event_at_s = self.clock()
            self._meter.watch = Watch(self.reports, upstream.deployment)
        self.deployment_id = upstream.deployment.id
        self._model_group = _group_of(upstream.deployment, groups).name
        return upstream

    async def _accepted(self, upstream: Leg, accept: Accept) -> Leg:
        try:
            async with asyncio.timeout(ACCEPT_TIMEOUT_S):
                connection = await accept()
        except BaseException as error:
            await upstream.close(_GOING_AWAY)
            if isinstance(error, ConnectionError | TimeoutError):
                raise DownstreamClosed from error
            raise
        self._upgraded = True
        connection.pause()
        return Leg(connection, _not_yet)

    async def _relayed(self, downstream: Leg, upstream: Upstream) -> None:
        pace = Pace(self.limits, lambda: self._meter.from_client, self._too_fast, self.clock)
        try:
            if self._can_move(upstream):
                self._life = self._home(downstream)
                ending = await self._life.live(upstream)
            else:
                ending = await self._relayed_once(downstream, upstream)
            self._goodbye = farewell(ending, self.limits.stall_timeout_s)
            if self._excess is not None and ending.by is None:
                self._goodbye = turned_out(self._excess)
        except Exception:
            self._goodbye = _defect()
            raise
        finally:
            pace.stop()
            life, self._life = self._life, None
            try:
                await _part(downstream, self._upstream.leg, self._goodbye, opaque=upstream.deployment.opaque)
            finally:
                if life is not None:
                    life.forget()

    def _too_fast(self) -> None:
        if not self._stopped.done():
            self._excess = TooFast()
            self.stop()

    def _can_move(self, upstream: Upstream) -> bool:
        """A call that a client attached to is where it is, and what is not read is not known."""
        return self.rehome.enabled and not upstream.deployment.opaque and self.request.call_id is None

    def _groups(self) -> Sequence[ModelGroup]:
        """Return where the session may be, by the configuration as it is now."""
        if self.rehome.to_fallbacks or self._model_group is None:
            return self.catalog.route(self.request.model)
        return (self.catalog.group(self._model_group),)

    def _home(self, downstream: Leg) -> Home:
        take_over = TakeOver(
            request=self.request,
            groups=self._groups,
            dialer=self.dialer,
            journal=Journal(
                self.request.dialect, most_bytes=self.rehome.most_bytes, most_items=self.rehome.most_items
            ),
            downstream=downstream,
            emit=self.emit,
            attempts=self._attempts,
        )
        return Home(
            take_over=take_over,
            downstream=downstream,
            meter=self._meter,
            reports=self.reports,
            emit=self.emit,
            settings=self.rehome,
            why_leave=self.dialer.chooser.why_leave,
            stall_timeout_s=self.limits.stall_timeout_s,
            stopped=self._stopped,
            on_moved=self._moved,
            clock=self.clock,
        )

    def _moved(self, upstream: Upstream, record: SessionRehomed) -> None:
        self._upstream, self.deployment_id = upstream, upstream.deployment.id
        if self.on_rehomed is not None:
            try:
                self.on_rehomed(record)
            except Exception:  # noqa: BLE001  # an app's own; its call goes on
                _log.exception("whoever is told that session %s has moved has raised", self.request.id)

    def reconsider(self) -> bool:
        """Take in that a deployment is wanted no more, or again; say whether this session leaves its own."""
        return self._life is not None and self._life.reconsider()

    async def _relayed_once(self, downstream: Leg, upstream: Upstream) -> Ending:
        ending = await relay(
            downstream,
            upstream.leg,
            ways=self._ways(upstream),
            held=((), upstream.taken()),
            stall_timeout_s=self.limits.stall_timeout_s,
            stopped=self._stopped,
            left=asyncio.get_running_loop().create_future(),
        )
        assert ending is not None  # noqa: S101  # nobody takes the upstream away
        if ending.by is Direction.SERVER:
            close = Close(1006, "stopped reading") if ending.stalled else ending.close
            opened_s, attached = self.clock() - self._began_at_s, self.request.call_id is not None
            self.reports.closed(upstream.deployment, close, opened_s, attached=attached)
        return ending

    def _ways(self, upstream: Upstream) -> tuple[Way, Way]:
        if upstream.deployment.opaque:
            return metered(self._meter, untranslated, untranslated)
        translator = translator_for(
            self.request,
            upstream.deployment,
            dialect=upstream.dialect,
            quirks=upstream.quirks,
            emit=self.emit,
        )
        return metered(
            self._meter,
            translator.from_client,
            translator.from_upstream,
            sound=Shortcut(SOUND, None) if translator.leaves_sound() else None,
            pieces=Shortcut(STREAMED, None, is_open=translator.leaves_pieces),
        )

    def snapshot(self) -> SessionSnapshot:
        """Return what the session is at this moment."""
        return SessionSnapshot(
            id=self.request.id,
            model_group=self._model_group,
            deployment=self.deployment_id,
            principal=self.request.principal.name,
            client_address=self.request.client_address,
            age_s=self.clock() - self._began_at_s,
            usage=self._meter.usage.total,
        )

    def _tell_opened(self, upstream: Upstream) -> None:
        self.emit(
            SessionOpened(
                session_id=self.request.id,
                model_group=upstream.deployment.model_group,
                deployment=upstream.deployment.id,
                principal=self.request.principal.name,
                client_address=self.request.client_address,
                attempts=tuple(self._attempts),
                open_s=self.clock() - self._began_at_s,
            )
        )

    def _settle(self, goodbye: Farewell) -> SessionClosed:
        meter, error = self._meter, goodbye.error
        record = SessionClosed(
            session_id=self.request.id,
            model_group=self._model_group,
            deployment=self.deployment_id,
            principal=self.request.principal.name,
            client_address=self.request.client_address,
            attempts=tuple(self._attempts),
            duration_s=self.clock() - self._began_at_s,
            first_event_s=self._since_start(self._first_event_at_s),
            first_audio_s=self._since_start(meter.first_audio_at_s),
            from_client=meter.from_client,
            from_upstream=meter.from_upstream,
            usage=meter.usage.total,
            http_status=None if self._upgraded or error is None else error.http_status,
            close_code=goodbye.to_client.code if self._upgraded else None,
            close_reason=goodbye.to_client.reason if self._upgraded else "",
            error=None if error is None else error.code,
            fault=goodbye.fault,
        )
        self.emit(record)
        return record

    def _since_start(self, moment_s: float | None) -> float | None:
        return None if moment_s is None else moment_s - self._began_at_s


def _group_of(deployment: Deployment, groups: Sequence[ModelGroup]) -> ModelGroup:
    return next(group for group in groups if any(d.id == deployment.id for d in group.deployments))


def _not_yet(frame: Frame) -> None:
    """No frame can come here: a paused connection delivers what was read, and nothing was read yet."""
    raise AssertionError(frame)


async def _part(downstream: Leg, upstream: Leg, goodbye: Farewell, *, opaque: bool) -> None:
    """Say goodbye to both ends at once, each within its own deadline."""
    if goodbye.tell_client and goodbye.error is not None and not opaque:
        event = json.dumps(goodbye.error.as_event()).encode()
        downstream.connection.write(Frame(Opcode.TEXT, event))
    async with asyncio.TaskGroup() as both:
        both.create_task(downstream.close(goodbye.to_client))
        both.create_task(upstream.close(goodbye.to_upstream))


def _refusal(error: RealtimeError) -> Farewell:
    close = Close(error.close_code, error.close_reason)
    return Farewell(close, _GOING_AWAY, _fault_of(error), error)


def _defect() -> Farewell:
    error = InternalError()
    close = Close(error.close_code, error.close_reason)
    return Farewell(close, _GOING_AWAY, Fault.GATEWAY, error, tell_client=True)


def _fault_of(error: RealtimeError) -> Fault:
    if isinstance(error, UpstreamError):
        return Fault.UPSTREAM
    if isinstance(error, DownstreamClosed):
        return Fault.NOBODY
    return Fault.CLIENT if isinstance(error, RequestRefused) else Fault.GATEWAY


_WITHDRAWN = _refusal(DownstreamClosed())
"""Who cancels before the client is served, withdraws."""
