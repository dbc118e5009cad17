"""Sixty ways to confuse a gateway about who asks, from where, and for what."""

import asyncio
import inspect
import json
import logging

import pytest
from click.testing import CliRunner, Result

from realtime_lb import Secret, ServerSettings
from realtime_lb.cli import cli
from realtime_lb.server import listening_admin
from tests.solid.raw import UPGRADE, request, talk
from tests.support import deployment, gateway

KEY = "sk-master-0123456789abcdef"
BEARER = f"Authorization: Bearer {KEY}"
LOCKED = ServerSettings(master_key=Secret(KEY))
NOWHERE = "http://127.0.0.1:1"
CLOSE = "Connection: close"

log = logging.getLogger("figures")

ADMIN_PATHS = [
    "/admin/sessions",
    "/admin/explain?model=voice",
    "/admin//sessions",
    "//admin/sessions",
    "/./admin/sessions",
    "/v1/../admin/sessions",
    "/v1/realtime/../../admin/sessions",
    "/%61dmin/sessions",
    "/admin%2fsessions",
    "/admin%2Fsessions",
    "/%2e%2e/admin/sessions",
    "/v1/realtime/..%2f..%2fadmin%2fsessions",
    "/ADMIN/sessions",
    "/admin/sessions/",
    "/admin/sessions;x=1",
    "/admin/sessions%00",
    "/admin/sessions#x",
    "/health/../admin/sessions",
    "http://127.0.0.1:4001/admin/sessions",
    "http://localhost/admin/sessions",
    "*",
]
POSING = [
    "Host: 127.0.0.1:4001",
    "Host: localhost",
    "X-Forwarded-For: 127.0.0.1",
    "X-Forwarded-Host: 127.0.0.1:4001",
    "X-Forwarded-Port: 4001",
    "X-Original-URL: /admin/sessions",
    "X-Rewrite-URL: /admin/sessions",
    "Forwarded: for=127.0.0.1;host=localhost",
]
STRANGE_HOSTS = [
    "x/#@", "x:1/#@evil.example", "x?@evil", "user:password@gateway", "[::1", "x\\y", "%00", "..", "x y", "",
    "127.0.0.1:99999", "gateway, evil.example",
]  # fmt: skip


def status(answer: bytes) -> int:
    return int(answer.split(b" ")[1])


async def test_the_public_port_has_no_way_to_the_operators_pages() -> None:
    """Not with the key either, whatever the path, and whoever the request says that it is."""
    orders = ["POST /admin/drain?deployment=a", "POST /admin/readmit?deployment=a"]
    lines = [f"GET {path}" for path in ADMIN_PATHS] + orders
    async with gateway(deployment("a", NOWHERE), server=LOCKED) as gate:
        for line in lines:
            for posing in POSING[2:] if line in orders else ("X: y",):
                answer = await talk(gate.url, request(f"{line} HTTP/1.1", BEARER, posing, CLOSE))
                assert status(answer) in {400, 404, 405}, line
        for posing in POSING:
            wanted = f"GET /admin/sessions HTTP/1.1\r\n{posing}\r\n{BEARER}\r\n{CLOSE}\r\n"
            wanted += "" if posing.startswith("Host") else "Host: gateway\r\n"
            assert status(await talk(gate.url, f"{wanted}\r\n".encode())) in {400, 404}
        assert gate.router.explain("voice").candidates[0].excluded == ""


async def test_no_request_gets_past_the_key_by_looking_like_another() -> None:
    """The route that was matched asks for the key, whatever the rest of the request says."""
    async with (
        gateway(deployment("a", NOWHERE), server=LOCKED) as gate,
        listening_admin(gate.router) as admin,
    ):
        asked = 0
        for url, path in (
            (gate.url, "/v1/realtime?model=voice"),
            (gate.url, "/health"),
            (admin, ADMIN_PATHS[0]),
        ):
            heads = [request(f"GET {path} HTTP/1.1", CLOSE, host=host) for host in STRANGE_HOSTS]
            heads += [request(f"GET {path} HTTP/1.1", CLOSE, posing) for posing in POSING]
            heads += [request(f"GET {one} HTTP/1.1", CLOSE) for one in _encoded(path)]
            for head in heads:
                answer = await talk(url, head)
                assert status(answer) in {400, 401, 404, 405}, head
                assert b"session_id" not in answer
                asked += 1
        assert asked >= 60
    log.info("figure: E10 %d confusing requests, 0 past the key", asked)


def _encoded(path: str) -> list[str]:
    plain = path.partition("?")[0]
    return [
        f"/%{ord(plain[1]):02x}{plain[2:]}",
        f"{plain}?model=voice&model=voice",
        f"{plain}?master_key={KEY}&api-key={KEY}",
        f"http://gateway{plain}",
    ]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("model=voice&model=other", "duplicate_parameter"),
        ("deployment=voice&deployment=other", "duplicate_parameter"),
        ("model=voice&intent=realtime&intent=transcription", "duplicate_parameter"),
        ("model=voice&call_id=a&call_id=b", "duplicate_parameter"),
        ("model=voice&%6dodel=other", "duplicate_parameter"),
    ],
)
async def test_what_is_said_twice_is_not_chosen_from(query: str, code: str) -> None:
    async with gateway(deployment("a", NOWHERE), server=LOCKED) as gate:
        line = f"GET /v1/realtime?{query} HTTP/1.1"
        answer = await talk(gate.url, request(line, *UPGRADE, BEARER))
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == code


@pytest.mark.parametrize("forwarded", ["203.0.113.9", "127.0.0.1, 203.0.113.9", "::1", "x" * 300, "a, b,,c"])
async def test_an_address_that_nobody_vouches_for_is_nobodys(forwarded: str) -> None:
    async with gateway(deployment("a", NOWHERE)) as gate:
        head = request("GET /v1/realtime?model=voice HTTP/1.1", *UPGRADE, f"X-Forwarded-For: {forwarded}")
        await talk(gate.url, head)
        (closed,) = await gate.told.all_closed(1)
    assert closed.client_address == "127.0.0.1"


def test_operators_are_answered_on_this_machine_alone_unless_told_otherwise() -> None:
    assert ServerSettings().admin_host == "127.0.0.1"
    assert inspect.signature(listening_admin).parameters["host"].default == "127.0.0.1"


async def asked(*arguments: str) -> Result:
    """Run in a thread: the command has an event loop of its own."""
    unset = {"CONFIG_FILE_PATH": None, "LITELLM_MASTER_KEY": KEY}
    return await asyncio.to_thread(CliRunner().invoke, cli, arguments, env=unset)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2@127.0.0.1:1",
        "http://hunter2@127.0.0.1:1",
        "http://127.0.0.1:1/?key=hunter2",
        "http://127.0.0.1:1/#hunter2",
        "hunter2://127.0.0.1:1",
        "http://hunter2:x",
        "http://[hunter2",
    ],
)
@pytest.mark.parametrize("command", [("explain", "voice"), ("sessions",), ("drain", "a"), ("readmit", "a")])
async def test_a_secret_in_url_is_not_repeated(command: tuple[str, ...], url: str) -> None:
    done = await asked(*command, "--url", url)
    assert done.exit_code == 2
    assert "http://127.0.0.1:4001" in done.output
    assert "hunter2" not in done.output
    assert KEY not in done.output
