"""Who is dialled is in the configuration: nothing that a client sends names a host, and no address lies."""

import asyncio
import logging
import os
import re
import shutil
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from aiohttp import web

from realtime_lb import Deployment, HealthSettings, Secret
from realtime_lb.errors import ConfigError
from realtime_lb.providers.azure import Azure
from realtime_lb.providers.openai_compatible import OpenAICompatible
from realtime_lb.providers.voice_live import VoiceLive
from realtime_lb.requests import SessionRequest
from tests.cli.configs import written
from tests.cli.processes import REALTIME_LB, running
from tests.solid.raw import UPGRADE, request, talk
from tests.support import deployment, gateway, http_server

log = logging.getLogger("figures")

OFF = HealthSettings(enabled=False)

MISLEADING = [
    "http://api.openai.com@evil.example/v1",
    "http://user:password@evil.example/v1",
    "http://@evil.example/v1",
    "http://evil.example\\@api.openai.com/v1",
    "http://evil.example\\.api.openai.com/v1",
    "http://api.openai.com\t.evil.example/v1",
    "http://api.openai.com\n.evil.example/v1",
    "http://api.openai.com .evil.example/v1",
    "http://api.openai.com\x00.evil.example/v1",
    "http://evil.example#@api.openai.com/v1",
    "http://evil.example?@api.openai.com/v1",
    "http://evil.example/v1?api-version=1",
    "http://evil.example/v1#x",
    "http://good.example%2f.evil.example/v1",
    "http://good.example%2eevil.example/v1",
    "http://good.example%00.evil.example/v1",
    "http://good..example/v1",
    "http://.example/v1",
    "http://2130706433/v1",
    "http://0x7f000001/v1",
    "http://0x7f.0.0.1/v1",
    "http://0177.0.0.1/v1",
    "http://127.1/v1",
    "http://127.0.0.1./v1",
    "http://1.2.3.4.5/v1",
    "http://256.256.256.256/v1",
    "http://\uff12130706433/v1",
    "http://169.254.169.254/latest",
    "http://169.254.170.2/v2",
    "http://[::ffff:169.254.169.254]/latest",
    "http://[::ffff:a9fe:a9fe]/latest",
    "http://[fe80::1]/v1",
    "http://[fe80::1%25eth0]/v1",
    "http://[fd00:ec2::254]/latest",
    "http://metadata/computeMetadata",
    "http://metadata.google.internal/computeMetadata",
    "http://METADATA.google.internal./computeMetadata",
    "http:///v1",
    "http:evil.example/v1",
    "//evil.example/v1",
    "evil.example/v1",
    "file:///etc/passwd",
    "gopher://evil.example/v1",
    "javascript:alert(1)",
    "http://host:99999/v1",
    "http://host:port/v1",
    "http://[::1/v1",
    "http://[]/v1",
]

PLAIN = {
    "https://api.openai.com/v1": "api.openai.com",
    "https://eu.api.openai.com:8443/v1/": "eu.api.openai.com",
    "http://127.0.0.1:8080": "127.0.0.1",
    "http://localhost/prefix/v1": "localhost",
    "http://[::1]:8080/v1": "::1",
    "http://gateway_1.internal-net:4000": "gateway_1.internal-net",
    "https://b\u00fccher.example/v1": "xn--bcher-kva.example",
    "https://sweden.openai.azure.com./openai": "sweden.openai.azure.com.",
}


def based(provider: str, api_base: str) -> Deployment:
    key = Secret("k")
    return Deployment(id="a", model_group="v", model="m", provider=provider, api_base=api_base, api_key=key)


@pytest.mark.parametrize("adapter", [OpenAICompatible(), Azure(), VoiceLive()], ids=lambda one: one.name)
def test_an_address_that_is_not_what_it_looks_like_is_refused_at_load(adapter: Any) -> None:
    for api_base in MISLEADING:
        with pytest.raises(ConfigError) as refused:
            adapter.dial(based(adapter.name, api_base), SessionRequest())
        assert "evil" not in str(refused.value)


def test_an_address_that_is_what_it_looks_like_is_dialled() -> None:
    for api_base, host in PLAIN.items():
        dial = OpenAICompatible().dial(based("openai_compatible", api_base), SessionRequest())
        assert urlsplit(dial.url).hostname == host


NAMES = [
    "@evil.example",
    "user:password@evil.example",
    "#@evil.example",
    "//evil.example",
    "///evil.example/..",
    "\\\\evil.example",
    "\\@evil.example",
    "..",
    "../../evil",
    "/../..//evil.example/",
    "%2f%2fevil.example",
    "%2e%2e%2f",
    "%252f%252fevil.example",
    "?host=evil.example",
    "&api-version=x&host=evil.example",
    "=x&model=y",
    ";evil.example",
    ":80@evil.example",
    "http://evil.example",
    "wss://evil.example/v1/realtime",
    "[::ffff:169.254.169.254]",
    "::ffff:a9fe:a9fe",
    "2130706433",
    "0x7f000001",
    "169.254.169.254",
    "evil.example:443",
    "a\r\nHost: evil.example",
    "a\r\n\r\nGET http://evil.example/ HTTP/1.1\r\n",
    "a\x00.evil.example",
    "a b",
    "\u2028evil.example",
    "\uff0f\uff0fevil.example",
    "\u3002\u3002",
    "*",
    "**",
    "{model}",
]
PARAMETERS = ("model", "deployment", "call_id")
HEADERS = (
    "Host: evil.example",
    "Host: x/#@evil.example",
    "X-Forwarded-Host: evil.example",
    "Forwarded: host=evil.example",
    "X-Original-URL: http://evil.example/",
    "X-Rewrite-URL: /evil",
    "Location: http://evil.example/",
    "Proxy: http://evil.example:3128",
    "HTTP_PROXY: http://evil.example:3128",
    "OpenAI-Safety-Identifier: http://evil.example/",
)


