"""No secret is told to anybody: not in a log, an error, a record, a page, a close or a traceback."""

import asyncio
import base64
import json
import logging
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import azure.identity.aio  # noqa: F401  # what its import starts, it starts before a loop is watched
import pytest
import trustme
from aiohttp import web
from attrs import evolve
from click.testing import CliRunner

from realtime_lb import (
    Deployment,
    EntraId,
    HealthSettings,
    LimitSettings,
    LoggingSettings,
    RoutingSettings,
    Secret,
    ServerSettings,
    SessionRequest,
    Settings,
)
from realtime_lb.cli import cli
from realtime_lb.providers import load_providers
from realtime_lb.server import listening, listening_admin
from realtime_lb.sinks import LogSink
from realtime_lb.sinks.setup import configure_logging
from tests import support
from tests.cli.configs import written
from tests.solid.canaries import CANARIES, Net, cast
from tests.solid.raw import UPGRADE, request, talk
from tests.solid.test_unreadable_requests import UNREADABLE
from tests.support import SESSION_CREATED, Gateway, Records, gateway, http_server

pytestmark = pytest.mark.usefixtures("logging_restored")

KEY = CANARIES["client_key"]
ADDRESS = "/v1/realtime?model=voice"
BEARER = f"Authorization: Bearer {KEY}"
SUBPROTOCOL = "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key."

SERVER = ServerSettings(master_key=Secret(KEY), allow_query_key=True)
SETTINGS: dict[str, Any] = {
    "server": SERVER,
    "logging": LoggingSettings(event_types=None, level="debug"),
    "health": HealthSettings(enabled=False),
    "routing": RoutingSettings(
        dial_timeout_s=0.3, open_timeout_s=1.0, tries=2, hedge=False, retry_wait_s=0.0
    ),
    "limits": LimitSettings(close_timeout_s=0.2),
}

log = logging.getLogger("figures")

FULL = bool(os.environ.get("SOLID_FULL"))
"""In full, each status is answered, and asyncio's debug mode tells of every callback for a while."""

RUNS = [("fast", "json"), ("aiohttp", "console")] if FULL else [("fast", "json")]

Act = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answers(status: int, **headers: str) -> Act:
    async def act(request: web.Request) -> web.StreamResponse:
        said = f"{dict(request.headers)}"  # all that it was told
        return web.Response(status=status, text=said, headers={**headers, "X-Said": said.replace("\n", " ")})

    return act


def says(*events: dict[str, Any], then: str = "close", reason: str = "") -> Act:
    """A server that repeats the credential that it was shown where ``KEY`` stands."""

    async def act(request: web.Request) -> web.StreamResponse:
        shown = request.headers.get("Authorization", request.headers.get("api-key", ""))
        shown = shown.removeprefix("Bearer ")
        websocket = web.WebSocketResponse(compress=False)
        await websocket.prepare(request)
        for event in events:
            await websocket.send_str(json.dumps(event).replace("KEY", shown))
        if then == "reset":
            raw = request.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            assert request.transport is not None
            request.transport.abort()
        elif then == "close":
            await websocket.close(code=4001, message=reason.replace("KEY", shown).encode()[:123])
        return websocket

    return act


async def silence(_request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3600)
    raise AssertionError


CREATED = json.loads(SESSION_CREATED)
REFUSAL = {"type": "error", "error": {"type": "invalid", "code": "bad KEY", "message": "Incorrect key: KEY"}}

STATUSES = (400, 401, 403, 404, 408, 429, 500, 503, 529) if FULL else (401, 503)

UPSTREAMS: dict[str, Act] = {
    **{f"answers {status}": answers(status) for status in STATUSES},
    "limits": answers(429, **{"Retry-After": "7"}),
    "redirects": answers(302, Location="http://127.0.0.1:1/"),
    "answers 200": answers(200),
    "refuses the session": says(REFUSAL),
    "opens with a key for a reason": says(then="close", reason="no such key: KEY"),
    "opens with no event": says({"no": "event"}),
    "closes later": says(CREATED, reason="expired key: KEY"),
    "dies later": says(CREATED, then="reset"),
    "never answers": silence,
}
"""What an upstream does; some repeat what they were told, as far as they can."""

CREDENTIALS: dict[str, dict[str, Any]] = {
    "openai": {"provider": "openai", "api_key": Secret(CANARIES["upstream_key"])},
    "azure": {"provider": "azure", "api_key": Secret(CANARIES["azure_key"])},
    "token": {"provider": "azure", "azure_ad_token": Secret(CANARIES["entra_token"])},
}


