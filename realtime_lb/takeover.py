"""Finding an upstream that takes a live session over, and telling it what the session has come to."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Callable, Collection, Sequence

from attrs import define

from realtime_lb.attempts import Upstream
from realtime_lb.deployments import ModelGroup
from realtime_lb.dialer import Dialer
from realtime_lb.errors import InvalidRequest, RealtimeError
from realtime_lb.frames import Frame
from realtime_lb.journal import Continuity, Journal, Phase
from realtime_lb.legs import Leg
from realtime_lb.passage import Passage
from realtime_lb.records import Attempt, Record
from realtime_lb.requests import SessionRequest
from realtime_lb.translation import translator_for
from realtime_lb.waiting import first_of

__all__ = ["Successor", "TakeOver"]

LOOKS_EVERY_S, LOOKS_AFTER_S = 1.0, 0.05
"""At the latest, and at the earliest. So often somebody may be found to be back where all are down."""


def _new_id() -> str:
    return uuid.uuid4().hex[:20]


@define(eq=False)
class Successor:
    """An upstream, and how frames pass between it and the client.

    Attributes:
        upstream: The upstream.
        passage: The way to it.
    """

    upstream: Upstream
    passage: Passage

    @property
    def continuity(self) -> Continuity:
        """How it takes over from the one before."""
        return self.passage.continuity


@define(kw_only=True, eq=False)
class TakeOver:
    """Finds upstreams for one session.

    Attributes:
        request: What the client wants.
        groups: Returns where it may be now; may raise a `RealtimeError`.
        dialer: Dials.
        journal: What it has come to.
        downstream: Its client.
        emit: Takes records.
        attempts: Gets one entry for each dial.
    """

    request: SessionRequest
    groups: Callable[[], Sequence[ModelGroup]]
    dialer: Dialer
    journal: Journal
    downstream: Leg
    emit: Callable[[Record], None]
    attempts: list[Attempt]

    def first(self, upstream: Upstream) -> Successor:
        """Return the upstream that the session begins with."""
        return self._with(upstream, Continuity.first(self.journal, _new_id), self.request)

    def _with(self, upstream: Upstream, continuity: Continuity, request: SessionRequest) -> Successor:
        translator = translator_for(
            request,
            upstream.deployment,
            dialect=upstream.dialect,
            quirks=upstream.quirks,
            emit=self.emit,
        )
        passage = Passage(
            self.journal,
            translator,
            continuity,
            write_up=upstream.leg.connection.write,
            write_down=self.downstream.connection.write,
        )
        return Successor(upstream, passage)

    async def find(
        self, shunned: Collection[str], *, only_elsewhere: bool = False, in_good_time: bool = False
    ) -> Successor:
        """Return an upstream that has been told of the session and waits to go live.

        Args:
            shunned: Ids of deployments to leave out, unless nobody else is left.
            only_elsewhere: Leave them out in any case.
            in_good_time: The session goes on meanwhile.

        Raises:
            RealtimeError: There is none.

        Cancelling leaves no connection and no lease behind.
        """
        unfit = set(shunned)
        while True:
            try:
                upstream = await self._dialled(unfit)
            except RealtimeError:
                if only_elsewhere or not unfit:
                    raise
                unfit, only_elsewhere = unfit - set(shunned), True
                continue
            continuity = Continuity(self.journal, _new_id, in_good_time=in_good_time)
            successor = self._with(upstream, continuity, self._as_spoken())
            if await self._was_told(successor):
                return successor
            await upstream.discard()
            unfit.add(upstream.deployment.id)

    async def find_in_time(self, shunned: Collection[str]) -> Successor:
        """Like `find`, but where there is nobody look again until there is: whoever calls bounds that.

        Deployments that restart one after the other are not all gone, and a moment later that is known.

        Raises:
            InvalidRequest: Nobody could serve such a session.
        """
        for before in itertools.count():
            try:
                return await self.find(shunned)
            except InvalidRequest:
                raise
            except RealtimeError:
                await asyncio.sleep(min(LOOKS_EVERY_S, max(LOOKS_AFTER_S, self.dialer.wait_s(before))))
        raise AssertionError  # it counts for ever

    async def _dialled(self, unfit: Collection[str]) -> Upstream:
        return await self.dialer.dial(self.groups(), self.request, self.attempts, shunned=unfit)

    def _as_spoken(self) -> SessionRequest:
        """Return the request with the dialect that the client has turned out to speak."""
        spoken = self.journal.words.dialect
        if spoken is self.request.dialect:
            return self.request
        return self.request.spoken_as(spoken)

    async def _was_told(self, successor: Successor) -> bool:
        """Tell an upstream of the session; say whether it has taken that in."""
        upstream = successor.upstream
        try:
            return await self.answered(successor, upstream.taken())
        except BaseException:
            await upstream.discard()
            raise

    async def answered(self, successor: Successor, held: Sequence[Frame] = ()) -> bool:
        """Wait until an upstream has answered all that it was told; say whether it has."""
        upstream, continuity = successor.upstream, successor.continuity
        news: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def take(frame: Frame) -> None:
            for told in successor.passage.from_upstream(frame):
                self.downstream.connection.write(told)
            if (continuity.is_ready or continuity.phase is Phase.FAILED) and not news.done():
                news.set_result(None)

        successor.passage.flush()
        if continuity.is_ready:
            return True
        upstream.leg.redirect(take)
        for frame in held:
            take(frame)
        upstream.leg.connection.resume()
        await first_of(news, upstream.leg.ended)
        return news.done() and continuity.phase is not Phase.FAILED and not upstream.leg.ended.done()
