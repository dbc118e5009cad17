"""Which web pages may open sessions: those whose origin is on the list, letter by letter."""

import logging

import pytest

from realtime_lb import Secret, ServerSettings
from tests.solid.raw import UPGRADE, request, talk
from tests.support import deployment, gateway

pytestmark = pytest.mark.usefixtures("each_lane")

KEY = "sk-master-0123456789abcdef"
log = logging.getLogger("figures")

LISTED = frozenset({"https://app.example", "https://xn--bcher-kva.example", "http://localhost:3000"})

REFUSED = [
    "null",
    "",
    "https://app.example.evil.example",
    "https://evil-app.example",
    "https://evilapp.example",
    "https://evil.example/https://app.example",
    "https://evil.example?https://app.example",
    "https://evil.example#https://app.example",
    "https://app.example@evil.example",
    "https://sub.app.example",
    "https://app.exampl",
    "https://app.example:443",
    "https://app.example:8443",
    "https://app.example:",
    "http://app.example",
    "wss://app.example",
    "//app.example",
    "app.example",
    "https://APP.example",
    "HTTPS://app.example",
    "https://app.example.",
    "https://app.example/",
    "https://app.example/path",
    "https://b\u00fccher.example",
    "https://xn--bcher-kva.example.",
    "https://\u0430pp.example",
    "https://app%2eexample",
    "https://app.example, https://evil.example",
    "https://app.example https://evil.example",
    "http://localhost:30000",
    "http://localhost",
    "http://127.0.0.1:3000",
    "*",
    "file://",
]


async def status(url: str, *origins: str, key: bool = True) -> int:
    lines = [f"Origin: {origin.encode().decode('latin-1')}" for origin in origins]
    lines += [f"Authorization: Bearer {KEY}"] if key else []
    answer = await talk(url, request("GET /v1/realtime?model=voice HTTP/1.1", *UPGRADE, *lines))
    return int(answer.split(b" ")[1])


@pytest.mark.parametrize("master_key", [Secret(KEY), None], ids=["with a key", "without"])
async def test_a_page_gets_in_by_its_exact_origin_alone(master_key: Secret | None) -> None:
    """Past the door waits a 503: the gateway's one upstream is not there. No key makes up for an origin."""
    server = ServerSettings(master_key=master_key, allowed_origins=LISTED)
    async with gateway(deployment("a", "http://127.0.0.1:1"), server=server) as gate:
        told = {origin: await status(gate.url, origin) for origin in [*REFUSED, *LISTED]}
        assert await status(gate.url) == 503, "a program has no origin"
        assert len(told) >= 30
        assert {origin for origin, answer in told.items() if answer != 403} == LISTED
        assert {told[origin] for origin in LISTED} == {503}
        log.info(
            "figure: E6 %d of %d origins refused, the %d listed let in", len(REFUSED), len(told), len(LISTED)
        )
        for pair in (("https://app.example", "https://evil.example"), ("null", "https://app.example")):
            assert await status(gate.url, *pair) == 403
            assert await status(gate.url, *reversed(pair)) == 403


async def test_a_listed_page_still_needs_the_key() -> None:
    server = ServerSettings(master_key=Secret(KEY), allowed_origins=LISTED)
    async with gateway(deployment("a", "http://127.0.0.1:1"), server=server) as gate:
        assert await status(gate.url, "https://app.example", key=False) == 401


async def test_without_list_or_key_no_page_gets_in() -> None:
    async with gateway(deployment("a", "http://127.0.0.1:1")) as gate:
        for origin in [*REFUSED, *LISTED]:
            assert await status(gate.url, origin, key=False) == 403
