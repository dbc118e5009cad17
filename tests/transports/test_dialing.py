"""Dialling: every failure has its name, and no default of the library underneath decides anything."""

import asyncio
import itertools
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvloop
from aiohttp import web
from attrs import evolve

from realtime_lb import DialRequest, LimitSettings, Secret, Tls
from realtime_lb.abc import Transport
from realtime_lb.errors import DialTimedOut, HandshakeRefused, UpstreamUnreachable
from realtime_lb.frames import Frame, Opcode
from realtime_lb.transports.aiohttp_connection import AiohttpConnection
from realtime_lb.transports.aiohttp_transport import AiohttpTransport
from realtime_lb.transports.handshake import accept_key
from realtime_lb.transports.picows_connection import PicowsConnection
from realtime_lb.transports.picows_transport import PicowsTransport
from tests.transports.pairs import Dials, aiohttp_pair, picows_pair


@asynccontextmanager
async def server(answer: web.Application, ssl_context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    runner = web.AppRunner(answer, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context).start()
        scheme = "ws" if ssl_context is None else "wss"
        yield f"{scheme}://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture(params=[AiohttpTransport, PicowsTransport], ids=["aiohttp", "picows"])
def dials(request: pytest.FixtureRequest) -> Any:
    """The transport that a story is told of."""
    return request.param


@asynccontextmanager
async def transport(dials: Dials, limits: LimitSettings | None = None) -> AsyncIterator[Transport]:
    dialling = dials(limits or LimitSettings())
    try:
        yield dialling
    finally:
        await dialling.aclose()
        await dialling.aclose()


async def websocket(request: web.Request) -> web.StreamResponse:
    accepted = web.WebSocketResponse(protocols=("realtime",))
    await accepted.prepare(request)
    await accepted.send_str(request.headers.get("X-Key", ""))
    await accepted.receive()
    return accepted


def app() -> web.Application:
    application = web.Application()
    application.router.add_get("/", websocket)
    return application


def answering(status: int, headers: dict[str, str]) -> web.Application:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    application = web.Application()
    application.router.add_get("/", answer)
    return application


@pytest.mark.parametrize(
    ("headers", "delay_s"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"Retry-After": "soon"}, None),
        ({"retry-after-ms": "x"}, None),
        ({"retry-after-ms": "inf"}, None),
        ({"retry-after-ms": "nan"}, None),
        ({"retry-after-ms": "-5"}, 0.0),
        ({"Retry-After": "99999999"}, 86_400.0),
        ({"Retry-After": format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)}, 0.0),
    ],
)
async def test_a_refused_handshake_tells_its_status_and_its_delay(
    dials: Dials, headers: dict[str, str], delay_s: float | None
) -> None:
    async with server(answering(429, headers)) as url, transport(dials) as dialling:
        with pytest.raises(HandshakeRefused) as refusal:
            await dialling.connect(DialRequest(url=url), 5.0)
    assert (refusal.value.status, refusal.value.retry_after_s) == (429, delay_s)


@pytest.mark.parametrize(
    "wrong",
    [{"Sec-WebSocket-Accept": "AAAA"}, {"Upgrade": "h2c"}, {"Connection": "close"}],
    ids=lambda wrong: next(iter(wrong)),
)
async def test_a_101_that_opens_no_websocket_is_a_refusal(dials: Dials, wrong: dict[str, str]) -> None:
    """As of a cache that answers with somebody else's. Its socket is closed."""
    gone = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = request.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
        right = {"Upgrade": "websocket", "Connection": "upgrade", "Sec-WebSocket-Accept": accept_key(key)}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**right, **wrong}.items())
        writer.write(f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode())
        await reader.read()
        writer.close()
        gone.set()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, transport(dials) as dialling:
        with pytest.raises((HandshakeRefused, UpstreamUnreachable)):
            await dialling.connect(DialRequest(url=url), 5.0)
        await gone.wait()