def wishes() -> list[bytes]:
    """More than a hundred requests that would like to say who is dialled."""
    address = "/v1/realtime?model=voice"
    heads = [request(f"GET /v1/realtime?{name}={quote(one, safe='')} HTTP/1.1", *UPGRADE)
             for name in PARAMETERS for one in NAMES]  # fmt: skip
    heads += [request(f"GET {address} HTTP/1.1", *UPGRADE, line) for line in HEADERS]
    heads += [request(f"GET http://evil.example{address} HTTP/1.1", *UPGRADE, host="evil.example")]
    heads += [request(f"GET {address}&api-version={quote(one, safe='')} HTTP/1.1", *UPGRADE) for one in NAMES]
    return heads


class Heard:
    """Takes every handshake, keeps it, and ends."""

    def __init__(self) -> None:
        self.handshakes: list[web.Request] = []

    async def answer(self, asked: web.Request) -> web.StreamResponse:
        self.handshakes.append(asked)
        return web.Response(status=404)


def check(heard: Heard, url: str) -> None:
    """Every handshake was for our path, and said nothing in it but a model or a call."""
    assert len(heard.handshakes) > 100
    for asked in heard.handshakes:
        assert asked.raw_path.partition("?")[0] == "/v1/realtime"
        assert asked.host == urlsplit(url).netloc
        assert set(parse_qs(asked.query_string, keep_blank_values=True)) <= {"model", "call_id"}
        assert not {"Location", "Proxy", "X-Forwarded-Host", "Forwarded"} & set(asked.headers)


@asynccontextmanager
async def connects(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[set[tuple[str, int]]]:
    """Collect where this process's sockets were connected to, and what names it looked up."""
    seen: set[tuple[str, int]] = set()
    connect, look_up = BaseSelectorEventLoop.sock_connect, asyncio.BaseEventLoop.getaddrinfo

    async def noting(self: Any, sock: Any, address: Any) -> None:
        seen.add(address[:2])
        await connect(self, sock, address)

    async def noting_names(self: Any, host: Any, port: Any, **rest: Any) -> Any:
        seen.add((host, port))
        return await look_up(self, host, port, **rest)

    monkeypatch.setattr(BaseSelectorEventLoop, "sock_connect", noting)
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", noting_names)
    yield seen


@pytest.mark.usefixtures("each_lane")
async def test_nothing_that_a_client_sends_chooses_who_is_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard()
    async with http_server(heard.answer) as url, connects(monkeypatch) as seen:
        pool = deployment("a", url, model_group="*"), deployment("b", url)
        async with gateway(*pool, health=OFF) as gate:
            await asyncio.gather(*(talk(gate.url, wish) for wish in wishes()))
            ours = {urlsplit(gate.url).port, urlsplit(url).port}
    check(heard, url)
    assert {host for host, _ in seen} == {"127.0.0.1"}
    assert {port for _, port in seen} - {0} == ours, "0 is a listener's wish for any"


@pytest.mark.skipif(not os.environ.get("SOLID_FULL"), reason="in full only: SOLID_FULL=1")
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
async def test_the_kernel_says_the_same(tmp_path: Path) -> None:
    """Each connect of the gateway's process and its threads, as strace sees it."""
    heard, trace = Heard(), tmp_path / "trace"
    strace = ("strace", "-D", "-f", "-qq", "-e", "trace=connect,sendto,sendmmsg", "-o", str(trace))
    async with http_server(heard.answer) as url:
        config = written(tmp_path, FILE.format(url=url))
        serve = ("serve", "--config", config, "--host", "127.0.0.1", "--port", "0", "--admin-port", "0")
        async with running(*serve, command=(*strace, *REALTIME_LB)) as gate:
            address = (await gate.says(r"listening on (http://\S+?):? ")).group(1).rstrip(":")
            await asyncio.gather(*(talk(address, wish) for wish in wishes()))
            await gate.stop()
    check(heard, url)
    calls = re.findall(r"connect\(\d+, (\{sa_family=AF_INET6?[^}]*\})", trace.read_text())
    elsewhere = [call for call in calls if f"htons({urlsplit(url).port})" not in call]
    log.info(
        "figure: E9 %d requests, %d connects under strace, %d elsewhere; %d misleading addresses refused",
        len(wishes()), len(calls), len(elsewhere), len(MISLEADING),
    )  # fmt: skip
    assert calls
    assert elsewhere == []


FILE = """\
model_list:
  - model_name: "*"
    litellm_params: {{model: "openai_compatible/*", api_base: "{url}", api_key: k}}
  - model_name: voice
    litellm_params: {{model: openai_compatible/gpt-realtime, api_base: "{url}", api_key: k}}
realtime_lb:
  health: {{enabled: false}}
"""