def pool(url: str) -> list[Deployment]:
    """A deployment of every kind at *url*, each a group of its own."""
    extra = {"X-Gateway-Key": Secret(CANARIES["extra_header"])}
    root = url.removesuffix("/v1")
    made = [
        Deployment(id=name, model_group=name, model="m", api_base=root, extra_headers=extra, **given)
        for name, given in CREDENTIALS.items()
    ]
    return [evolve(made[0], id="voice", model_group="voice"), *made]


async def fetched() -> str:
    return CANARIES["fetched_token"]


async def broken() -> str:
    token = CANARIES["fetched_token"]
    raise RuntimeError("no token", len(token))


def odd_ones(url: str) -> list[Deployment]:
    """Deployments whose credential is where it goes wrong."""
    root = url.removesuffix("/v1")
    one = Deployment(id="x", model_group="x", model="m", provider="azure", api_base=root)
    secret = Secret(CANARIES["client_secret"])
    given: dict[str, dict[str, Any]] = {
        "fetched": {"token_provider": fetched},
        "broken": {"token_provider": broken},
        "entra": {"entra": EntraId(client_secret=secret)},
        "line break": {"api_key": Secret(CANARIES["azure_key"] + "\n")},
        "nothing": {},
    }
    return [evolve(one, id=name, model_group=name, **attributes) for name, attributes in given.items()]


