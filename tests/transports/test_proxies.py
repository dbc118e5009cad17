"""An egress proxy that lets a dial through: whoever reads the frames, they go the same way."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from realtime_lb import DialRequest, Tls
from realtime_lb.frames import Close, Frame, Opcode
from realtime_lb.settings import LimitSettings
from realtime_lb.transports.aiohttp_transport import AiohttpTransport
from realtime_lb.transports.picows_transport import PicowsTransport
from tests.support import greet_and_echo
from tests.transports.pairs import Dials


@asynccontextmanager
async def tunnels() -> AsyncIterator[tuple[str, list[str]]]:
    """A proxy that knows CONNECT; its address, and where it was asked to go."""
    asked: list[str] = []

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(request.split("\r\n", maxsplit=1)[0])
        host, port = request.split()[1].split(":")
        there, back = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Go ahead\r\n\r\n")
        await asyncio.gather(pass_on(reader, back), pass_on(there, writer), return_exceptions=True)

    proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    async with proxy:
        yield f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}", asked


@asynccontextmanager
async def echoes(authority: trustme.CA) -> AsyncIterator[int]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)

    async def handler(request: web.Request) -> web.StreamResponse:
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        await greet_and_echo(websocket)
        return websocket

    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("dials", [AiohttpTransport, PicowsTransport], ids=["aiohttp", "picows"])
async def test_tls_through_a_tunnel(dials: Dials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    transport = dials(LimitSettings())
    async with echoes(authority) as port, tunnels() as (address, asked):
        monkeypatch.setenv("https_proxy", address)
        dial = DialRequest(url=f"wss://localhost:{port}/", tls=Tls(ca_file=tmp_path / "ca.pem"))
        connection = await transport.connect(dial, 5.0)
        heard: list[bytes] = []
        both = asyncio.Event()

        def take(frame: Frame) -> None:
            heard.append(bytes(frame.payload))
            if len(heard) == 2:
                both.set()

        pumping = asyncio.create_task(connection.pump(take))
        connection.write(Frame(Opcode.TEXT, b"x" * 100_000))
        await both.wait()
        await connection.close()
        assert await pumping == Close(1000)
        await transport.aclose()
    assert heard[1] == b"x" * 100_000
    assert asked == [f"CONNECT localhost:{port} HTTP/1.1"]
