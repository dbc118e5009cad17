"""xAI's face: GA's names, and much that GA would not do.

Every event that is heard here was held to the SDK's GA types, with the provider's quirks undone.
"""

from __future__ import annotations

import itertools
from typing import Any

import aiohttp
import pytest

from realtime_lb.simulator import Face, Simulator
from realtime_lb.simulator.audio import AudioFormat
from tests.simulator.talk import GROK, Talk, call, hush, sound, squeezed, talk, types

XAI: Any = {"face": Face.XAI}
_TRANSCRIBED = "conversation.item.input_audio_transcription"


async def listening_by_itself(client: Talk, **more: Any) -> None:
    """Turn the detector on, which a new session has off."""
    vad = {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 200, **more}
    await client.ask("session.update", "session.updated", session={"turn_detection": vad})


@pytest.mark.parametrize("conversation_first", [False, True])
async def test_it_opens_with_both_events_in_either_order_and_a_ping(conversation_first: bool) -> None:
    order = ["session.created", "conversation.created"]
    async with talk(**XAI, conversation_first=conversation_first) as (client, simulator):
        assert types(client.opening) == (order[::-1] if conversation_first else order)
        assert (await client.hear())["type"] == "ping"
        session = next(event for event in client.opening if "session" in event)["session"]
        assert (session["voice"], session["turn_detection"]) == ("ara", {"type": None})
        assert "type" not in session
        assert simulator.sessions[0].settings.turn_detection is None


async def test_pings_go_on_as_long_as_the_session() -> None:
    async with talk(**XAI, ping_interval_s=0.001) as (client, _):
        stamps = [(await client.until("ping"))[-1]["timestamp"] for _ in range(3)]
        assert stamps == sorted(stamps)


async def test_no_pings_come_where_none_are_wanted_or_from_others() -> None:
    for options in ({**XAI, "ping_interval_s": float("inf")}, {"face": Face.OPENAI}):
        async with talk(**options) as (client, _):
            await client.ask("input_audio_buffer.clear", "input_audio_buffer.cleared")
            assert "ping" not in types(client.heard)


async def test_a_spoken_turn_leaves_out_what_xai_leaves_out() -> None:
    async with talk(**XAI, ping_interval_s=float("inf")) as (client, _):
        await client.user_says("Hello there.")
        await client.say("response.create", response={"modalities": ["text", "audio"]})
        events = await client.until("response.done")
        assert squeezed(events) == [
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
            "response.output_audio_transcript.delta",
            "response.output_audio.delta",
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.done",
        ]
        by_type = {event["type"]: event for event in events}
        assert "content" not in by_type["response.output_item.done"]["item"]
        assert "part" not in by_type["response.content_part.done"]
        done = by_type["response.done"]
        assert (done["response"]["usage"], done["response"]["status_details"]) == ({}, "unimplemented")
        assert done["usage"]["total_tokens"] > 0
        assert done["response"]["output"][0]["content"][0]["type"] == "audio"


async def test_it_speaks_even_where_text_was_asked_for() -> None:
    async with talk(**XAI) as (client, _):
        await client.ask("session.update", "session.updated", session={"output_modalities": ["text"]})
        await client.user_says("Hello.")
        await client.say("response.create", response={"modalities": ["text"]})
        assert "response.output_audio.delta" in types(await client.until("response.done"))


async def test_a_call_and_its_output_are_a_tools() -> None:
    tool = {"type": "function", "name": "look_up", "parameters": {"type": "object", "properties": {}}}
    async with talk(**XAI) as (client, _):
        client.in_own_words = True
        await client.ask(
            "session.update", "session.updated", session={"tools": [{"type": "web_search"}, tool]}
        )
        client.in_own_words = False
        await client.user_says("Please look_up that.")
        await client.say("response.create")
        events = await client.until("response.done")
        delta = next(event for event in events if event["type"].endswith("arguments.delta"))
        item = events[-1]["response"]["output"][0]
        assert "output_index" not in delta
        assert item["role"] == "tool"
        output = {"type": "function_call_output", "call_id": item["call_id"], "output": "42"}
        added = await client.ask("conversation.item.create", "conversation.item.added", item=output)
        assert added["item"]["role"] == "tool"