class Everything(Records):
    """Catches each record, and writes its log line."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self._net, self._log = net, LogSink()

    def __call__(self, record: Any) -> None:
        self._net.put_value(record)
        self._log(record)
        super().__call__(record)


async def client_requests(gate: Gateway, admin: str, net: Net) -> None:
    """What clients and operators do, right and wrong, and all that comes back to them."""
    wrong = CANARIES["wrong_key"]
    right = CANARIES["query_key"]
    shown = [
        (ADDRESS, f"Authorization: Bearer {wrong}"),
        (ADDRESS, f"Authorization: Basic {wrong}"),
        (ADDRESS, f"api-key: {wrong}"),
        (ADDRESS, f"{SUBPROTOCOL}{CANARIES['subprotocol_key']}"),
        (f"{ADDRESS}&api-key={right}", "X: y"),
        (f"{ADDRESS}&intent=odd&api-key={right}", BEARER),
        (f"{ADDRESS}&model=other&api-key={right}", BEARER),
        (f"/v1/realtime?model=nobody&api-key={right}", BEARER),
        (f"/nowhere?api-key={right}", BEARER),
        (ADDRESS, f"x-session-affinity: {'x' * 300}\r\n{BEARER}"),
        (ADDRESS, f"Origin: https://evil.example\r\n{BEARER}"),
    ]
    for path, line in shown:
        net.put("answers", await talk(gate.url, request(f"GET {path} HTTP/1.1", *UPGRADE, line)))
    for data in UNREADABLE.values():
        net.put("answers", await talk(gate.url, data.replace(b"sk-canary-7f3a9c1e5b2d", KEY.encode())))
    close = "Connection: close"
    for page in ("/health", "/v1/models", "/model/info", "/health/readiness", "/metrics"):
        net.put("pages", await talk(gate.url, request(f"GET {page} HTTP/1.1", BEARER, close)))
    for line in (
        "GET /admin/sessions", "GET /admin/explain?model=voice", "GET /admin/explain?model=nobody",
        "POST /admin/drain?deployment=openai", "POST /admin/readmit?deployment=openai", "POST /admin/drain",
    ):  # fmt: skip
        for key in (BEARER, f"Authorization: Bearer {wrong}"):
            net.put("pages", await talk(admin, request(f"{line} HTTP/1.1", key, close)))


async def session(gate: Gateway, group: str, net: Net, **options: Any) -> None:
    """Open a session, as far as it goes; what the client gets is in the net."""
    path = f"/v1/realtime?model={group}"
    options = options or {"headers": {"Authorization": f"Bearer {KEY}"}}
    try:
        async with gate.open(path, **options) as client:
            net.put("answers", f"{client._response.headers} {client.protocol}")
            while (message := await client.receive()).type is aiohttp.WSMsgType.TEXT:
                net.put("answers", message.data)
            net.put("closes", f"{message.data} {message.extra}")
    except aiohttp.WSServerHandshakeError as refused:
        net.put("answers", f"{refused.status} {refused.message} {refused.headers}")


@asynccontextmanager
async def self_signed() -> AsyncIterator[str]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}/v1"


async def upstream_failures(net: Net, *names: str) -> None:
    """Every failure of every kind of upstream, or of those that are named, with each kind of credential."""
    async with AsyncExitStack() as stack:
        urls = [
            await stack.enter_async_context(http_server(act))
            for act in map(UPSTREAMS.get, names or UPSTREAMS)
            if act
        ]
        urls += ["http://127.0.0.1:1/v1", "http://no-such-host.invalid/v1"]
        urls += [await stack.enter_async_context(self_signed())]
        odd = {urls[0]: odd_ones(urls[0])}
        await asyncio.gather(*(failures_at(url, odd.get(url, []), net) for url in urls))


async def failures_at(url: str, odd: list[Deployment], net: Net) -> None:
    """What comes of each kind of credential at *url*."""
    async with gateway(*pool(url), *odd, told=Everything(net), **SETTINGS) as gate:
        async with listening_admin(gate.router) as admin:
            groups = [*CREDENTIALS, *(deployment.id for deployment in odd)]
            await asyncio.gather(*(session(gate, group, net) for group in groups))
            net.put("pages", await talk(admin, request("GET /admin/sessions HTTP/1.1", BEARER, CLOSE)))
        for group in ("openai", *(deployment.id for deployment in odd)):
            await library(gate, group, net)
        net.put_value(gate.router.snapshot())
        net.put_value(gate.router.explain("openai"))
        net.put("repr", f"{gate.router!r} {vars(gate.router)}")


CLOSE = "Connection: close"


async def library(gate: Gateway, group: str, net: Net) -> None:
    """The same in a program, whose errors are its own to show."""
    try:
        async with gate.router.connect(group) as opened:
            async for event in opened:
                net.put("answers", event)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is looked at
        net.put_error(error)


class Defect:
    """An authenticator with a defect."""

    async def authenticate(self, key: Secret | None) -> Any:
        raise LookupError("a defect", key)


async def values(net: Net) -> None:
    """Everything public that holds a secret, shown in every way."""
    deployments = (*pool("http://127.0.0.1:1/v1"), *odd_ones("http://127.0.0.1:1/v1"))
    settings = Settings(deployments=deployments, server=SERVER)
    adapters = load_providers()
    for deployment in deployments:
        adapter = adapters[deployment.provider]
        dial = adapter.dial(deployment, SessionRequest())
        net.put_value(deployment)
        net.put_value(deployment.extra_headers)
        net.put_value(dial)
        try:
            net.put_value(dial.with_headers(await adapter.credentials(deployment)))
        except Exception as error:  # noqa: BLE001  # whatever it is, it is looked at
            net.put_error(error)
    for value in (settings, SERVER, SERVER.master_key, odd_ones("http://h")[2].entra, UNPICKLED):
        net.put_value(value)
    net.put("json", json.dumps({"settings": settings, "key": SERVER.master_key}, default=str))
    for adapter in adapters.values():
        await adapter.aclose()


UNPICKLED = (Secret(KEY), {"key": Secret(KEY)})

FILE = f"""\
model_list:
  - model_name: voice
    litellm_params: {{model: openai/m, api_key: "{CANARIES["upstream_key"]}", api_base: "URL"}}
    model_info: {{id: openai}}
  - model_name: voice
    litellm_params:
      model: azure/m
      api_base: "ROOT"
      tenant_id: t
      client_id: c
      client_secret: "{CANARIES["client_secret"]}"
      extra_headers: {{X-Gateway-Key: "{CANARIES["extra_header"]}"}}
