"""aiohttp's server, but for what it says of requests that it cannot read, and what it waits for in vain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from attrs import define

from realtime_lb.errors import InternalError, InvalidRequest
from realtime_lb.server.door import refusal

if TYPE_CHECKING:
    from aiohttp.http_parser import HttpParser

__all__ = ["MOST_HEAD_BYTES", "Runner"]

MOST_HEAD_BYTES = 64 * 1024
"""Of one request. aiohttp alone would take 128 lines of 8 KiB of whoever connects, and it keeps each twice.
Other servers take 16 (HAProxy, Node) to 64 KiB (h11)."""

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


@define(eq=False)
class _Heads:
    """Stands before aiohttp's parser, which limits a head's lines and not what they come to.

    Attributes:
        parser: Gets all, until a head is too long.
    """

    parser: Any
    _head_bytes: int = 0
    _body: StreamReader = EMPTY_PAYLOAD

    def feed_data(self, data: bytes) -> tuple[Sequence[Any], bool, bytes]:
        """Return what aiohttp's parser made of it.

        Raises:
            BadHttpMessage: It is no HTTP, or the head has not ended after `MOST_HEAD_BYTES`.
        """
        messages, upgraded, tail = self.parser.feed_data(data)
        if messages:
            self._head_bytes, self._body = 0, messages[-1][1]
        elif self._body.is_eof():
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                raise BadHttpMessage("a head without end")
        return messages, upgraded, tail

    def message_consumed(self) -> None:
        self.parser.message_consumed()

    def set_upgraded(self, value: bool) -> None:  # noqa: FBT001  # aiohttp's
        self.parser.set_upgraded(value)


class _Requests(web.RequestHandler):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._parser = cast("HttpParser[Any]", _Heads(self._parser))

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
