"""Voice Live's face: beta's events around a session of its own.

Every event that is heard here was held to the SDK's beta types, with the provider's quirks undone.
"""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from realtime_lb.simulator import Face, Simulator
from realtime_lb.simulator.audio import AudioFormat
from realtime_lb.typing import Dialect
from tests.simulator.talk import VOICE_LIVE, call, hush, sound, squeezed, talk, types

LIVE: Any = {"face": Face.VOICE_LIVE, "dialect": Dialect.BETA}
PATH = "/voice-live/realtime"
AVA = {"type": "azure-standard", "name": "en-US-Ava:DragonHDLatestNeural", "temperature": 0.8}


async def test_it_opens_with_one_event_and_an_object_for_a_voice() -> None:
    async with talk(**LIVE) as (client, simulator):
        assert types(client.opening) == ["session.created"]
        session = client.opening[0]["session"]
        assert session["voice"] == {"name": "alloy", "type": "openai"}
        assert (session["modalities"], session["object"]) == (["audio"], "realtime.session")
        assert simulator.sessions[0].terms.dialect is Dialect.BETA
        await client.ask("input_audio_buffer.clear", "input_audio_buffer.cleared")
        assert "conversation.created" not in types(client.heard)


async def test_a_spoken_turn_has_betas_events() -> None:
    async with talk(**LIVE) as (client, _):
        await client.user_says("Hello there.")
        await client.say("response.create", response={"metadata": {"mine": "1"}})
        events = await client.until("response.done")
        assert squeezed(events) == [
            "response.created",
            "response.output_item.added",
            "conversation.item.created",
            "response.content_part.added",
            "response.audio_transcript.delta",
            "response.audio.delta",
            "response.audio.done",
            "response.audio_transcript.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.done",
        ]
        response = events[-1]["response"]
        assert response["voice"] == {"name": "alloy", "type": "openai"}
        assert (response["temperature"], response["metadata"]) == (None, {"mine": "1"})
        assert response["output"][0]["content"][0]["type"] == "audio"


async def test_a_call_ends_with_its_functions_name() -> None:
    """Which beta's has not."""
    tool = {"type": "function", "name": "look_up", "parameters": {"type": "object", "properties": {}}}
    async with talk(**LIVE) as (client, _):
        await client.ask("session.update", "session.updated", session={"tools": [tool]})
        await client.user_says("Please look_up that.")
        done = await client.ask("response.create", "response.function_call_arguments.done")
        assert done["name"] == "look_up"


async def test_an_update_is_echoed_whole_and_a_detector_is_filled_up() -> None:
    async with talk(**LIVE) as (client, simulator):
        client.in_own_words = True
        update = {
            "voice": AVA,
            "modalities": ["text", "audio"],
            "turn_detection": {"type": "azure_semantic_vad", "remove_filler_words": True, "threshold": None},
            "input_audio_noise_reduction": {"type": "azure_deep_noise_suppression"},
            "input_audio_echo_cancellation": {"type": "server_echo_cancellation"},
            "input_audio_sampling_rate": 16000,
            "output_audio_format": "pcm16_8000hz",
            "input_audio_transcription": {"model": "azure-speech", "language": "en-US"},
            "parallel_tool_calls": False,
            "max_response_output_tokens": 100,
        }
        event = await client.ask("session.update", "session.updated", session=update)
        assert event["session"]["voice"] == AVA
        assert event["session"]["turn_detection"] == {
            "type": "azure_semantic_vad",
            "remove_filler_words": True,
            "threshold": 0.5,
            "prefix_padding_ms": 400,
            "silence_duration_ms": 500,
            "create_response": True,
            "interrupt_response": True,
            "auto_truncate": False,
        }
        settings = simulator.sessions[0].settings
        assert (settings.voice, settings.max_output_tokens) == (AVA["name"], 100)
        assert settings.input_format is AudioFormat.PCM16_16K
        assert settings.output_format is AudioFormat.PCM16_8K
        voice = await client.ask("session.update", "session.updated", session={"voice": "coral"})
        assert voice["session"]["voice"] == {"name": "coral", "type": "openai"}


async def test_turns_are_found_in_audio_of_the_agreed_rate() -> None:
    """At 16 kHz a second has fewer bytes: read as 24 kHz, its turn would be shorter than it was."""
    async with talk(**LIVE) as (client, _):
        vad = {"type": "server_vad", "silence_duration_ms": 200, "create_response": False}
        session = {"input_audio_sampling_rate": 16000, "turn_detection": vad}
        await client.ask("session.update", "session.updated", session=session)
        await client.append(sound(900, rate_hz=16_000) + bytes(32 * 300))
        stopped = (await client.until("input_audio_buffer.speech_stopped"))[-1]
        assert stopped["audio_end_ms"] == 1100


async def test_text_alone_is_written() -> None:
    async with talk(**LIVE) as (client, _):
        await client.user_says("Hello.")
        await client.say("response.create", response={"modalities": ["text"], "max_output_tokens": 50})
        assert "response.text.delta" in types(await client.until("response.done"))