general_settings: {{master_key: "{KEY}", odd_key: "{CANARIES["wrong_key"]}"}}
realtime_lb: {{server: {{admin_port: 1}}}}
"""


async def commands(net: Net, folder: Path) -> None:
    """What the commands print, whether they can do it or not."""
    async with (
        http_server(UPSTREAMS["refuses the session"]) as url,
        gateway(*pool(url), told=Everything(net), **SETTINGS) as gate,
        listening_admin(gate.router) as admin,
    ):
        config = written(folder, FILE.replace("URL", url).replace("ROOT", url.removesuffix("/v1")))
        dialled = folder / "dialled.yaml"  # without the item that would ask Entra ID
        dialled.write_text(
            FILE.partition("  - model_name: voice\n    litellm_params:\n")[0].replace("URL", url)
        )
        broken_config = folder / "broken.yaml"
        broken_config.write_text(FILE + f"\n  api_key: [{KEY}\n: {CANARIES['upstream_key']}")
        at = ("--config", config, "--url", admin)
        for arguments in (
            ("check", "--config", config), ("check", "--dial", "--config", str(dialled)),
            ("check", "--config", str(broken_config)), ("serve", "--config", str(broken_config)),
            ("explain", "voice", *at), ("explain", "nobody", *at), ("explain", "voice", "--json", *at),
            ("sessions", *at), ("drain", "openai", *at), ("readmit", "openai", *at), ("drain", "nobody", *at),
            ("explain", "voice", "--config", config),
            ("explain", "voice", "--url", f"http://user:{KEY}@127.0.0.1:1"),
            ("sessions", "--url", f"{admin}/?key={KEY}"),
        ):  # fmt: skip
            unset = {"CONFIG_FILE_PATH": None, "LITELLM_MASTER_KEY": KEY}
            done = await asyncio.to_thread(CliRunner().invoke, cli, arguments, env=unset)
            assert done.exception is None or isinstance(done.exception, SystemExit), arguments
            net.put("commands", done.output)


async def everything(net: Net, folder: Path) -> None:
    await upstream_failures(net)
    await values(net)
    await commands(net, folder)
    async with (
        http_server(UPSTREAMS["closes later"]) as url,
        gateway(*pool(url), told=Everything(net), **SETTINGS) as gate,
        listening_admin(gate.router) as admin,
        listening(gate.router, authenticator=Defect()) as defective,
    ):
        await client_requests(gate, admin, net)
        for shown in (
            {"headers": {"api-key": KEY}},
            {"protocols": ("realtime", f"openai-insecure-api-key.{KEY}")},
        ):
            await session(gate, "voice", net, **shown)
        await session(gate, f"voice&api-key={KEY}", net, headers={})
        net.put("answers", await talk(defective, request(f"GET {ADDRESS} HTTP/1.1", *UPGRADE, BEARER)))


def complained(net: Net, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Take in what a loop has to say; that a client hung up on `self_signed`, its own server, is no news."""
    net.put("loop", context)
    if context["message"] != "Error on transport creation for incoming connection":
        loop.default_exception_handler(context)


@pytest.mark.parametrize(("lane", "format_"), RUNS)
async def test_no_secret_is_told_to_anybody(
    lane: str,
    format_: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """At DEBUG, with variables in every traceback; in full, with asyncio telling of every callback, too."""
    loop, net = asyncio.get_running_loop(), Net()
    password = quote(CANARIES["proxy_password"], safe="")
    monkeypatch.setenv("http_proxy", f"http://user:{password}@127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    monkeypatch.setattr(support, "LANE", lane)
    handlers = logging.getLogger().handlers[:]
    configure_logging("debug", format_)
    loop.slow_callback_duration = 0.0
    with cast(net, monkeypatch):
        await everything(net, tmp_path)
        if FULL:
            loop.set_debug(True)
            loop.set_exception_handler(partial(complained, net))
            await upstream_failures(net, "answers 401", "closes later")
            loop.set_exception_handler(None)
            loop.set_debug(False)
    captured = capsys.readouterr()
    net.put("standard error", captured.err)
    net.put("standard output", captured.out)
    found = net.found()
    logging.getLogger().handlers[:] = handlers
    log.setLevel(logging.INFO)
    log.info(
        "figure: E4 %d finds of %d secrets in %d sinks, %s bytes, by the %s lane: %s",
        len(found), len(CANARIES), len(net.caught), f"{net.caught.total():,}", lane, dict(net.caught),
    )  # fmt: skip
    assert found == []
    silent = {"answers", "pages", "closes", "commands", "log", "repr", "asdict", "errors", "variables"}
    assert silent <= net.caught.keys(), "each of these has said something"


def test_the_net_catches() -> None:
    """Whole, in part, quoted and coded, wherever it begins; and words of other kinds it does not."""
    for before in ("", "a", "ab", "abc", "abcd"):
        for said in (KEY, KEY[5:17], quote(KEY), base64.b64encode(f"{before}{KEY}".encode()).decode()):
            net = Net()
            net.put("x", f"{before} {said} .")
            assert [(sink, name) for sink, name, _ in net.found()] == [("x", "client_key")]
    net = Net()
    net.put("x", KEY[5:16] + " Secret('***') " + os.urandom(4096).hex())
    assert net.found() == []