async def test_no_handshake_comes_behind_a_refused_one(dials: Dials) -> None:
    """Each has a connection of its own, though the upstream would keep the last one open."""
    ports = []

    async def refuse(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        ports.append(request.transport.get_extra_info("peername")[1])
        return web.Response(status=429)

    refusing = web.Application()
    refusing.router.add_get("/", refuse)
    async with server(refusing) as url, transport(dials) as dialling:
        for _ in range(3):
            with pytest.raises(HandshakeRefused):
                await dialling.connect(DialRequest(url=url), 5.0)
    assert len(set(ports)) == 3


async def test_a_delay_may_be_a_date(dials: Dials) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True)
    async with server(answering(503, {"Retry-After": later})) as url, transport(dials) as dialling:
        with pytest.raises(HandshakeRefused) as refusal:
            await dialling.connect(DialRequest(url=url), 5.0)
    assert refusal.value.retry_after_s == pytest.approx(120, abs=30)


async def test_a_redirect_is_a_refusal_and_is_not_followed(dials: Dials) -> None:
    stolen: list[str] = []

    async def steal(request: web.Request) -> web.StreamResponse:
        stolen.append(request.headers.get("Authorization", ""))
        return web.Response()

    elsewhere = web.Application()
    elsewhere.router.add_get("/", steal)
    async with (
        server(elsewhere) as target,
        server(answering(302, {"Location": target.replace("ws", "http")})) as url,
        transport(dials) as dialling,
    ):
        with pytest.raises(HandshakeRefused) as refusal:
            await dialling.connect(DialRequest(url=url, headers={"Authorization": Secret("Bearer k")}), 5.0)
    assert refusal.value.status == 302
    assert stolen == []


async def test_who_does_not_answer_in_time_is_let_go(dials: Dials) -> None:
    closed = asyncio.Event()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass
        closed.set()
        writer.close()

    silent = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with silent, transport(dials) as dialling:
        with pytest.raises(DialTimedOut):
            await dialling.connect(DialRequest(url=f"ws://127.0.0.1:{port}/"), 0.1)
        await closed.wait()


@pytest.mark.parametrize(
    "url",
    ["ws://127.0.0.1:1/", "ws://no-such-host.invalid/", "ftp://127.0.0.1/", "ws://127.0.0.1:99999/"],
)
async def test_who_cannot_be_reached_is_unreachable_and_its_address_not_told(dials: Dials, url: str) -> None:
    async with transport(dials) as dialling:
        with pytest.raises(UpstreamUnreachable) as error:
            await dialling.connect(DialRequest(url=url), 5.0)
    assert "127.0.0.1" not in str(error.value)
    assert "no-such-host" not in str(error.value)


async def test_what_is_no_http_is_unreachable(dials: Dials) -> None:
    async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n" * 10)
        await writer.drain()
        writer.close()

    nonsense = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = nonsense.sockets[0].getsockname()[1]
    async with nonsense, transport(dials) as dialling:
        with pytest.raises((UpstreamUnreachable, HandshakeRefused)):
            await dialling.connect(DialRequest(url=f"ws://127.0.0.1:{port}/"), 5.0)


async def test_more_sessions_than_aiohttps_default_hundred_are_open_at_once(dials: Dials) -> None:
    async with server(app()) as url, transport(dials) as dialling, AsyncExitStack() as stack:
        for _ in range(130):
            connection = await dialling.connect(DialRequest(url=url + "/"), 5.0)
            stack.callback(connection.abort)


