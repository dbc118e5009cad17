"""A client's sound passes as it came, and whatever only looks like it is treated as what it is."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from realtime_lb import LoggingSettings, RehomeSettings
from realtime_lb.dialects import Translator
from realtime_lb.quirks import Move, Quirks
from realtime_lb.records import Direction, EventObserved
from realtime_lb.typing import Dialect
from tests.support import deployment, gateway, greet_and_echo, upstream

APPEND = "input_audio_buffer.append"

Client = aiohttp.ClientWebSocketResponse[Any]
SOUND = json.dumps({"type": APPEND, "audio": "UklGRiQ=" * 200})


@asynccontextmanager
async def echoed(*, keeps: bool) -> AsyncIterator[Client]:
    """A session whose upstream sends back what it is sent."""
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url), rehome=RehomeSettings(enabled=keeps)) as gate,
        gate.open() as client,
    ):
        await client.receive()
        yield client


both_ways = pytest.mark.parametrize("keeps", [True, False], ids=["re-homing", "stays"])


@both_ways
@pytest.mark.parametrize(
    "text",
    [
        SOUND,
        SOUND.replace(" ", ""),
        SOUND + "\r\n",
        json.dumps({"audio": "UklGRiQ=", "type": APPEND}),
        json.dumps({"type": APPEND, "audio": "UklGRiQ=" * 2_000}),
    ],
    ids=["spaced", "tight", "with a line's end", "type last", "large"],
)
async def test_sound_passes_as_it_was_written_and_is_counted(text: str, keeps: bool) -> None:
    async with (
        upstream(greet_and_echo) as url,
        gateway(deployment("a", url), rehome=RehomeSettings(enabled=keeps)) as gate,
    ):
        async with gate.open() as client:
            await client.receive()
            for _ in range(3):
                await client.send_str(text)
                assert await client.receive_str() == text
        (closed,) = await gate.told.all_closed(1)
    assert (closed.from_client.frames, closed.from_client.bytes) == (3, 3 * len(text))


@both_ways
async def test_sound_that_was_cut_off_is_refused_and_not_sent_on(keeps: bool) -> None:
    async with echoed(keeps=keeps) as client:
        await client.send_str(SOUND[:-2])
        assert (await client.receive_json())["type"] == "error"
        await client.send_str(SOUND)
        assert await client.receive_str() == SOUND


@both_ways
async def test_a_binary_frame_is_no_sound_whatever_is_in_it(keeps: bool) -> None:
    async with echoed(keeps=keeps) as client:
        await client.send_bytes(SOUND.encode())
        answer = await client.receive()
        assert answer.type is aiohttp.WSMsgType.TEXT
        assert json.loads(answer.data)["type"] == "error"


@both_ways
async def test_who_logs_sound_hears_of_each_piece(keeps: bool) -> None:
    async with (
        upstream(greet_and_echo) as url,
        gateway(
            deployment("a", url),
            rehome=RehomeSettings(enabled=keeps),
            logging=LoggingSettings(event_types=frozenset({APPEND})),
        ) as gate,
    ):
        async with gate.open() as client:
            await client.receive()
            for _ in range(3):
                await client.send_str(SOUND)
                await client.receive()
        await gate.told.all_closed(1)
        seen = [record for record in gate.told.all if isinstance(record, EventObserved)]
    assert [event.direction for event in seen].count(Direction.CLIENT) == 3


def test_sound_that_an_upstream_wants_otherwise_does_not_pass_as_it_is() -> None:
    def leaves(quirks: Quirks) -> bool:
        ends = {"client": Dialect.BETA, "upstream": Dialect.GA, "quirks": quirks}
        return Translator(**ends, on_loss=lambda *_: None).leaves_sound()  # type: ignore[arg-type]

    assert leaves(Quirks())
    assert leaves(Quirks(moves=(Move((("session.update"),), "session.a", "session.b"),)))
    assert not leaves(Quirks(moves=(Move((APPEND,), "audio", "sound"),)))
