"""What a real server refuses, the simulator refuses: with the code, the field, and nothing applied."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from realtime_lb.simulator import Face
from realtime_lb.typing import Dialect
from tests.simulator.talk import PATHS, call, sound, talk, types

GA, BETA = Dialect.GA, Dialect.BETA
EVERYWHERE = pytest.mark.parametrize(("face", "dialect"), list(PATHS))


def heard(**fields: Any) -> dict[str, Any]:
    return {"type": "realtime", "audio": {"input": fields}}


def said(**fields: Any) -> dict[str, Any]:
    return {"type": "realtime", "audio": {"output": fields}}


def ga(**fields: Any) -> dict[str, Any]:
    return {"type": "realtime", **fields}


GA_REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"instructions": "x"}, "missing_required_parameter", "session.type"),
    ({"type": "transcription"}, "invalid_value", "session.type"),
    ({"type": "other"}, "invalid_value", "session.type"),
    (ga(temperature=0.8), "unknown_parameter", "session.temperature"),
    (ga(modalities=["text"]), "unknown_parameter", "session.modalities"),
    (ga(voice="alloy"), "unknown_parameter", "session.voice"),
    (ga(id="sess_1"), "unknown_parameter", "session.id"),
    (ga(model="gpt-realtime-2"), "invalid_value", "session.model"),
    (ga(instructions=5), "invalid_type", "session.instructions"),
    (ga(output_modalities=["audio", "text"]), "invalid_value", "session.output_modalities"),
    (ga(output_modalities=["video"]), "invalid_value", "session.output_modalities[0]"),
    (ga(output_modalities="text"), "invalid_type", "session.output_modalities"),
    (ga(max_output_tokens=0), "invalid_value", "session.max_output_tokens"),
    (ga(max_output_tokens=4097), "invalid_value", "session.max_output_tokens"),
    (ga(max_output_tokens="many"), "invalid_value", "session.max_output_tokens"),
    (ga(max_output_tokens=1.5), "invalid_type", "session.max_output_tokens"),
    (ga(parallel_tool_calls="yes"), "invalid_type", "session.parallel_tool_calls"),
    (ga(audio=None), "invalid_type", "session.audio"),
    (ga(tools=[{"type": "function"}]), "missing_required_parameter", "session.tools[0].name"),
    (ga(tools=[{"type": "mcp", "server_label": "x"}]), "invalid_value", "session.tools[0].type"),
    (ga(tools=["f"]), "invalid_type", "session.tools[0]"),
    (
        ga(tools=[{"type": "function", "name": "f", "parameters": 1}]),
        "invalid_type",
        "session.tools[0].parameters",
    ),
    (ga(tool_choice="maybe"), "invalid_value", "session.tool_choice"),
    (ga(tool_choice={"type": "function"}), "missing_required_parameter", "session.tool_choice.name"),
    (ga(truncation="some"), "invalid_value", "session.truncation"),
    (said(voice="nobody"), "invalid_value", "session.audio.output.voice"),
    (said(voice={"name": "x"}), "missing_required_parameter", "session.audio.output.voice.id"),
    (said(speed=2), "invalid_value", "session.audio.output.speed"),
    (said(speed=True), "invalid_type", "session.audio.output.speed"),
    (said(format={"rate": 24000}), "missing_required_parameter", "session.audio.output.format.type"),
    (heard(format={"type": "audio/pcm", "rate": 16000}), "invalid_value", "session.audio.input.format.rate"),
    (heard(format={"type": "audio/opus"}), "invalid_value", "session.audio.input.format.type"),
    (
        heard(turn_detection={"threshold": 0.5}),
        "missing_required_parameter",
        "session.audio.input.turn_detection.type",
    ),
    (
        heard(turn_detection={"type": "server_vad", "threshold": 2}),
        "invalid_value",
        "session.audio.input.turn_detection.threshold",
    ),
    (
        heard(turn_detection={"type": "semantic_vad", "threshold": 0.5}),
        "unknown_parameter",
        "session.audio.input.turn_detection.threshold",
    ),
    (
        heard(turn_detection={"type": "server_vad", "silence_duration_ms": -1}),
        "invalid_value",
        "session.audio.input.turn_detection.silence_duration_ms",
    ),
]

BETA_REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "realtime"}, "unknown_parameter", "session.type"),
    ({"output_modalities": ["text"]}, "unknown_parameter", "session.output_modalities"),
    ({"audio": {}}, "unknown_parameter", "session.audio"),
    ({"modalities": ["audio"]}, "invalid_value", "session.modalities"),
    ({"voice": "marin"}, "invalid_value", "session.voice"),
    ({"temperature": 1.3}, "invalid_value", "session.temperature"),
    ({"temperature": "hot"}, "invalid_type", "session.temperature"),
    ({"input_audio_format": "audio/pcm"}, "invalid_value", "session.input_audio_format"),
    ({"model": "another"}, "invalid_value", "session.model"),
    ({"client_secret": {}}, "unknown_parameter", "session.client_secret"),
    ({"truncation": "auto"}, "unknown_parameter", "session.truncation"),
    (
        {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 6000}},
        "unknown_parameter",
        "session.turn_detection.idle_timeout_ms",
    ),
]


@pytest.mark.parametrize("dialect", [GA, BETA])
async def test_a_session_update_is_refused_whole(dialect: Dialect) -> None:
    """One wrong field, and not even the right ones beside it apply."""
    async with talk(Face.AZURE, dialect) as (client, simulator):
        before = simulator.sessions[0].settings
        for update, code, param in GA_REFUSED if dialect is GA else BETA_REFUSED:
            session = {"instructions": "Never applied.", **update}
            if update.get("model") == "gpt-realtime-2":
                session["model"] = "another"
            error = await client.error("session.update", session=session)
            assert (error["code"], error["param"]) == (code, param), update
            assert error["type"] == "invalid_request_error"
        assert simulator.sessions[0].settings == before


@pytest.mark.parametrize("dialect", [GA, BETA])
async def test_an_update_changes_what_it_names_and_echoes_all(dialect: Dialect) -> None:
    async with talk(Face.AZURE, dialect) as (client, _):
        original = client.opening[0]["session"]
        detection = {"type": "semantic_vad", "eagerness": "high"}
        full = {**detection, "create_response": True, "interrupt_response": True}
        if dialect is GA:
            update = ga(
                model="my-voice",
                audio={"input": {"turn_detection": detection}, "output": {"voice": {"id": "voice_1"}}},
                tracing="auto",
                truncation={"type": "retention_ratio", "retention_ratio": 0.5},
                reasoning={"effort": "low"},
            )
            updated = await client.ask("session.update", "session.updated", session=update)
            session = updated["session"]
            assert session["audio"]["input"]["turn_detection"] == full
            assert session["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000}
            assert session["audio"]["output"]["voice"] == {"id": "voice_1"}
            assert session["audio"]["output"]["speed"] == original["audio"]["output"]["speed"]
        else:
            update = {"turn_detection": detection, "temperature": 0.7, "tools": []}
            updated = await client.ask("session.update", "session.updated", session=update)
            assert updated["session"] == {**original, **update, "turn_detection": full}
        vad = {"type": "server_vad", "threshold": 0.9}
        again = heard(turn_detection=vad) if dialect is GA else {"turn_detection": vad}
        updated = await client.ask("session.update", "session.updated", session=again)
        session = updated["session"]
        now = session["audio"]["input"]["turn_detection"] if dialect is GA else session["turn_detection"]
        assert (now["threshold"], now["silence_duration_ms"]) == (0.9, 200)
        assert "eagerness" not in now


@EVERYWHERE
async def test_the_voice_is_fixed_once_it_was_heard(face: Face, dialect: Dialect) -> None:
    async with talk(face, dialect) as (client, _):
        first, other = said(voice="sage"), said(voice="ash")
        place = "session.audio.output.voice"
        override: dict[str, Any] = {"audio": {"output": {"voice": "ash"}}}
        if dialect is BETA:
            first, other = {"voice": "sage"}, {"voice": "ash"}
            place, override = "session.voice", {"voice": "ash"}
        await client.ask("session.update", "session.updated", session=first)
        await client.say("response.create")
        await client.until("response.done")
        error = await client.error("session.update", session={**other, "instructions": "x"})
        assert (error["code"], error["param"]) == ("cannot_update_voice", place)
        await client.ask("session.update", "session.updated", session=first)
        error = await client.error("response.create", response=override)
        assert error["code"] == "cannot_update_voice"


async def test_transcription_models_are_known_on_openai_and_named_by_azures_owner() -> None:
    update = heard(transcription={"model": "my-whisper-deployment"})
    async with talk(Face.OPENAI) as (client, _):
        error = await client.error("session.update", session=update)
        assert error["param"] == "session.audio.input.transcription.model"
    async with talk(Face.AZURE) as (client, _):
        await client.ask("session.update", "session.updated", session=update)


def message(role: str, **part: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [part]}


REFUSED_ITEMS: list[tuple[dict[str, Any], str, str]] = [
    ({"role": "user"}, "missing_required_parameter", "item.type"),
    ({"type": "mcp_call"}, "invalid_value", "item.type"),
    ({"type": "message"}, "missing_required_parameter", "item.role"),
    ({"type": "message", "role": "tool"}, "invalid_value", "item.role"),
    ({"type": "message", "role": "user"}, "missing_required_parameter", "item.content"),
    (message("user", type="output_text", text="x"), "invalid_value", "item.content[0].type"),
    (message("user", type="input_text"), "missing_required_parameter", "item.content[0].text"),
    (message("user", type="input_text", text="x", x=1), "unknown_parameter", "item.content[0].x"),
    (message("user", type="input_audio", audio="?"), "invalid_value", "item.content[0].audio"),
    (message("user", type="input_image", image_url="http://x"), "invalid_value", "item.content[0].image_url"),
    (message("system", type="input_audio", audio=""), "invalid_value", "item.content[0].type"),
    (message("assistant", type="text", text="beta"), "invalid_value", "item.content[0].type"),
    (
        message("assistant", type="output_audio", audio="", transcript="x"),
        "missing_required_parameter",
        "item.content[0].text",
    ),
    (message("user", type="input_text", text="x") | {"extra": 1}, "unknown_parameter", "item.extra"),
    (message("user", type="input_text", text="x") | {"id": "i" * 33}, "string_above_max_length", "item.id"),
    ({"type": "function_call", "name": "f"}, "missing_required_parameter", "item.arguments"),
    (
        {"type": "function_call_output", "call_id": "call_unknown", "output": "x"},
        "invalid_tool_call_id",
        "item.call_id",
    ),
]


async def test_items_that_cannot_be_are_refused() -> None:
    async with talk() as (client, simulator):
        for item, code, param in REFUSED_ITEMS:
            error = await client.error("conversation.item.create", item=item)
            assert (error["code"], error["param"]) == (code, param), item
        assert simulator.sessions[0].conversation.items == ()
        await client.user_says("x", id="item_x")
        item = message("user", type="input_text", text="again") | {"id": "item_x"}
        error = await client.error("conversation.item.create", item=item)
        assert error["code"] == "item_create_duplicate_item_id"
        del item["id"]
        error = await client.error("conversation.item.create", item=item, previous_item_id="item_y")
        assert error["code"] == "item_create_invalid_previous_item_id"


async def test_beta_refuses_gas_names_of_content() -> None:
    async with talk(Face.AZURE, BETA) as (client, _):
        for item, code in [
            (message("assistant", type="output_text", text="x"), "invalid_value"),
            (message("assistant", type="audio", audio=""), "missing_required_parameter"),
            (message("user", type="input_image", image_url="data:image/png;base64,AA"), "invalid_value"),
        ]:
            assert (await client.error("conversation.item.create", item=item))["code"] == code


async def test_only_the_models_sound_can_be_truncated() -> None:
    async with talk() as (client, _):
        user = await client.user_says("hello")
        await client.say("response.create", response={"output_modalities": ["text"]})
        answer = (await client.until("response.done"))[-1]["response"]["output"][0]
        for item_id in (user["item"]["id"], answer["id"]):
            error = await client.error(
                "conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=10
            )
            assert error["message"] == "Only model output audio messages can be truncated"
            assert error["code"] is None
        await client.say("response.create")
        spoken = (await client.until("response.done"))[-1]["response"]["output"][0]
        error = await client.error(
            "conversation.item.truncate", item_id=spoken["id"], content_index=1, audio_end_ms=10
        )
        assert error["param"] == "content_index"


REFUSED_EVENTS: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("session.update", {}, "missing_required_parameter", "session"),
    ("session.update", {"session": []}, "invalid_type", "session"),
    ("session.delete", {}, "invalid_value", "type"),
    ("transcription_session.update", {"session": {}}, "invalid_value", "type"),
    ("input_audio_buffer.append", {}, "missing_required_parameter", "audio"),
    ("input_audio_buffer.append", {"audio": "not base64!"}, "invalid_value", "audio"),
    ("input_audio_buffer.append", {"audio": "A" * (15 * 2**20 + 4)}, "invalid_value", "audio"),
    ("input_audio_buffer.commit", {"audio": ""}, "unknown_parameter", "audio"),
    ("input_audio_buffer.commit", {}, "input_audio_buffer_commit_empty", None),
    ("output_audio_buffer.clear", {}, "invalid_event", "type"),
    ("conversation.item.retrieve", {"item_id": "x"}, "item_retrieve_invalid_item_id", "item_id"),
    ("conversation.item.delete", {"item_id": "x"}, "item_delete_invalid_item_id", "item_id"),
    (
        "conversation.item.truncate",
        {"item_id": "x", "content_index": 0, "audio_end_ms": 1},
        "item_truncate_invalid_item_id",
        "item_id",
    ),
    ("conversation.item.truncate", {"item_id": "x"}, "missing_required_parameter", "content_index"),
    ("response.cancel", {}, "response_cancel_not_active", None),
    ("response.create", {"response": {"modalities": ["text"]}}, "unknown_parameter", "response.modalities"),
    (
        "response.create",
        {"response": {"conversation": "other"}},
        "invalid_value",
        "response.conversation",
    ),
    (
        "response.create",
        {"response": {"metadata": {str(n): "x" for n in range(17)}}},
        "invalid_value",
        "response.metadata",
    ),
    ("response.create", {"response": {"metadata": {"a": 1}}}, "invalid_type", "response.metadata.a"),
    ("response.create", {"response": {"metadata": []}}, "invalid_type", "response.metadata"),
]


async def test_events_that_make_no_sense_are_refused_and_the_session_lives() -> None:
    async with talk() as (client, _):
        for event_type, fields, code, param in REFUSED_EVENTS:
            error = await client.error(event_type, **fields)
            assert (error["code"], error["param"]) == (code, param), event_type
        for text in ("{", "[]", '{"event_id": 5}', '{"type": null}'):
            await client.ws.send_str(text)
            refused = (await client.until("error"))[-1]["error"]
            assert (refused["code"], refused["event_id"]) == ("invalid_event", None)
        await client.ws.send_bytes(b'{"type": "response.create"}')
        assert (await client.until("error"))[-1]["error"]["code"] == "invalid_event"
        await client.user_says("still here")


async def test_a_message_over_the_limit_closes_with_1009() -> None:
    async with talk(max_message_bytes=4096) as (client, _):
        await client.say("input_audio_buffer.append", audio="A" * 5000)
        assert (await client.closed())[0] == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


async def test_a_turn_that_may_not_be_answered_is_an_error_when_an_answer_runs() -> None:
    """Without interruption the automatic answer to the next turn finds the conversation taken."""
    detection = {"type": "server_vad", "interrupt_response": False}
    async with talk(realtime_factor=2.0) as (client, _):
        await client.ask("session.update", "session.updated", session=heard(turn_detection=detection))
        await client.say("response.create")
        await client.until("response.created")
        await client.append(sound(400) + bytes(48 * 300))
        error = (await client.until("error"))[-1]["error"]
        assert (error["code"], error["event_id"]) == ("conversation_already_has_active_response", None)


async def test_a_turn_waits_for_the_client_when_create_response_is_off() -> None:
    detection = {"type": "server_vad", "create_response": False}
    async with talk() as (client, _):
        await client.ask("session.update", "session.updated", session=heard(turn_detection=detection))
        await client.append(sound(400) + bytes(48 * 300))
        await client.until("conversation.item.done")
        deleted = await client.error("conversation.item.delete", item_id="nothing")
        assert deleted["code"] == "item_delete_invalid_item_id"
        assert "response.created" not in types(client.heard)


async def test_audio_in_another_format_is_dropped_with_the_old_format() -> None:
    async with talk() as (client, _):
        await client.ask("session.update", "session.updated", session=heard(turn_detection=None))
        await client.append(sound(500))
        update = heard(format={"type": "audio/pcma"})
        await client.ask("session.update", "session.updated", session=update)
        error = await client.error("input_audio_buffer.commit")
        assert error["code"] == "input_audio_buffer_commit_empty"


async def test_what_a_client_says_before_the_first_event_is_not_lost() -> None:
    text = {"type": "input_text", "text": "early"}
    item = {"type": "message", "role": "user", "content": [text]}
    async with talk(faults="delay first-event 0.05") as (_, simulator), call(simulator) as client:
        await client.ws.send_str(json.dumps({"type": "conversation.item.create", "item": item}))
        events = await client.until("conversation.item.done")
        assert types(events)[0] == "session.created"


async def test_audio_of_uneven_pieces_is_put_together() -> None:
    async with talk() as (client, simulator):
        await client.append(sound(700) + bytes(48 * 300), chunk=4801)
        await client.until("response.done")
        assert simulator.sessions[0].conversation.items[0].parts[0].audio_ms == 900
