"""One session's life over several upstreams: when one is left, and how the next takes its place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from attrs import define, field

from realtime_lb.alarms import Alarms
from realtime_lb.attempts import Upstream
from realtime_lb.departure import COULD_STAY, Departure
from realtime_lb.deployments import Deployment
from realtime_lb.endings import Ending
from realtime_lb.errors import RealtimeError
from realtime_lb.frames import Close, Frame
from realtime_lb.hold import Hold
from realtime_lb.journal import settled
from realtime_lb.legs import Leg
from realtime_lb.meter import Meter
from realtime_lb.reasons import failed_response, may_help, says_it_is_over
from realtime_lb.records import Direction, Record, RehomeCause, SessionRehomed
from realtime_lb.relay import relay
from realtime_lb.reports import Reports, Watch
from realtime_lb.settings import RehomeSettings
from realtime_lb.takeover import Successor, TakeOver
from realtime_lb.typing import Clock
from realtime_lb.waiting import first_of
from realtime_lb.ways import metered

__all__ = ["Home"]

_LEFT = Close(1000)
_MINUTE_S = 60.0

_ITS_TIME_IS_OVER = frozenset({RehomeCause.EXPIRED, RehomeCause.EXPIRING})

_T = TypeVar("_T")


@define(kw_only=True, eq=False)
class Home:
    """Keeps a session alive.

    Attributes:
        take_over: Finds upstreams and tells them of the session.
        downstream: The client.
        meter: Sees all frames.
        reports: Told what the session shows.
        emit: Takes records.
        settings: When to move.
        why_leave: Says why a live session is to leave a deployment, if it is.
        stall_timeout_s: How long a leg may take nothing.
        stopped: Ends the session from outside.
        on_moved: Told of each upstream that the session moves to.
        clock: Monotonic seconds.
        wall: Seconds since 1970.
    """

    take_over: TakeOver
    downstream: Leg
    meter: Meter
    reports: Reports
    emit: Callable[[Record], None]
    settings: RehomeSettings
    why_leave: Callable[[Deployment], RehomeCause | None]
    stall_timeout_s: float
    stopped: asyncio.Future[Close]
    on_moved: Callable[[Upstream, SessionRehomed], None]
    clock: Clock
    wall: Clock = time.time
    _now: Successor = field(init=False)
    _left: asyncio.Future[None] = field(init=False)
    _cause: RehomeCause | None = None
    _kept_back: tuple[str, Frame] | None = None
    _moves_at_s: list[float] = field(factory=list)
    _held: tuple[Sequence[Frame], Sequence[Frame]] = ((), ())
    _since_s: float = 0.0
    _farewells: set[asyncio.Task[None]] = field(factory=set)
    _next: Successor | None = None
    _alarms: Alarms = field(init=False)
    _told_attempts: int = 0
    _departure: Departure = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._departure = Departure(
            take_over=self.take_over,
            shunned=self._shunned,
            may_move=lambda: self._moves_left() > 0,
            timeout_s=self.settings.timeout_s,
            leave=self._leave,
        )

    @property
    def deployment(self) -> Deployment:
        """Where the session is."""
        return self._now.upstream.deployment

    async def live(self, upstream: Upstream) -> Ending:
        """Relay the session until it ends for good; say how. Leaves both legs to the caller.

        Cancelling leaves the legs open, and ends what was begun beside them. So does whatever is raised.
        """
        self._enter(self.take_over.first(upstream))
        self._held = ((), upstream.taken())
        self._told_attempts = len(self.take_over.attempts)
        self.reconsider()
        try:
            while True:
                ending = await self._relayed()
                cause = self._why_to_move(ending)
                if cause is None:
                    break
                moved = await self._moved(cause)
                if isinstance(moved, Ending):
                    ending = moved
                    break
                if ending is not None and not moved:
                    break  # nobody takes over: what the upstream did is what the client is told
        finally:
            self._alarms.stop()
            self._departure.is_over = True
            if self._next is not None:
                self._next.upstream.cut()
                self._beside(self._next.upstream.discard())
            try:
                await self._departure.stop()
            finally:
                if self._farewells:
                    await asyncio.wait(self._farewells)
        assert ending is not None  # noqa: S101  # only an order to leave has none, and it has a cause
        return ending

    def forget(self) -> None:
        """Break the circles that would keep all of a session; when nothing comes from its legs any more."""
        with suppress(AttributeError):  # a defect may have kept the last of them from being there
            self.take_over.journal.forget()
            del self._departure, self._now, self._alarms

    def _enter(self, successor: Successor) -> None:
        self._now, self._since_s = successor, self.clock()
        self._left = asyncio.get_running_loop().create_future()
        successor.passage.judge, successor.passage.on_turn = self._judge, self._turned
        self._alarms = self._new_alarms(successor.upstream.deployment)
        self._alarms.expires(successor.continuity.expires_at)
        self.meter.quirks = successor.upstream.quirks
        self.meter.watch = Watch(self.reports, successor.upstream.deployment)

    async def _relayed(self) -> Ending | None:
        passage = self._now.passage
        return await relay(
            self.downstream,
            self._now.upstream.leg,
            ways=metered(
                self.meter,
                passage.from_client,
                passage.from_upstream,
                sound=passage.sound,
                pieces=passage.pieces,
            ),
            held=self._taken(),
            stall_timeout_s=self.stall_timeout_s,
            stopped=self.stopped,
            left=self._left,
        )

    def _taken(self) -> tuple[Sequence[Frame], Sequence[Frame]]:
        held, self._held = self._held, ((), ())
        return held

    # -- why --------------------------------------------------------------------------------------------

    def _why_to_move(self, ending: Ending | None) -> RehomeCause | None:
        if ending is None:
            return self._cause
        if ending.by is not Direction.SERVER:
            return None
        close = Close(1006, "stopped reading") if ending.stalled else ending.close
        verdict = self.reports.closed(self.deployment, close, self.clock() - self._since_s)
        if not may_help(verdict.meaning, close.code):
            return None
        if self._cause is not None and self._cause not in COULD_STAY:
            return self._cause
        return RehomeCause.LOST if close.code == 1006 else RehomeCause.CLOSED

    def _judge(self, kind: str, frame: Frame) -> bool:
        """Say whether an event of the upstream's is a reason to leave it, which the client need not hear."""
        if kind == "error" and says_it_is_over(frame):
            self._leave(RehomeCause.EXPIRED)
            return True
        if kind != "response.done" or self._cause is not None or not self._is_refused_unheard(frame):
            return False
        self._kept_back = (kind, frame.kept())
        self._leave(RehomeCause.RESPONSE_FAILED)
        return True

    def _is_refused_unheard(self, frame: Frame) -> bool:
        failed = failed_response(frame)
        if failed is None:
            return False
        shown_id = self._now.continuity.shown_id(failed.response_id)
        if not self.take_over.journal.heard_nothing_of(shown_id):
            return False
        return may_help(self.reports.verdict(self.deployment, failed.outcome).meaning)

    def _leave(self, cause: RehomeCause) -> None:
        self._cause = cause
        if not self._left.done():
            self._left.set_result(None)

    # -- in good time -----------------------------------------------------------------------------------

    def _new_alarms(self, deployment: Deployment) -> Alarms:
        def usual_s() -> float | None:
            return self.reports.signals.candidate(deployment, 0).first_audio_s

        return Alarms(
            journal=self.take_over.journal,
            settings=self.settings,
            usual_s=usual_s,
            on_silence=partial(self._leave, RehomeCause.SILENT),
            on_expiry=self._expires,
            wall=self.wall,
        )

    def _turned(self) -> None:
        self._alarms.turned()
        self._departure.turned()
        if self._now.continuity.expires_at is None:
            self._alarms.expires(self.take_over.journal.session.get("expires_at"))

    def _expires(self, is_last_moment: bool) -> None:  # noqa: FBT001  # a timer's only word
        if is_last_moment:
            self._leave(RehomeCause.EXPIRING)
        else:
            self._prepare(RehomeCause.EXPIRING)

    def reconsider(self) -> bool:
        """Take in that a deployment is wanted no more, or again; say whether the session is to leave its own.

        It then moves between two turns, as soon as somebody takes it. Returns at once.
        """
        cause = self.why_leave(self.deployment)
        if cause is None:
            self._departure.drop()
        else:
            self._prepare(cause)
        return cause is not None

    def _prepare(self, cause: RehomeCause) -> None:
        if self._cause is None:
            self._departure.prepare(cause)

    def _shunned(self) -> frozenset[str]:
        others = (deployment for group in self.take_over.groups() for deployment in group.deployments)
        shunned = {other.id for other in others if self.why_leave(other)}
        if self.why_leave(self.deployment) is not RehomeCause.REMOVED:  # who has taken its id is another
            shunned.add(self.deployment.id)
        return frozenset(shunned)

    # -- moving -----------------------------------------------------------------------------------------

    async def _moved(self, cause: RehomeCause) -> bool | Ending:
        """Go on with another upstream; say whether one was found, or how the session ended meanwhile.

        Where nobody takes over, the session is left where it was.
        """
        began_s, old, self._cause = self.clock(), self._now, cause
        is_gone = old.upstream.leg.ended.done() or cause in _ITS_TIME_IS_OVER
        held = Hold(self.downstream, self.settings.most_bytes)
        late = Hold(old.upstream.leg, self.settings.most_bytes)
        old.upstream.leg.connection.pause()
        if is_gone:
            self._settle()
        self._next = self._departure.taken()
        found: Successor | Ending | None = self._next
        await self._departure.stop()
        if cause in COULD_STAY:
            self._moves_at_s.append(began_s)  # and if its successor is gone again, it stays
        elif found is None and self._may_move():
            found = await self._unless_over(self._found(cause, is_gone=is_gone))
        self._held = (held.frames, late.frames)
        if isinstance(found, Ending):
            return found
        if found is None:
            self._stay()
            self.reconsider()
            return False
        if not is_gone:
            self._settle()
        self._alarms.stop()
        self._enter(found)
        found.passage.go_live()
        self._held = (held.frames, ())
        self._cause = self._kept_back = None
        self._say_farewell(old.upstream)
        self._tell_moved(cause, old.upstream, self.clock() - began_s)
        self.reconsider()
        return True

    def _settle(self) -> None:
        for event in settled(self.take_over.journal):
            self._now.passage.tell(event)

    def _stay(self) -> None:
        """Go on where we are, if that is possible: the client gets what was kept from it."""
        kept, self._kept_back, self._cause = self._kept_back, None, None
        self._left = asyncio.get_running_loop().create_future()
        if kept is not None:
            for told in self._now.passage.shown(*kept):
                self.downstream.connection.write(told)

    def _moves_left(self) -> int:
        since_s = self.clock() - _MINUTE_S
        self._moves_at_s = [at_s for at_s in self._moves_at_s if at_s > since_s]
        return self.settings.per_minute - len(self._moves_at_s)

    def _may_move(self) -> bool:
        if self._moves_left() <= 0:
            return False
        self._moves_at_s.append(self.clock())
        return True

    async def _found(self, cause: RehomeCause, *, is_gone: bool) -> Successor | None:
        shunned, only_elsewhere = {self.deployment.id}, cause is RehomeCause.RESPONSE_FAILED
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                if is_gone:
                    self._next = await self.take_over.find_in_time(shunned)
                else:
                    self._next = await self.take_over.find(shunned, only_elsewhere=only_elsewhere)
        except (TimeoutError, RealtimeError):
            return None
        return self._next

    async def _unless_over(self, work: Coroutine[Any, Any, _T]) -> _T | Ending:
        """Do *work*, unless the client leaves or the session is stopped: then return that."""
        task = asyncio.create_task(work)
        try:
            await first_of(task, self.downstream.ended, self.stopped)
            if task.done():
                return task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if self.downstream.ended.done():
            return Ending(Direction.CLIENT, self.downstream.ended.result())
        return Ending(None, self.stopped.result())

    def _tell_moved(self, cause: RehomeCause, old: Upstream, gap_s: float) -> None:
        new, continuity = self._now.upstream, self._now.continuity
        attempts, told = self.take_over.attempts, self._told_attempts
        self._told_attempts = len(attempts)
        record = SessionRehomed(
            session_id=self.take_over.request.id,
            cause=cause,
            from_deployment=old.deployment.id,
            to_deployment=new.deployment.id,
            gap_s=gap_s,
            items=continuity.told_items,
            replayed_bytes=continuity.told_bytes,
            lost=tuple(continuity.lost),
            attempts=tuple(attempts[told:]),
        )
        self.on_moved(new, record)
        self._next = None
        self.emit(record)

    # -- leaving ----------------------------------------------------------------------------------------

    def _say_farewell(self, old: Upstream) -> None:
        """Close an upstream that is left, beside the session. Nothing that it says is heard any more."""
        old.lease.release()
        old.leg.redirect(_unheard)
        self._beside(old.leg.close(_LEFT))

    def _beside(self, goodbye: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(goodbye)
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)


def _unheard(_frame: Frame) -> None:
    """A frame belongs to the upstream that it was read from, and that one is left."""
