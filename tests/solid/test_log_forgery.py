"""Nobody outside can write a line into the log, nor reach the terminal of who reads it."""

import json
import logging
import re
from urllib.parse import quote

import aiohttp
import pytest

from realtime_lb import LoggingSettings, RehomeSettings
from realtime_lb.records import Record
from realtime_lb.sinks import LogSink
from realtime_lb.sinks.setup import configure_logging
from tests.solid.raw import UPGRADE, request, talk
from tests.support import (
    SESSION_CREATED,
    Gateway,
    Records,
    Websocket,
    deployment,
    gateway,
    upstream,
)

pytestmark = pytest.mark.usefixtures("each_lane", "logging_restored")

FORGED = "2026-01-01T00:00:00Z [info     ] session opened"
NASTY = [
    f"a\n{FORGED}",
    f"a\r\n{FORGED}",
    f"a\r{FORGED}",
    "a\x00b",
    "\x1b[2J\x1b]0;owned\x07\x9b31m",
    f"a\u2028{FORGED}\u2029{FORGED}",
    f"a\x85{FORGED}\x0b{FORGED}\x0c{FORGED}",
    '","event":"session opened","x":"',
    "\u202e\u2066txt.exe",
    "\ud800",
    "x" * 1_000_000,
]

EVERYTHING = LoggingSettings(event_types=None, level="debug")


async def rude(websocket: Websocket) -> None:
    """Say and leave with what could forge a line: in an event, and, by turns, in the reason of the close."""
    await websocket.send_str(SESSION_CREATED)
    message = await websocket.receive()
    await websocket.send_str(json.dumps({"type": "error", "error": {"message": message.data, "code": "x"}}))
    reason = json.loads(message.data)["value"].encode("utf-8", "replace")[:120].decode("utf-8", "ignore")
    await websocket.close(code=4000, message=reason.encode())


async def say_it_all(gate: Gateway) -> None:
    """Put each of `NASTY` wherever a client can put anything."""
    for text in NASTY:
        sent = text.encode("utf-8", "surrogatepass").decode("latin-1")
        for model in (quote(text[:7000], errors="replace"), "nobody"):
            for header in ("User-Agent", "x-session-affinity", "X-Forwarded-For", "Sec-WebSocket-Protocol"):
                line = f"GET /v1/realtime?model={model} HTTP/1.1"
                await talk(gate.url, request(line, *UPGRADE, f"{header}: {sent}"))
        async with gate.open() as client:
            await client.receive()
            kind = text[:1000]
            await client.send_str(json.dumps({"type": kind, "event_id": kind, "value": kind}))
            while (await client.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        async with gate.open() as client:
            await client.receive()
            reason = text.encode("utf-8", "replace")[:120].decode("utf-8", "ignore").encode()
            await client.close(code=4001, message=reason)


class Told(Records):
    """Remembers what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self._log = LogSink()

    def __call__(self, record: Record) -> None:
        self._log(record)
        super().__call__(record)


def fail(text: str) -> None:
    raise RuntimeError(text)


async def logged(format_: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, int]:
    """What is written of all that anybody can say, and how many events it is at least."""
    configure_logging("debug", format_)
    told = Told()
    alone = RehomeSettings(enabled=False)
    async with (
        upstream(rude) as url,
        gateway(deployment("a", url), told=told, logging=EVERYTHING, rehome=alone) as gate,
    ):
        await say_it_all(gate)
    try:
        fail("\n".join(NASTY[:-1]))
    except RuntimeError:
        logging.getLogger("realtime_lb").exception("a defect: %s", NASTY[0])
        logging.getLogger("aiohttp.server").exception("theirs: %s", NASTY[4])
    return capsys.readouterr().err, len(told.all) + 2


async def test_each_event_is_one_line_of_valid_json(capsys: pytest.CaptureFixture[str]) -> None:
    text, count = await logged("json", capsys)
    lines = [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()]
    told_of = [line for line in lines if line["logger"].startswith("realtime_lb")]
    assert len(lines) >= count > 40
    assert all({"event", "level", "timestamp"} <= line.keys() for line in told_of)
    assert text.isascii()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)


async def test_the_console_shows_no_raw_control_character_and_no_forged_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text, count = await logged("console", capsys)
    assert all(character.isprintable() or character == "\n" for character in text)
    starts = [line for line in text.split("\n") if re.match(r"\d{4}-", line)]
    assert len(starts) >= count > 40
    assert not [line for line in starts if line.startswith(FORGED[:20])]
