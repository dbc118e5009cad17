"""Dialling upstreams with aiohttp: every default that would hurt a long-lived socket is set on purpose."""

from __future__ import annotations

import asyncio
import errno
import math
import os
import socket
import ssl
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from realtime_lb.abc import Connection
from realtime_lb.deployments import Tls
from realtime_lb.errors import DialError, DialTimedOut, HandshakeRefused, OutOfFiles, UpstreamUnreachable
from realtime_lb.errors.bare import bare
from realtime_lb.health import LONGEST_DELAY_S
from realtime_lb.requests import DialRequest
from realtime_lb.settings import LimitSettings
from realtime_lb.transports.aiohttp_connection import AiohttpConnection
from realtime_lb.transports.answers import unmetered
from realtime_lb.transports.connector import Connector, StartTls
from realtime_lb.typing import Secret

__all__ = ["AiohttpTransport", "over_http", "plain_headers"]

_SHARED_STORE = Tls()
_OUR_SHORTAGE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_HTTP_SCHEMES = {"ws": "http", "wss": "https"}


class _Websocket(aiohttp.ClientWebSocketResponse[Any]):
    """Remembers its transport, which aiohttp offers no way to abort, and how to let go of it."""

    def __init__(
        self, reader: Any, writer: Any, protocol: Any, response: Any, *rest: Any, **named: Any
    ) -> None:
        super().__init__(reader, writer, protocol, response, *rest, **named)
        self.transport: asyncio.Transport = response.connection.transport
        unmetered(self.transport, response.connection.protocol)
        self.release: Callable[[], None] = response.close


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
        url = over_http(URL(dial.url))
        websocket = await self._http().ws_connect(
            url,
            headers=plain_headers(dial),
            protocols=dial.subprotocols,
            proxy=self._proxy_for(url),
            ssl=await self._tls(url, dial.tls),
            autoclose=False,
            autoping=False,
            heartbeat=self._limits.heartbeat_s,
            timeout=aiohttp.ClientWSTimeout(ws_close=self._limits.close_timeout_s),
            compress=0,
            max_msg_size=self._limits.max_message_bytes + 1,  # aiohttp takes what is smaller
            decode_text=False,
        )
        if not isinstance(websocket, _Websocket):
            raise TypeError("aiohttp did not use the class it was given")
        return AiohttpConnection(websocket, websocket.transport, self._limits, websocket.release)

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
                ws_response_class=_Websocket,
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


def plain_headers(dial: DialRequest) -> dict[str, str]:
    """Return the headers of *dial* as they go over the wire."""
    return {
        name: value.reveal() if isinstance(value, Secret) else value for name, value in dial.headers.items()
    }


def over_http(url: URL) -> URL:
    """Return *url* as the HTTP request that opens it; a proxy knows no ``ws://``.

    Raises:
        ValueError: It is no websocket address.
    """
    if url.scheme not in _HTTP_SCHEMES:
        raise ValueError(f"not a websocket scheme: {url.scheme!r}")
    return url.with_scheme(_HTTP_SCHEMES[url.scheme])


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
