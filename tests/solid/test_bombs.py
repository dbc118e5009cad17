"""Events that are made to cost: they cost their sender's session an error at most, and nobody any time."""

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import aiohttp
import pytest

from realtime_lb import LoggingSettings
from realtime_lb.dialects import Translator
from realtime_lb.errors import InvalidEvent
from realtime_lb.events import parse_event
from realtime_lb.frames import Frame, Opcode
from realtime_lb.journal import Continuity, Journal
from realtime_lb.meter import Meter
from realtime_lb.parsing import is_costly
from realtime_lb.passage import Passage
from realtime_lb.typing import Dialect
from tests.support import SESSION_CREATED, Websocket, deployment, gateway, upstream

LONGEST_STALL_S = 0.1
"""To read any of them takes longer. What it takes to refuse one, the scoreboard's case C10 measures."""


BOMBS = {
    "brackets": b"[" * 100_000 + b"]" * 100_000,
    "objects": b"[" + b"{}," * 1_400_000 + b"0]",
    "some objects": b"[" + b"{}," * 80_000 + b"0]",
    "digits": b"1" * 1_000_000,
    "a million digits and a half": b"1" * 1_000_000 + b".5",
    "names": b"{" + b",".join(b'"%d":1' % n for n in range(49_000)) + b"}",
    "quotes": b'"' + b'\\"' * 2_000_000 + b'"',
    "slashes": b'["' + b"\\" * 65 + b'"",' + b"[]," * 200_000 + b'"x"]',
    "escapes": b'"' + b"\\u0041" * 600_000 + b'"',
}

KINDS = {
    "session.update": b'"session":{"type":"realtime","tools":%s}',
    "response.create": b'"response":{"metadata":%s}',
    "conversation.item.create": b'"item":{"type":"message","role":"user","content":%s}',
    "conversation.item.delete": b'"item_id":%s',
    "conversation.item.truncate": b'"item_id":"item","pad":%s',
    "response.cancel": b'"response_id":%s',
}


def event(kind: str, bomb: bytes) -> bytes:
    return b'{"type":"%s",%s}' % (kind.encode(), KINDS[kind] % bomb)


async def greet_and_listen(websocket: Websocket) -> None:
    await websocket.send_str(SESSION_CREATED)
    async for message in websocket:
        if len(message.data) < 1_000:
            await websocket.send_bytes(message.data)


async def sent(client: Any, payload: bytes) -> None:
    await client._writer.send_frame(payload, aiohttp.WSMsgType.TEXT)


@pytest.mark.usefixtures("each_lane")
async def test_no_bomb_ends_a_session_or_keeps_another_from_its_answer() -> None:
    async with (
        upstream(greet_and_listen, decode_text=False) as url,
        gateway(deployment("a", url), logging=LoggingSettings(event_types=None)) as gate,
        gate.open() as attacker,
        gate.open() as other,
    ):
        await attacker.receive()
        await other.receive()
        for bomb in ("brackets", "some objects", "digits"):
            for kind in KINDS:
                await sent(attacker, event(kind, BOMBS[bomb]))
        for client in (attacker, other):
            await sent(client, b'{"type":"still.here"}')
            errors = 0
            while (message := await client.receive()).type is aiohttp.WSMsgType.TEXT:
                assert json.loads(message.data)["error"]["code"] == "invalid_event"
                errors += 1
            assert (message.type, message.data) == (aiohttp.WSMsgType.BINARY, b'{"type":"still.here"}')
            assert bool(errors) is (client is attacker)
        assert gate.told.closed == []


def passage(client: Dialect, up: Dialect) -> Passage:
    journal = Journal(client)
    translator = Translator(client=client, upstream=up, on_loss=lambda *_: None)
    continuity = Continuity.first(journal, lambda: "id")
    return Passage(journal, translator, continuity, write_up=lambda _: None, write_down=lambda _: None)


@pytest.mark.parametrize("bomb", BOMBS)
def test_whatever_reads_a_bomb_gives_it_up_soon(bomb: str) -> None:
    """Every place that reads what a client wrote, three times each, since others use this machine, too."""

    def through(ends: tuple[Dialect, Dialect], payload: bytes) -> None:
        meter = Meter("id", lambda _record: None, LoggingSettings(event_types=None), time.monotonic)
        frame = Frame(Opcode.TEXT, memoryview(payload))
        meter.see_client(frame)
        with suppress(InvalidEvent):
            passage(*ends).from_client(frame)

    for kind in KINDS:
        payload = event(kind, BOMBS[bomb])
        for ends in ((Dialect.GA, Dialect.GA), (Dialect.BETA, Dialect.GA), (Dialect.BETA, Dialect.BETA)):
            took_s = []
            for _ in range(3):
                began_s = time.thread_time()
                through(ends, payload)
                took_s.append(time.thread_time() - began_s)
            assert min(took_s) < LONGEST_STALL_S, (kind, ends)


def deeper(levels: int, act: Callable[[], object]) -> object:
    return act() if levels == 0 else deeper(levels - 1, act)


@pytest.mark.parametrize("depth", range(860, 1000, 5))
def test_what_was_parsed_can_be_written_further_down_the_stack(depth: int) -> None:
    """Another upstream is told of it later, from where Python has less room left."""
    event = parse_event(b'{"a":' * depth + b"1" + b"}" * depth)
    if event is not None:
        assert deeper(20, lambda: json.dumps(event))


def test_one_text_that_looks_like_two_is_none() -> None:
    assert parse_event(b'{"type":"a"},{"type":"b"}') is None
    assert parse_event(b'{"type":"a"}],[{"type":"b"}') is None


@pytest.mark.parametrize("ends", [(Dialect.GA, Dialect.GA), (Dialect.BETA, Dialect.GA)])
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_large_event_costs_is_asked_once_on_its_way(kind: str, ends: tuple[Dialect, Dialect]) -> None:
    """However many want to read it."""
    asked = 0

    def count(frame: FrameType, happened: str, _detail: object) -> None:
        nonlocal asked
        asked += happened == "call" and frame.f_code is is_costly.__code__

    way, large = passage(*ends), Frame(Opcode.TEXT, event(kind, b'"%s"' % (b"x" * 40_000)))
    sys.setprofile(count)
    try:
        way.from_client(large)
    finally:
        sys.setprofile(None)
    assert asked == 1


ODD_ANSWERS = (
    {"type": "response.done", "response": "resp_1"},
    {"type": "response.done", "response": ["resp_1"]},
    {"type": "response.created", "response": {"id": "resp_1"}},
    {"type": "response.done", "response": {"id": "resp_1", "status_details": "over"}},
)


@pytest.mark.usefixtures("each_lane")
async def test_answers_that_are_no_objects_reach_the_client_and_end_no_session() -> None:
    """An upstream may be anybody's server; what is kept for re-homing is made of what it says."""

    async def answer_oddly(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        for event in ODD_ANSWERS:
            await websocket.send_str(json.dumps(event))
        async for message in websocket:
            await websocket.send_str(message.data)

    async with (
        upstream(answer_oddly) as url,
        gateway(deployment("a", url)) as gate,
        gate.open() as client,
    ):
        await client.receive_json()
        assert [await client.receive_json() for _ in ODD_ANSWERS] == list(ODD_ANSWERS)
        await client.send_json({"type": "still.here"})
        assert await client.receive_json() == {"type": "still.here"}
