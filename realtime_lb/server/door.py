"""The websocket route: admit, place, and only then upgrade."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web

from realtime_lb.abc import Authenticator, Connection
from realtime_lb.errors import DownstreamClosed, InvalidRequest, RealtimeError, UpgradeRequired
from realtime_lb.requests import SessionRequest
from realtime_lb.router import RealtimeRouter
from realtime_lb.server.gate import Gate
from realtime_lb.server.reading import session_request
from realtime_lb.transports.aiohttp_upgrade import is_handshake
from realtime_lb.transports.lanes import LaneName, accept, lane_or_best

__all__ = ["Handler", "close_refused", "realtime_handler", "refusal"]

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOOK_FOR_CLIENT_EVERY_S = 0.1
"""aiohttp tells a handler nothing of a client that leaves while an upstream is being dialled."""


def realtime_handler(
    router: RealtimeRouter, *, authenticator: Authenticator | None = None, lane: LaneName | None = None
) -> Handler:
    """Return an aiohttp handler that balances realtime sessions, for an app of your own.

    Args:
        router: Places the sessions. Yours to close.
        authenticator: Tells who calls; None means the settings' ``master_key``, or everybody without one.
        lane: What reads clients once they are let in: ``fast`` (picows) or ``aiohttp``; None means the best
            that is installed.

    Raises:
        MissingExtra: *lane* is ``fast``, and picows is not installed.
    """
    lane = lane_or_best(lane)
    server = router.settings.server
    gate = Gate(server, authenticator)

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            principal = await gate.admit(request)
            if not is_handshake(request):
                raise UpgradeRequired
            if request.body_exists:  # behind a 101 it would be frames to one and a request to another
                raise InvalidRequest("A websocket handshake has no body", code="unexpected_body")
            return await _serve(router, session_request(request, principal, server), request, lane)
        except RealtimeError as error:
            return refusal(error)

    return handle


def refusal(error: RealtimeError) -> web.Response:
    """Return *error* as an HTTP answer, after which the connection closes.

    A refused upgrade must not be followed by another request on the same connection: what came after it may
    have been meant as websocket data.
    """
    response = web.json_response(error.as_body(), status=error.http_status)
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    response.force_close()
    return response


async def close_refused(request: web.Request, response: web.StreamResponse) -> None:
    """Have the connection closed after any answer to an upgrade that is none, whoever answers.

    For an application's ``on_response_prepare``: what is no route of ours aiohttp answers, and it would go on
    to read the next request.
    """
    if "Upgrade" in request.headers and response.status != 101:
        response.headers["Connection"] = "close"
        response.force_close()


async def _serve(
    router: RealtimeRouter, wanted: SessionRequest, request: web.Request, lane: LaneName
) -> web.StreamResponse:
    response: web.StreamResponse | None = None

    async def upgrade() -> Connection:
        nonlocal response
        waiting.stop()
        response, connection = await accept(lane, request, router.settings.limits)
        return connection

    waiting = _Waiting(request)
    try:
        await router.serve(wanted, upgrade)
    except RealtimeError:
        if response is None:
            raise
    except asyncio.CancelledError:
        if response is None and waiting.was_in_vain():
            raise DownstreamClosed from None
        raise
    finally:
        waiting.stop()
    assert response is not None  # noqa: S101  # a session that was not accepted has raised
    return response


class _Waiting:
    """Looks whether a client still waits for its answer, and ends this task's work when it has left."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._task = asyncio.current_task()
        self._has_cancelled = False
        self._look_again()

    def _look_again(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_LOOK_FOR_CLIENT_EVERY_S, self._look)

    def _look(self) -> None:
        transport = self._request.transport
        if transport is not None and not transport.is_closing():
            self._look_again()
        elif self._task is not None:
            self._has_cancelled = self._task.cancel()

    def was_in_vain(self) -> bool:
        """Say whether it is the client's leaving that has cancelled this task, and nobody else."""
        if self._task is None:
            return False
        return (self._task.uncancel() if self._has_cancelled else self._task.cancelling()) == 0

    def stop(self) -> None:
        """Look no more. Idempotent."""
        self._timer.cancel()