async def test_a_response_may_leave_the_conversation_alone_and_look_at_other_items() -> None:
    async with talk(**LIVE) as (client, simulator):
        said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Only this."}]}
        done = await client.ask(
            "response.create", "response.done", response={"commit": False, "input_items": [said]}
        )
        assert done["response"]["output"][0]["content"][0]["transcript"].endswith("Only this.")
        assert simulator.sessions[0].conversation.items == ()


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "realtime"}, "unknown_parameter", "session.type"),
    ({"audio": {"output": {"voice": "alloy"}}}, "unknown_parameter", "session.audio"),
    ({"output_modalities": ["audio"]}, "unknown_parameter", "session.output_modalities"),
    ({"max_output_tokens": 5}, "unknown_parameter", "session.max_output_tokens"),
    ({"speed": 1.0}, "unknown_parameter", "session.speed"),
    ({"model": "gpt-4o"}, "invalid_value", "session.model"),
    ({"modalities": []}, "invalid_value", "session.modalities"),
    ({"voice": "nobody"}, "invalid_value", "session.voice"),
    ({"voice": {"name": "x"}}, "missing_required_parameter", "session.voice.type"),
    (
        {"voice": {"type": "azure-custom", "name": "x"}},
        "missing_required_parameter",
        "session.voice.endpoint_id",
    ),
    ({"turn_detection": {"type": "semantic_vad"}}, "invalid_value", "session.turn_detection.type"),
    ({"input_audio_sampling_rate": 44100}, "invalid_value", "session.input_audio_sampling_rate"),
    ({"output_audio_format": "pcm16_48000hz"}, "invalid_value", "session.output_audio_format"),
    (
        {"input_audio_transcription": {}},
        "missing_required_parameter",
        "session.input_audio_transcription.model",
    ),
    (
        {"input_audio_noise_reduction": {"type": "loud"}},
        "invalid_value",
        "session.input_audio_noise_reduction.type",
    ),
]


async def test_a_session_update_is_refused_whole() -> None:
    """Above all GA's nested session, which is what a client of OpenAI's sends today."""
    async with talk(**LIVE) as (client, simulator):
        before = simulator.sessions[0].settings
        for update, code, param in REFUSED:
            error = await client.error("session.update", session={"instructions": "Never applied.", **update})
            assert (error["code"], error["param"]) == (code, param), update
        assert simulator.sessions[0].settings == before


async def test_a_response_is_refused_for_betas_name_of_its_limit() -> None:
    async with talk(**LIVE) as (client, _):
        error = await client.error("response.create", response={"max_response_output_tokens": 5})
        assert error["param"] == "response.max_response_output_tokens"


async def test_a_second_response_and_another_voice_after_speech_are_refused() -> None:
    async with talk(**LIVE, realtime_factor=1) as (client, _):
        await client.user_says("Hello.")
        await client.ask("response.create", "response.audio.delta")
        assert (await client.error("response.create"))["code"] == "conversation_already_has_active_response"
        assert (await client.error("session.update", session={"voice": AVA}))["code"] == "cannot_update_voice"


async def test_barge_in_ends_the_answer() -> None:
    async with talk(**LIVE, realtime_factor=1) as (client, _):
        await client.user_says("Hello.")
        await client.ask("response.create", "response.audio.delta")
        await client.append(hush(200) + sound(400))
        done = (await client.until("response.done"))[-1]["response"]
        assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "turn_detected")


KEY = {"api-key": "sk-sim"}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (VOICE_LIVE, {}, 401),
        (VOICE_LIVE, {"api-key": "wrong"}, 401),
        (VOICE_LIVE, {"Authorization": "Bearer sk-sim"}, 401),
        (f"{VOICE_LIVE}&api-key=wrong", {}, 401),
        (f"{PATH}?model=gpt-realtime", KEY, 400),
        (f"{PATH}?model=gpt-realtime&api-version=2024-10-01", KEY, 400),
        (f"{PATH}?api-version=2026-04-10", KEY, 400),
        (f"{PATH}?api-version=2026-04-10&model=other", KEY, 400),
        ("/openai/v1/realtime?model=gpt-realtime", KEY, 404),
    ],
)
async def test_it_refuses_with_a_status(path: str, headers: dict[str, str], status: int) -> None:
    async with (
        Simulator(Face.VOICE_LIVE, models={"gpt-realtime"}) as simulator,
        aiohttp.ClientSession() as http,
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(simulator.base_url + path, headers=headers)
        assert refused.value.status == status
        assert simulator.sessions == ()


@pytest.mark.parametrize(
    ("query", "headers"), [("", KEY), ("&api-key=sk-sim", {}), ("", {"Authorization": "Bearer entra"})]
)
async def test_it_takes_each_credential_that_it_documents(query: str, headers: dict[str, str]) -> None:
    async with (
        Simulator(Face.VOICE_LIVE, entra_tokens={"entra"}) as simulator,
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{simulator.base_url}{VOICE_LIVE}{query}", headers=headers) as ws,
    ):
        assert (await ws.receive_json())["type"] == "session.created"


async def test_it_answers_to_the_versions_it_is_given() -> None:
    path = f"{PATH}?api-version=2030-01-01&model=gpt-realtime"
    async with (
        Simulator(Face.VOICE_LIVE, api_versions={"2030-01-01"}) as simulator,
        call(simulator, path) as client,
    ):
        await client.until("session.created")
