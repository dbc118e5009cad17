"""An answer comes in pieces, which pass as they came, whatever comes between them."""

import json
from collections.abc import Sequence
from typing import Any

import aiohttp
import pytest

from realtime_lb import LoggingSettings, RehomeSettings
from realtime_lb.dialects import Translator
from realtime_lb.events import STREAMED, type_of
from realtime_lb.frames import Frame
from realtime_lb.meter import Meter
from realtime_lb.records import Direction, EventObserved
from realtime_lb.typing import Dialect
from tests.support import SESSION_CREATED, Websocket, deployment, gateway, upstream

AUDIO, WORDS = "response.output_audio.delta", "response.output_audio_transcript.delta"
BETA_NAMES = {AUDIO: "response.audio.delta", WORDS: "response.audio_transcript.delta"}


def piece(kind: str, size: int = 400) -> str:
    place = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
    return json.dumps({"type": kind, "event_id": "event_1", **place, "delta": "A" * size})


def answer(*, spaced: bool = True) -> list[str]:
    """Return the events of one answer; more words than are copied, and sound that is and that is not."""
    streamed = [
        piece(kind, size) for size in (400, 6_000, 13_000) for kind in (AUDIO, WORDS, AUDIO, AUDIO, WORDS)
    ]
    item = {"id": "item_1", "object": "realtime.item", "type": "message", "role": "assistant", "content": []}
    whole = {"id": "resp_1", "object": "realtime.response", "status": "in_progress", "output": []}
    events = [
        json.dumps({"type": "response.created", "event_id": "e1", "response": whole}),
        json.dumps(
            {"type": "response.output_item.added", "response_id": "resp_1", "output_index": 0, "item": item}
        ),
        *streamed,
        json.dumps({"type": "response.output_audio.done", "response_id": "resp_1", "item_id": "item_1"}),
        *streamed[:4],
        json.dumps({"type": "response.done", "event_id": "e2", "response": {**whole, "status": "completed"}}),
    ]
    return events if spaced else [event.replace('": ', '":').replace(', "', ',"') for event in events]


def answering(events: Sequence[str]) -> Any:
    """Return an upstream that answers each event of the client's with these."""

    async def answers(websocket: Websocket) -> None:
        await websocket.send_str(SESSION_CREATED)
        async for _ in websocket:
            for event in events:
                await websocket.send_str(event)

    return answers


async def heard(client: aiohttp.ClientWebSocketResponse[Any], count: int) -> list[str]:
    return [await client.receive_str() for _ in range(count)]


both_ways = pytest.mark.parametrize("keeps", [True, False], ids=["re-homing", "stays"])


@both_ways
@pytest.mark.parametrize("spaced", [True, False], ids=["spaced", "tight"])
async def test_answers_pass_as_they_were_written_and_are_counted(spaced: bool, keeps: bool) -> None:
    events = answer(spaced=spaced)
    async with (
        upstream(answering(events)) as url,
        gateway(deployment("a", url), rehome=RehomeSettings(enabled=keeps)) as gate,
    ):
        async with gate.open() as client:
            opening = await client.receive_str()
            for _ in range(3):
                await client.send_str('{"type":"response.create"}')
                assert await heard(client, len(events)) == events
        (closed,) = await gate.told.all_closed(1)
    assert closed.from_upstream.frames == 1 + 3 * len(events)
    assert closed.from_upstream.bytes == len(opening) + 3 * sum(map(len, events))
    assert closed.first_audio_s is not None


@both_ways
async def test_of_each_stretch_of_an_answer_the_first_piece_is_looked_at(
    keeps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody waits for it; the others take the shortcut."""
    seen: list[str | None] = []
    see = Meter.see_upstream

    def noted(meter: Meter, frame: Frame) -> None:
        seen.append(type_of(frame))
        see(meter, frame)

    monkeypatch.setattr(Meter, "see_upstream", noted)
    events = answer()
    kinds = [json.loads(event)["type"] for event in events]
    async with (
        upstream(answering(events)) as url,
        gateway(deployment("a", url), rehome=RehomeSettings(enabled=keeps)) as gate,
        gate.open() as client,
    ):
        await client.receive()
        for _ in range(3):
            await client.send_str('{"type":"response.create"}')
            await heard(client, len(events))
    firsts = [now for now, before in zip(kinds, ["", *kinds], strict=False) if not {now, before} <= STREAMED]
    assert seen == ["session.created", *firsts * 3]
    assert firsts.count(AUDIO) == 2


@both_ways
async def test_who_logs_pieces_hears_of_each(keeps: bool) -> None:
    events = answer()
    async with (
        upstream(answering(events)) as url,
        gateway(
            deployment("a", url),
            rehome=RehomeSettings(enabled=keeps),
            logging=LoggingSettings(event_types=frozenset({AUDIO})),
        ) as gate,
    ):
        async with gate.open() as client:
            await client.receive()
            for _ in range(2):
                await client.send_str('{"type":"response.create"}')
                await heard(client, len(events))
        await gate.told.all_closed(1)
        seen = [record for record in gate.told.all if isinstance(record, EventObserved)]
    assert [event.direction for event in seen] == [Direction.SERVER] * 2 * sum(
        json.loads(event)["type"] == AUDIO for event in events
    )


@both_ways
async def test_a_beta_client_gets_each_piece_by_its_own_name(keeps: bool) -> None:
    events = answer()
    async with (
        upstream(answering(events)) as url,
        gateway(deployment("a", url), rehome=RehomeSettings(enabled=keeps)) as gate,
        gate.open(headers={"OpenAI-Beta": "realtime=v1"}) as client,
    ):
        await client.receive()
        await client.send_str('{"type":"response.create"}')
        kinds = [json.loads(event)["type"] for event in await heard(client, len(events))]
    named = [kind for kind in kinds if kind.endswith(".delta")]
    asked = [json.loads(event)["type"] for event in events]
    assert named == [BETA_NAMES[kind] for kind in asked if kind.endswith(".delta")]


def test_pieces_do_not_pass_as_they_are_while_it_is_a_guess_what_a_client_speaks() -> None:
    """It may turn out in the middle of an answer."""

    def leaves(client: Dialect, upstream: Dialect, *, is_guess: bool = False) -> bool:
        ends = Translator(client=client, upstream=upstream, is_guess=is_guess, on_loss=lambda *_: None)
        return ends.leaves_pieces()

    assert leaves(Dialect.BETA, Dialect.BETA)
    assert not leaves(Dialect.BETA, Dialect.BETA, is_guess=True)
    assert not leaves(Dialect.BETA, Dialect.GA)