async def test_headers_and_subprotocols_are_sent_and_nothing_of_aiohttps_own(dials: Dials) -> None:
    seen: dict[str, str] = {}

    async def look(request: web.Request) -> web.StreamResponse:
        seen.update(request.headers)
        return await websocket(request)

    application = web.Application()
    application.router.add_get("/", look)
    dial = DialRequest(
        url="", headers={"X-Key": Secret("s3cret"), "X-Plain": "p"}, subprotocols=("realtime",)
    )
    async with server(application) as url, transport(dials) as dialling:
        connection = await dialling.connect(evolve(dial, url=url + "/"), 5.0)
        first: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        pumping = asyncio.create_task(connection.pump(lambda f: first.set_result(bytes(f.payload))))
        assert await first == b"s3cret"
        await connection.close()
        await pumping
    assert (seen["X-Key"], seen["X-Plain"], seen["Sec-WebSocket-Protocol"]) == ("s3cret", "p", "realtime")
    assert not {"User-Agent", "Accept", "Cookie", "Sec-WebSocket-Extensions"} & set(seen)


def tls_server(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


async def test_tls_is_verified_unless_that_was_switched_off(dials: Dials, tmp_path: Path) -> None:
    """A private CA is trusted where its bundle is named, and only for the host that it vouched for."""
    authority = trustme.CA()
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    right, wrong = authority.issue_cert("localhost"), authority.issue_cert("elsewhere.example")
    private = Tls(ca_file=bundle)
    async with (
        server(app(), tls_server(right)) as url,
        server(app(), tls_server(wrong)) as wrong_name,
        transport(dials) as dialling,
    ):
        for refused in (DialRequest(url=url), DialRequest(url=wrong_name, tls=private)):
            with pytest.raises(UpstreamUnreachable):
                await dialling.connect(refused, 5.0)
        for accepted in (
            DialRequest(url=url, tls=private),
            DialRequest(url=url, tls=private),
            DialRequest(url=wrong_name, tls=Tls(verify=False)),
        ):
            connection = await dialling.connect(accepted, 5.0)
            connection.write(Frame(Opcode.TEXT, b"hello"))
            connection.abort()


async def test_no_dial_writes_a_file(dials: Dials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As some decode certificates. A disk may be full, or all of it read-only."""
    authority, bundle = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    served = tls_server(authority.issue_cert("localhost"))
    monkeypatch.setattr(tempfile, "tempdir", "/proc/none")
    async with server(app(), served) as url, transport(dials) as dialling:
        connection = await dialling.connect(DialRequest(url=url, tls=Tls(ca_file=bundle)), 5.0)
        connection.abort()


async def test_a_crowd_of_first_dials_reads_whom_to_trust_once(
    dials: Dials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, bundle = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    served, read = tls_server(authority.issue_cert("localhost")), ssl.create_default_context
    times = itertools.count()

    def counted(**named: Any) -> ssl.SSLContext:
        next(times)
        return read(**named)

    monkeypatch.setattr(ssl, "create_default_context", counted)
    async with server(app(), served) as url, transport(dials) as dialling:
        dial = DialRequest(url=url, tls=Tls(ca_file=bundle))
        for connection in await asyncio.gather(*(dialling.connect(dial, 5.0) for _ in range(10))):
            connection.abort()
    assert next(times) == 1


async def test_egress_goes_through_the_proxy_that_the_environment_names(
    dials: Dials,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``HTTPS_PROXY`` for wss (by CONNECT), ``HTTP_PROXY`` for ws, neither for hosts in ``NO_PROXY``."""
    asked: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).strip())
        writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    proxy = await asyncio.start_server(refuse, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, address)
    monkeypatch.setenv("no_proxy", "localhost")
    async with proxy, server(app()) as direct, transport(dials) as dialling:
        for url in ("ws://model.example/", "wss://model.example/"):
            with pytest.raises((HandshakeRefused, UpstreamUnreachable)):
                await dialling.connect(DialRequest(url=url), 5.0)
        connection = await dialling.connect(DialRequest(url=direct), 5.0)
        connection.abort()
    assert asked == [b"GET http://model.example/ HTTP/1.1", b"CONNECT model.example:443 HTTP/1.1"]


