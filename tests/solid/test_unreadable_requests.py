"""A request that is no HTTP, or no upgrade that we grant: told in fixed words, and the connection is over."""

import json
import re

import pytest

from realtime_lb import Secret, ServerSettings
from realtime_lb.server import listening_admin
from realtime_lb.server.runner import MOST_HEAD_BYTES
from tests.solid.raw import UPGRADE, request, talk
from tests.support import deployment, gateway

KEY = "sk-canary-7f3a9c1e5b2d"
NOWHERE = "http://127.0.0.1:1"
LOCKED = ServerSettings(master_key=Secret(KEY))

UNREADABLE = {
    "control character": request("GET /v1/realtime?model=voice HTTP/1.1", f"Authorization: \x01Bearer {KEY}"),
    "space in the address": request(f"GET /v1/realtime?api-key={KEY} x HTTP/1.1"),
    "no method": request(f"G@T /v1/realtime?api-key={KEY} HTTP/1.1"),
    "long header": request("GET /v1/realtime HTTP/1.1", f"api-key: {KEY * 500}"),
    "long address": request(f"GET /v1/realtime?api-key={KEY * 500} HTTP/1.1"),
    "long head": request("GET /v1/realtime HTTP/1.1", *[f"api-key: {KEY * 50}"] * 70)[: MOST_HEAD_BYTES + 1],
    "no colon": request("GET /v1/realtime HTTP/1.1", f"api-key {KEY}"),
    "not HTTP": f"{KEY}\r\n\r\n".encode(),
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
async def test_what_is_no_http_is_not_repeated_to_anybody(
    data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with (
        gateway(deployment("a", NOWHERE), server=LOCKED) as gate,
        listening_admin(gate.router) as admin,
    ):
        answers = [await talk(url, data) for url in (gate.url, admin)]
    for answer in answers:
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b" 400 " in head
        assert json.loads(body)["error"]["code"] == "malformed_request"
        assert KEY[:12].encode() not in answer
    assert KEY[:12] not in caplog.text
    assert not [record for record in caplog.records if record.levelname != "DEBUG"]


@pytest.mark.parametrize("expected", [KEY, "\x85", "200-ok"], ids=["a key", "no UTF-8", "another"])
async def test_an_expectation_that_nobody_knows_is_not_repeated(
    expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    lines = ("GET /v1/realtime?model=voice HTTP/1.1", "GET /nope HTTP/1.1", "GET /admin/sessions HTTP/1.1")
    async with (
        gateway(deployment("a", NOWHERE), server=LOCKED) as gate,
        listening_admin(gate.router) as admin,
    ):
        asked = [request(line, *UPGRADE, f"Expect: {expected}") for line in lines]
        answers = [await talk(url, each) for url in (gate.url, admin) for each in asked]
    for answer in answers:
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b" 400 " in head
        assert json.loads(body)["error"]["code"] == "unknown_expectation"
        assert expected.encode("latin-1") not in answer
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


REFUSED = {
    "unknown path": ("GET /nope HTTP/1.1", 404),
    "another method": ("POST /v1/realtime HTTP/1.1", 405),
    "no key": ("GET /v1/realtime?model=voice HTTP/1.1", 401),
    "a page": ("GET /health/liveliness HTTP/1.1", 200),
    "operators' page": ("GET /admin/sessions HTTP/1.1", 404),
}


@pytest.mark.parametrize(("line", "status"), REFUSED.values(), ids=REFUSED)
async def test_nothing_behind_a_refused_upgrade_is_taken_for_a_request(line: str, status: int) -> None:
    """What a proxy in front took for websocket data must not be a request of somebody's here."""
    upgrade = request(line, *UPGRADE)
    behind = request("GET /health/liveliness HTTP/1.1")
    async with gateway(deployment("a", NOWHERE), server=LOCKED) as gate:
        answer = await talk(gate.url, upgrade + behind)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.count(b"HTTP/1.1") == 1
    assert b"Connection: close" in answer


async def test_a_long_body_is_not_taken_for_a_head() -> None:
    """Nobody reads it, but the request behind it is answered."""
    body = b"x" * (MOST_HEAD_BYTES * 2)
    posted = request("POST /nope HTTP/1.1", f"Content-Length: {len(body)}") + body
    behind = request("GET /health/liveliness HTTP/1.1", "Connection: close")
    async with gateway(deployment("a", NOWHERE), server=LOCKED) as gate:
        answer = await talk(gate.url, posted + behind)
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"404", b"200"]


async def test_operators_listener_closes_after_a_refused_upgrade_too() -> None:
    async with (
        gateway(deployment("a", NOWHERE), server=LOCKED) as gate,
        listening_admin(gate.router) as admin,
    ):
        for line in ("GET /v1/realtime?model=voice HTTP/1.1", "GET /admin/sessions HTTP/1.1"):
            answer = await talk(admin, request(line, *UPGRADE) + request(line))
            assert answer.count(b"HTTP/1.1") == 1
