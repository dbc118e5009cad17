"""Two hundred ways to show a wrong key: one answer, and no upstream hears of it."""

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from realtime_lb import Secret, ServerSettings
from tests.solid.raw import UPGRADE, request, talk
from tests.support import deployment, gateway

pytestmark = pytest.mark.usefixtures("each_lane")

KEY = "sk-master-0123456789abcdef"
log = logging.getLogger("figures")

SUBPROTOCOL = "openai-insecure-api-key."

NEAR = (
    "",
    KEY[:-1],
    KEY[1:],
    KEY + "x",
    KEY + " x",
    KEY.upper(),
    KEY[::-1],
    KEY * 2,
    f"{KEY};{KEY}",
    f'"{KEY}"',
    f"'{KEY}'",
    f"{KEY[:-1]}\u0435",
    "undefined",
    "null",
    "None",
    "[object Object]",
    "sk-other-tenant-0123456789",
    "*",
    "%",
    "' OR '1'='1",
    '" OR ""="',
    "'; DROP TABLE keys;--",
    "admin'/*",
    "return redis.call('GET', KEYS[1])",
    "{{7*7}}",
    "${jndi:ldap://127.0.0.1/x}",
    "../../../etc/passwd",
    "\u00e9" * 30,
    "\u00ff\u00fe",
    KEY.replace("0", "%30"),
    "A" * 4000,
)
"""What may stand where a key belongs."""

HARMFUL = ("\x00", KEY + "\x00", "\x1b[31m", "A" * 9000, "A" * 1_000_000, "a\rb", "a\x7fb\x01")
"""What no header may hold, or no server reads."""


def shown(key: str) -> Iterator[tuple[str, ...]]:
    """Every way to show *key*, as header lines."""
    yield (f"Authorization: Bearer {key}",)
    yield (f"Authorization: Basic {key}",)
    yield (f"Authorization: {key}",)
    yield (f"api-key: {key}",)
    yield (f"Sec-WebSocket-Protocol: realtime, {SUBPROTOCOL}{key}",)
    yield (f"X-Api-Key: {key}", f"Cookie: api-key={key}")


TWICE = [
    (f"Authorization: Bearer {KEY}", "Authorization: Bearer sk-wrong"),
    ("Authorization: Bearer sk-wrong", f"Authorization: Bearer {KEY}"),
    (f"Authorization: Bearer {KEY}", f"Authorization: Bearer {KEY}"),
    (f"api-key: {KEY}", "api-key: sk-wrong"),
    ("api-key: sk-wrong", f"API-KEY: {KEY}"),
    (f"Sec-WebSocket-Protocol: {SUBPROTOCOL}{KEY}, {SUBPROTOCOL}sk-wrong",),
    (f"Sec-WebSocket-Protocol: {SUBPROTOCOL}sk-wrong", f"Sec-WebSocket-Protocol: {SUBPROTOCOL}{KEY}"),
    (f"X-Authorization: Bearer {KEY}",),
    (f"Authorization : Bearer {KEY}",),
    (f"Proxy-Authorization: Bearer {KEY}",),
    (f"api_key: {KEY}",),
    (f"Authorization: Bearer\r\n {KEY}",),
]

READ = [lines for key in NEAR for lines in shown(key)]
UNREAD = [lines for key in HARMFUL for lines in shown(key)]


@asynccontextmanager
async def untouched() -> AsyncIterator[str]:
    """An upstream that must not be dialled."""
    dialled = []

    async def note(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        dialled.append(1)
        writer.close()

    server = await asyncio.start_server(note, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    assert dialled == []


def attempt(lines: tuple[str, ...]) -> bytes:
    text = "\r\n".join(("GET /v1/realtime?model=voice HTTP/1.1", "Host: gateway", *UPGRADE, *lines, "", ""))
    return text.encode("utf-8")


async def test_every_wrong_key_gets_the_same_answer_and_no_upstream_hears_of_it() -> None:
    """Refused as unknown where it can be read as a key, as no HTTP where it cannot, and never let in."""
    variants = [*READ, *TWICE, *UNREAD, (), ("Authorization:",), ("api-key:",)]
    random.Random(1).shuffle(variants)
    assert len(variants) >= 200
    locked = ServerSettings(master_key=Secret(KEY), allow_query_key=True)
    async with untouched() as url, gateway(deployment("a", url), server=locked) as gate:
        answers = {lines: await talk(gate.url, attempt(lines)) for lines in variants}
        for query in ("api-key=", f"api-key={KEY}&api-key=x", f"api-key=x&api-key={KEY}", "api-key=%00"):
            line = f"GET /v1/realtime?model=voice&{query} HTTP/1.1"
            answers[query,] = await talk(gate.url, request(line, *UPGRADE))
        assert gate.told.all == []
    bodies: dict[bytes, set[bytes]] = {}
    for lines, answer in answers.items():
        head, _, body = answer.partition(b"\r\n\r\n")
        status = head.split(b" ")[1:2]
        assert status in ([b"401"], [b"400"], []), (lines, head)
        bodies.setdefault(b"".join(status), set()).add(body)
    assert len(bodies[b"401"]) == 1
    assert len(bodies[b"400"]) == 1
    (refused,), (unread,) = bodies[b"401"], bodies[b"400"]
    assert json.loads(refused)["error"].keys() == json.loads(unread)["error"].keys()
    assert all(answers[lines] for lines in READ), "only a flood is cut off without a word"
    log.info("figure: E1 %d wrong keys: 0 let in, 0 dials, 1 body for each of 2 statuses", len(answers))


async def test_the_right_key_is_let_in_by_each_way_as_long_as_it_is_shown_once() -> None:
    """Else the test above would hold of a gateway that is closed to all."""
    locked = ServerSettings(master_key=Secret(KEY), allow_query_key=True)
    async with gateway(deployment("a", "http://127.0.0.1:1"), server=locked) as gate:
        for lines in (
            (f"Authorization: Bearer {KEY}",),
            (f"api-key: {KEY}",),
            (f"Sec-WebSocket-Protocol: realtime, {SUBPROTOCOL}{KEY}",),
            (f"Authorization: Bearer {KEY}", "api-key: sk-wrong"),
        ):
            assert b" 503 " in await talk(gate.url, attempt(lines))
        line = f"GET /v1/realtime?model=voice&api-key={KEY} HTTP/1.1"
        assert b" 503 " in await talk(gate.url, request(line, *UPGRADE))