async def test_settings_hold_at_the_top_and_nested_ones_are_ignored() -> None:
    """A client of OpenAI's is not told that its voice was not heard."""
    async with talk(**XAI) as (client, simulator):
        nested = {"output": {"voice": "marin"}, "input": {"turn_detection": {"type": "server_vad"}}}
        session = {"type": "realtime", "tracing": "auto", "instructions": "Be kind.", "audio": nested}
        await client.ask("session.update", "session.updated", session=session)
        settings = simulator.sessions[0].settings
        assert (settings.voice, settings.turn_detection, settings.instructions) == ("ara", None, "Be kind.")
        vad = {"type": "server_vad", "threshold": 0.6}
        updated = await client.ask(
            "session.update", "session.updated", session={"voice": "Leo", "turn_detection": vad}
        )
        settings = simulator.sessions[0].settings
        assert (settings.voice, updated["session"]["turn_detection"]) == ("Leo", vad)
        assert settings.turn_detection is not None
        assert settings.turn_detection.threshold == 0.6


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
async def test_every_rate_is_heard_and_spoken_at_its_own_pace(rate_hz: int) -> None:
    form = {"type": "audio/pcm", "rate": rate_hz}
    async with talk(**XAI) as (client, simulator):
        client.in_own_words = rate_hz != 24_000  # GA's types know no other
        session = {"audio": {"input": {"format": form}, "output": {"format": form}}}
        await client.ask("session.update", "session.updated", session=session)
        assert simulator.sessions[0].settings.input_format is AudioFormat.pcm(rate_hz)
        await client.append(sound(600, rate_hz=rate_hz))
        await client.ask("input_audio_buffer.commit", "response.done")
        heard, said = simulator.sessions[0].conversation.items
        assert heard.parts[0].audio_ms == pytest.approx(600, abs=1)
        assert said.parts[0].audio_ms % 100 == pytest.approx(0, abs=0.1)


async def test_a_commit_of_speech_is_answered_by_itself_and_a_request_for_it_is_dropped() -> None:
    """Seen live: no second answer, and no error either."""
    async with talk(**XAI) as (client, _):
        await client.append(sound(500))
        await client.say("input_audio_buffer.commit")
        await client.say("response.create")
        assert "error" not in types(await client.until("response.done"))
        await client.say("response.create")
        await client.ask("input_audio_buffer.clear", "input_audio_buffer.cleared")
        assert types(client.heard).count("response.created") == 1
        await client.ask("response.create", "response.done")


async def test_a_commit_of_silence_is_not_answered() -> None:
    async with talk(**XAI) as (client, _):
        await client.append(hush(500))
        await client.ask("input_audio_buffer.commit", "conversation.item.added")
        await client.ask("input_audio_buffer.clear", "input_audio_buffer.cleared")
        assert "response.created" not in types(client.heard)
        await client.ask("response.create", "response.done")


async def test_a_commit_is_refused_while_turns_are_found_by_the_server() -> None:
    async with talk(**XAI) as (client, _):
        await listening_by_itself(client)
        await client.append(sound(500))
        assert "turn_detection is null" in (await client.error("input_audio_buffer.commit"))["message"]


async def test_turns_are_answered_even_where_that_was_switched_off() -> None:
    async with talk(**XAI) as (client, _):
        await listening_by_itself(client, create_response=False)
        await client.append(hush(100) + sound(500) + hush(400))
        await client.until("input_audio_buffer.committed", "response.done")


async def test_a_transcript_is_told_whole_again_and_again() -> None:
    async with talk(**XAI) as (client, _):
        transcription = {"input": {"transcription": {"model": "grok-transcribe"}}}
        await client.ask("session.update", "session.updated", session={"audio": transcription})
        await client.append(sound(1000))
        await client.say("input_audio_buffer.commit")
        await client.until(f"{_TRANSCRIBED}.completed", "response.done")
        told = [event for event in client.heard if event["type"].startswith(_TRANSCRIBED)]
        texts = [event["transcript"] for event in told]
        assert len(texts) > 2
        assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))
        assert (told[-1]["status"], "usage" in told[-1]) == ("completed", False)


