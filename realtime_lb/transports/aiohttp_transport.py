"""Dialling upstreams with aiohttp: every default that would hurt a long-lived socket is set on purpose."""

from __future__ import annotations

import asyncio
import errno
import math
import os
import socket
import ssl
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_websocket import WebSocketWriter
from yarl import URL

from realtime_lb.abc import Connection
from realtime_lb.deployments import Tls
from realtime_lb.errors import DialError, DialTimedOut, HandshakeRefused, OutOfFiles, UpstreamUnreachable
from realtime_lb.errors.bare import bare
from realtime_lb.health import LONGEST_DELAY_S
from realtime_lb.requests import DialRequest
from realtime_lb.settings import LimitSettings
from realtime_lb.transports.aiohttp_connection import AiohttpConnection
from realtime_lb.transports.aiohttp_messages import messages_of
from realtime_lb.transports.answers import unmetered
from realtime_lb.transports.connector import Connector, StartTls
from realtime_lb.transports.handshake import check_answer, new_key, over_http, upgrade_headers

__all__ = ["AiohttpTransport"]

_SHARED_STORE = Tls()
_OUR_SHORTAGE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class AiohttpTransport:
    """A `Transport` over aiohttp.

    Dials with no limit on connections (aiohttp's default of 100 would hang the 101st session), no compression
    (a bomb inflates a thousandfold and holds the loop; a server that agrees to it unasked is refused), no
    cookies, no redirects, and egress proxies as ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY`` say at the
    first dial.

    Args:
        limits: What a connection may cost.
    """

    _start_tls: StartTls | None = None

    def __init__(self, limits: LimitSettings | None = None) -> None:
        self._limits = limits or LimitSettings()
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._tls_contexts: dict[Tls, ssl.SSLContext] = {}
        self._reading_trust = asyncio.Lock()
        self._proxies: Mapping[str, str] | None = None

    async def connect(self, dial: DialRequest, timeout_s: float) -> Connection:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._connect(dial)
        except TimeoutError:
            failure: DialError = DialTimedOut(f"No handshake within {timeout_s:g} s")
        except asyncio.CancelledError as cancelled:
            bare(cancelled)
            raise
        except HandshakeRefused as redirect:
            failure = HandshakeRefused(bare(redirect).status)
        except aiohttp.WSServerHandshakeError as refusal:
            delay_s = _retry_after_s(refusal.headers or {}, datetime.now(UTC))
            failure = HandshakeRefused(refusal.status, retry_after_s=delay_s)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            cause = _network_error(error)
            ours = cause is not None and cause.errno in _OUR_SHORTAGE
            failure = OutOfFiles() if ours else UpstreamUnreachable(f"No connection: {_reason(error)}")
            failure.__cause__ = cause
        # Raised out here it has none of aiohttp's errors about it: they and their frames hold the credential.
        raise failure

    async def _connect(self, dial: DialRequest) -> Connection:
        url, key = over_http(URL(dial.url)), new_key()
        response = await self._http().get(
            url,
            headers=upgrade_headers(dial, key),
            proxy=self._proxy_for(url),
            ssl=await self._tls(url, dial.tls),
            read_until_eof=False,
        )
        try:
            check_answer(response, key)
            return self._opened(response, *_ends(response))
        except BaseException:
            response.close()
            raise

    def _opened(
        self, response: aiohttp.ClientResponse, protocol: ResponseHandler, transport: asyncio.Transport
    ) -> Connection:
        """Return what is to be read and written from now on, with all that has come behind the answer."""
        messages, parser = messages_of(protocol, self._limits)
        websocket = aiohttp.ClientWebSocketResponse[Any](
            messages,
            WebSocketWriter(protocol, transport, use_mask=True),
            None,
            response,
            aiohttp.ClientWSTimeout(ws_close=self._limits.close_timeout_s),
            autoclose=False,
            autoping=False,
            loop=asyncio.get_running_loop(),
        )
        websocket._parser = parser  # noqa: SLF001  # as aiohttp does: the messages refer to it weakly
        protocol.set_parser(parser, messages, messages.begin)
        unmetered(transport, protocol)
        return AiohttpConnection(websocket, messages, transport, self._limits, response.close)

    def _proxy_for(self, url: URL) -> str | None:
        """Return the egress proxy that the environment names for *url*.

        Not aiohttp's ``trust_env``, which would also read credentials from ``~/.netrc``, and which goes
        through all of the environment for each dial.
        """
        if self._proxies is None:
            self._proxies = urllib.request.getproxies()
        if not self._proxies or urllib.request.proxy_bypass(url.authority):
            return None
        return self._proxies.get(url.scheme) or self._proxies.get("all")

    def _http(self) -> aiohttp.ClientSession:
        if self._closed:
            raise ValueError("the transport is closed")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=Connector(self._start_tls),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                middlewares=(_refuse_surprises,),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
            )
        return self._session

    async def _tls(self, url: URL, tls: Tls) -> ssl.SSLContext | bool:
        if not tls.verify:
            return False
        if tls == _SHARED_STORE and (self._start_tls is None or url.scheme == "http"):
            return True  # aiohttp has read it
        if tls not in self._tls_contexts:
            async with self._reading_trust:
                if tls not in self._tls_contexts:
                    self._tls_contexts[tls] = await asyncio.to_thread(self._trusting, tls.ca_file)
        return self._tls_contexts[tls]

    @staticmethod
    def _trusting(ca_file: Path | None) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=ca_file)

    async def aclose(self) -> None:
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _ends(response: aiohttp.ClientResponse) -> tuple[ResponseHandler, asyncio.Transport]:
    """Return what aiohttp reads with, and from where."""
    connection = response.connection
    if connection is None or connection.protocol is None or connection.transport is None:
        raise ConnectionResetError("the upstream is gone")
    return connection.protocol, connection.transport


def _network_error(error: Exception) -> OSError | None:
    """Return what the system said, without what aiohttp has wrapped around it."""
    cause = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
    if not isinstance(cause, OSError) or isinstance(cause, aiohttp.ClientError):
        return None
    cause.__cause__ = cause.__context__ = None
    return bare(cause)


def _reason(error: Exception) -> str:
    """Say why without saying where: the texts of aiohttp's and asyncio's errors hold the address."""
    cause = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    if isinstance(cause, socket.gaierror):
        return "no such host"
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno)
    return type(error).__name__


async def _refuse_surprises(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Refuse what nobody asked for.

    A redirect: a credential goes where the configuration says and nowhere else. An extension (RFC 6455,
    section 9.1): a server that compresses although nobody offered it could not be read.
    """
    response = await handler(request)
    redirects = 300 <= response.status < 400
    if redirects or (response.status == 101 and "Sec-WebSocket-Extensions" in response.headers):
        response.close()
        raise HandshakeRefused(response.status)
    return response


def _retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read ``retry-after-ms`` (Azure) or ``Retry-After``, in seconds or as a date (RFC 9110, 10.2.3)."""
    milliseconds, delay = headers.get("retry-after-ms"), headers.get("Retry-After")
    try:
        if milliseconds is not None:
            seconds = float(milliseconds) / 1000
        elif delay is None:
            return None
        elif delay.strip().replace(".", "", 1).isdigit():
            seconds = float(delay)
        else:
            seconds = (parsedate_to_datetime(delay) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):  # dates of years beyond all, too
        return None
    return min(max(seconds, 0.0), LONGEST_DELAY_S) if math.isfinite(seconds) else None
