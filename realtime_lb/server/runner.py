"""aiohttp's server, but for what it says of requests that it cannot read, and what it waits for in vain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from realtime_lb.errors import InternalError, InvalidRequest
from realtime_lb.server.door import refusal

__all__ = ["Runner"]

_log = logging.getLogger("realtime_lb.server")

_Handler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Runner(web.AppRunner):
    """Runs an application whose clients and log are told in fixed words what is wrong with a request.

    aiohttp's words would quote it, keys too.
    """

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        handler = _expecting_nothing_else(made.request_handler)
        return _Server(handler, request_factory=made.request_factory, **made._kwargs)  # noqa: SLF001


def _expecting_nothing_else(handler: _Handler) -> _Handler:
    """Refuse expectations that nobody knows: aiohttp would repeat them, or fail to."""

    async def refuse() -> web.StreamResponse:
        return refusal(InvalidRequest("Only 100-continue can be expected", code="unknown_expectation"))

    def handle(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        expected = request.headers.get("Expect")
        is_known = expected is None or expected.lower() == "100-continue"
        return handler(request) if is_known else refuse()

    return handle


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Requests(self, loop=self._loop, **self._kwargs)


class _Requests(web.RequestHandler):
    def connection_lost(self, exc: BaseException | None) -> None:
        """Let go of all that was for this client.

        aiohttp tells the request that is being handled. Behind that it reads what is left of its body, and
        would wait for it as long as for one that can still come.
        """
        lingering: asyncio.Task[None] | None = None
        if self._current_request is None:
            lingering = self._task_handler
        super().connection_lost(exc)
        if lingering is not None:
            lingering.cancel()

    async def start(self) -> None:
        """Read requests, unless the connection was closed before the first turn: aiohttp would raise then."""
        if self.transport is not None:
            await super().start()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  # aiohttp's words, which quote the request
    ) -> web.StreamResponse:
        """Answer what is no HTTP, or what nobody foresaw. The connection closes after it."""
        if request.writer.output_size > 0:
            raise ConnectionError("something of an answer was sent already")
        if isinstance(exc, HttpProcessingError):
            _log.debug("a request from %s is not HTTP: %s", request.remote, type(exc).__name__)
            return refusal(InvalidRequest("The request is not valid HTTP", code="malformed_request"))
        _log.error("a defect ended a request from %s with %d", request.remote, status, exc_info=exc)
        return refusal(InternalError())