async def test_a_deleted_item_is_not_named() -> None:
    async with talk(**XAI) as (client, simulator):
        item = (await client.user_says("Hello."))["item"]
        deleted = await client.ask(
            "conversation.item.delete", "conversation.item.deleted", item_id=item["id"]
        )
        assert deleted["item_id"] == ""
        assert simulator.sessions[0].conversation.items == ()


@pytest.mark.parametrize(
    ("update", "code", "param"),
    [
        ({"voice": 5}, "invalid_type", "session.voice"),
        ({"turn_detection": {"type": "semantic_vad"}}, "invalid_value", "session.turn_detection.type"),
        (
            {"turn_detection": {"type": "server_vad", "threshold": 2}},
            "invalid_value",
            "session.turn_detection.threshold",
        ),
        (
            {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 11025}}}},
            "invalid_value",
            "session.audio.input.format.rate",
        ),
        (
            {"audio": {"output": {"format": {"type": "audio/opus"}}}},
            "invalid_value",
            "session.audio.output.format.type",
        ),
        ({"audio": {"output": {"speed": 2}}}, "invalid_value", "session.audio.output.speed"),
        ({"tools": [{"type": "function"}]}, "missing_required_parameter", "session.tools[0].name"),
        ({"tools": [{"type": "telepathy"}]}, "invalid_value", "session.tools[0].type"),
    ],
)
async def test_what_its_page_rules_out_is_refused(update: dict[str, Any], code: str, param: str) -> None:
    async with talk(**XAI) as (client, simulator):
        before = simulator.sessions[0].settings
        error = await client.error("session.update", session={"instructions": "Never applied.", **update})
        assert (error["code"], error["param"]) == (code, param)
        assert simulator.sessions[0].settings == before


BEARER = {"Authorization": "Bearer sk-sim"}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (GROK, {}, 401),
        (GROK, {"Authorization": "Bearer wrong"}, 401),
        (GROK, {"api-key": "sk-sim"}, 401),
        (GROK, {"Sec-WebSocket-Protocol": "openai-insecure-api-key.sk-sim"}, 401),
        ("/v1/realtime?model=gpt-realtime", BEARER, 404),
        (f"{GROK}&call_id=rtc_9", BEARER, 404),
        ("/v2/realtime?model=grok-voice-latest", BEARER, 404),
    ],
)
async def test_it_refuses_with_a_status(path: str, headers: dict[str, str], status: int) -> None:
    async with Simulator(Face.XAI, calls={"rtc_1"}) as simulator, aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(simulator.base_url + path, headers=headers)
        assert refused.value.status == status


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (GROK, BEARER),
        (f"{GROK}&call_id=rtc_1", BEARER),
        (GROK, {"Sec-WebSocket-Protocol": "realtime, xai-client-secret.sk-sim"}),
        (GROK, BEARER | {"OpenAI-Beta": "realtime=v1"}),
    ],
)
async def test_it_takes_each_credential_that_it_documents(path: str, headers: dict[str, str]) -> None:
    async with Simulator(Face.XAI, calls={"rtc_1"}) as simulator, aiohttp.ClientSession() as http:
        async with http.ws_connect(simulator.base_url + path, headers=headers) as ws:
            assert (await ws.receive_json())["type"] == "session.created"
        assert "sk-sim" not in repr(simulator.dials[0])


async def test_a_missing_model_is_replaced_without_a_word() -> None:
    async with Simulator(Face.XAI) as simulator, call(simulator, "/v1/realtime") as client:
        created = (await client.until("session.created"))[-1]
        assert created["session"]["model"] == "grok-voice-think-fast-2.0"


async def test_a_session_may_live_two_hours() -> None:
    async with Simulator(Face.XAI) as xai, Simulator(Face.VOICE_LIVE) as live:
        assert (xai._options().lifetime_s, live._options().lifetime_s) == (7200, 3600)