async def test_cancelling_a_dial_leaves_no_socket(dials: Dials) -> None:
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        arrived.set()
        while await reader.read(1024):
            pass
        gone.set()
        writer.close()

    silent = await asyncio.start_server(wait, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with silent, transport(dials) as dialling:
        dial = asyncio.create_task(dialling.connect(DialRequest(url=f"ws://127.0.0.1:{port}/"), 5.0))
        await arrived.wait()
        dial.cancel()
        await asyncio.wait({dial})
        assert dial.cancelled()
        await gone.wait()


async def test_a_peer_that_answers_no_ping_is_dead(dials: Dials) -> None:
    """A frozen peer keeps its socket open and says nothing; the heartbeat tells."""
    frozen = asyncio.Event()

    async def freeze(request: web.Request) -> web.StreamResponse:
        accepted = web.WebSocketResponse(autoping=False)
        await accepted.prepare(request)
        await frozen.wait()
        return accepted

    application = web.Application()
    application.router.add_get("/", freeze)
    limits = LimitSettings(heartbeat_s=0.1, close_timeout_s=0.1)
    async with server(application) as url, transport(dials, limits) as dialling:
        connection = await dialling.connect(DialRequest(url=url), 5.0)
        end = await connection.pump(lambda _frame: None)
        await connection.close()
        frozen.set()
    assert end.code == 1006


async def test_a_closed_transport_dials_no_more(dials: Dials) -> None:
    async with server(app()) as url, transport(dials) as dialling:
        await dialling.aclose()
        with pytest.raises(UpstreamUnreachable):
            await dialling.connect(DialRequest(url=url), 5.0)


async def test_a_ping_that_finds_its_peer_gone_is_a_loss_and_no_exception() -> None:
    """aiohttp answers pings while it reads, and the answer may be what finds the socket dead."""
    async with aiohttp_pair() as (near, far):
        assert isinstance(near, AiohttpConnection)
        assert isinstance(far, AiohttpConnection)
        near.pause()
        pumping = asyncio.create_task(near.pump(lambda _frame: None))
        await asyncio.sleep(0)
        await far._websocket.ping()
        far.abort()
        # The loss of a socket is told to nobody who does not read.
        while not near._transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(0)
        near.resume()
        assert (await pumping).code == 1006
        near.abort()


@pytest.mark.parametrize("kind", [asyncio.SelectorEventLoop, uvloop.Loop], ids=["asyncio", "uvloop"])
def test_a_dial_does_not_wait_for_the_names_of_other_hosts(dials: Dials, kind: Any) -> None:
    """A loop looks names up in few threads, and name servers that say nothing may hold them all."""

    class NamesAreSlow(kind):  # type: ignore[misc]  # either
        async def getaddrinfo(self, *_host: Any, **_kind: Any) -> Any:
            await asyncio.Event().wait()

    async def story() -> None:
        async with server(app()) as url, transport(dials) as dialling:
            connection = await dialling.connect(DialRequest(url=url.replace("localhost", "127.0.0.1")), 5.0)
            connection.abort()

    with closing(NamesAreSlow()) as loop:
        loop.run_until_complete(story())


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has these options")
@pytest.mark.parametrize("make_pair", [aiohttp_pair, picows_pair], ids=["aiohttp", "picows"])
async def test_the_kernel_is_told_how_long_to_wait_and_how_much_to_hold(make_pair: Any) -> None:
    async with make_pair(LimitSettings(stall_timeout_s=7.0)) as pair:
        for connection in pair:
            assert isinstance(connection, AiohttpConnection | PicowsConnection)
            raw = connection._transport.get_extra_info("socket")
            assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 14_000
            assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == 128 * 1024
            connection.abort()


async def test_no_compression_is_agreed_on_by_aiohttp() -> None:
    async with aiohttp_pair() as pair:
        for connection in pair:
            assert isinstance(connection, AiohttpConnection)
            assert connection._websocket.compress == 0
            connection.abort()
