"""Waiting for room in a full group: first come first served within a caller, callers in turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection

from attrs import define

from realtime_lb.leases import Lease, Leases

__all__ = ["FairQueue"]


@define(eq=False)
class _Ticket:
    able: Collection[str]
    turn: asyncio.Future[Lease]


class FairQueue:
    """Hands the lease that one session gives back to the next open that waits for it.

    The lease changes hands in the step in which it is given back, so that no newcomer can take it in
    between. Callers take turns by name: one that opens a hundred sessions at once does not keep the others
    waiting behind all of them.

    Args:
        leases: Whose room is waited for. The queue listens to what is given back.
        limit: How many may wait.
        may_take: Says whether a deployment, by id, may be given a session now.

    Attributes:
        limit: How many may wait.
    """

    def __init__(self, leases: Leases, limit: int, may_take: Callable[[str], bool]) -> None:
        self._leases = leases
        self.limit = limit
        self._may_take = may_take
        self._callers: dict[str, deque[_Ticket]] = {}
        self._waiting = 0
        leases.on_room = self._room

    async def wait(self, able: Collection[str], caller: str, timeout_s: float) -> Lease | None:
        """Wait for room on one of *able*, deployments by id.

        Returns:
            A lease on one of them; None if none came free within *timeout_s*, or too many wait already.

        Cancelling gives the place up, and the lease back if it has just come.
        """
        if self._waiting >= self.limit or timeout_s <= 0:
            return None
        ticket = _Ticket(able, asyncio.get_running_loop().create_future())
        self._callers.setdefault(caller, deque()).append(ticket)
        self._waiting += 1
        try:
            async with asyncio.timeout(timeout_s):
                return await ticket.turn
        except BaseException as error:
            if ticket.turn.done() and not ticket.turn.cancelled():
                ticket.turn.result().release()
            if isinstance(error, TimeoutError):
                return None
            raise
        finally:
            self._leave(caller, ticket)

    def _leave(self, caller: str, ticket: _Ticket) -> None:
        if ticket in self._callers.get(caller, ()):
            self._forget(caller, ticket)

    def _forget(self, caller: str, ticket: _Ticket) -> None:
        self._waiting -= 1
        line = self._callers[caller]
        line.remove(ticket)
        if not line:
            del self._callers[caller]

    def _room(self, deployment_id: str) -> None:
        """Give what came free to the next in turn who can use it."""
        found = self._next(deployment_id)
        if found is None or not self._may_take(deployment_id):
            return
        caller, ticket = found
        self._forget(caller, ticket)
        if caller in self._callers:
            self._callers[caller] = self._callers.pop(caller)  # behind all others: theirs is the next turn
        ticket.turn.set_result(self._leases.acquire(deployment_id))

    def _next(self, deployment_id: str) -> tuple[str, _Ticket] | None:
        for caller, line in self._callers.items():
            for ticket in line:
                if deployment_id in ticket.able and not ticket.turn.done():
                    return caller, ticket
        return None
