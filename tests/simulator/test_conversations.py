"""Whole conversations over real sockets, in every dialect, each event held to the official types."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from openai import AsyncOpenAI

from realtime_lb.simulator import Face, PartKind, Simulator
from realtime_lb.simulator.usage import text_tokens
from realtime_lb.typing import Dialect
from tests.simulator.talk import PATHS, call, hush, sound, squeezed, talk, types

GA, BETA = Dialect.GA, Dialect.BETA
EVERYWHERE = pytest.mark.parametrize(("face", "dialect"), list(PATHS))
TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "Weather",
    "parameters": {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": ["integer", "null"]},
            "unit": {"enum": ["C", "F"]},
            "kind": {"const": "now"},
        },
        "required": ["city", "days", "unit", "kind"],
    },
}


def in_ga(update: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    return {"type": "realtime", **update} if dialect is GA else update


def text_only(dialect: Dialect) -> dict[str, Any]:
    return {"output_modalities" if dialect is GA else "modalities": ["text"]}


def manual(dialect: Dialect) -> dict[str, Any]:
    return {"audio": {"input": {"turn_detection": None}}} if dialect is GA else {"turn_detection": None}


@EVERYWHERE
async def test_a_text_turn_comes_in_the_documented_order(face: Face, dialect: Dialect) -> None:
    async with talk(face, dialect) as (client, simulator):
        expected = ["session.created"] + (["conversation.created"] if dialect is BETA else [])
        assert types(client.opening) == expected
        await client.ask("session.update", "session.updated", session=in_ga(text_only(dialect), dialect))
        user = await client.user_says("good morning")
        await client.say("response.create", response={"metadata": {"topic": "greeting"}})
        last = "rate_limits.updated" if face is Face.OPENAI else "response.done"
        events = await client.until(last)
        text = "response.output_text" if dialect is GA else "response.text"
        added = "conversation.item.added" if dialect is GA else "conversation.item.created"
        middle = ["conversation.item.done"] if dialect is GA else []
        tail = ["rate_limits.updated"] if face is Face.OPENAI else []
        assert squeezed(events) == [
            "response.created",
            "response.output_item.added",
            added,
            "response.content_part.added",
            f"{text}.delta",
            f"{text}.done",
            "response.content_part.done",
            "response.output_item.done",
            *middle,
            "response.done",
            *tail,
        ]
        by_type = {event["type"]: event for event in events}
        response = by_type["response.done"]["response"]
        assert response["status"] == "completed"
        assert response["metadata"] == {"topic": "greeting"}
        assert by_type[f"{text}.done"]["text"].endswith("good morning")
        assert by_type[added]["previous_item_id"] == user["item"]["id"]
        content = "output_text" if dialect is GA else "text"
        assert response["output"][0]["content"][0]["type"] == content
        session = simulator.session(client.opening[0]["session"]["id"])
        assert [item.role for item in session.conversation.items] == ["user", "assistant"]


@EVERYWHERE
async def test_a_spoken_turn_is_found_by_vad_and_answered_with_sound(face: Face, dialect: Dialect) -> None:
    async with talk(face, dialect) as (client, simulator):
        await client.append(hush(500) + sound(1000) + hush(300))
        events = await client.until("response.done")
        names = squeezed(events)
        assert names[:3] == [
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
        ]
        started, stopped, committed = events[:3]
        assert started["audio_start_ms"] == 200  # 500 less the prefix padding
        assert stopped["audio_end_ms"] == 1700  # 1500 and the silence that was waited for
        assert started["item_id"] == stopped["item_id"] == committed["item_id"] == events[3]["item"]["id"]
        prefix = "response.output_audio" if dialect is GA else "response.audio"
        deltas = [base64.b64decode(e["delta"]) for e in events if e["type"] == f"{prefix}.delta"]
        assert {len(delta) for delta in deltas} == {9600}
        at = names.index(f"{prefix}.done")
        assert names[at : at + 4] == [
            f"{prefix}.done",
            f"{prefix}_transcript.done",
            "response.content_part.done",
            "response.output_item.done",
        ]
        usage = events[-1]["response"]["usage"]
        assert usage["input_token_details"]["audio_tokens"] == 15
        assert usage["output_token_details"]["audio_tokens"] == len(deltas) * 4
        (session,) = simulator.sessions
        user, assistant = session.conversation.items
        assert user.parts[0].audio_ms == 1500
        assert assistant.parts[0].audio == b"".join(deltas)
        assert session.received[-1] == {"type": "input_audio_buffer.append"}


@EVERYWHERE
async def test_speech_interrupts_an_answer_that_is_then_truncated(face: Face, dialect: Dialect) -> None:
    async with talk(face, dialect, realtime_factor=2.0) as (client, simulator):
        await client.user_says("tell me a story that is long enough to be interrupted")
        await client.say("response.create")
        delta = "response.output_audio.delta" if dialect is GA else "response.audio.delta"
        first = (await client.until(delta))[-1]
        await client.append(sound(300))
        events = await client.until("response.done")
        assert "input_audio_buffer.speech_started" in types(events)
        response = events[-1]["response"]
        assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        assert response["output"][0]["status"] == "incomplete"
        item_id = first["item_id"]
        truncated = await client.ask(
            "conversation.item.truncate",
            "conversation.item.truncated",
            item_id=item_id,
            content_index=0,
            audio_end_ms=120,
        )
        assert truncated["audio_end_ms"] == 120
        held = simulator.sessions[0].conversation.get(item_id)
        assert held is not None
        assert held.parts[0].audio_ms == 120
        assert held.parts[0].transcript is None
        too_late = await client.error(
            "conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=5000
        )
        assert too_late["message"] == "Audio content of 120ms is already shorter than 5000ms"


@EVERYWHERE
async def test_a_tool_that_is_mentioned_is_called(face: Face, dialect: Dialect) -> None:
    async with talk(face, dialect) as (client, _):
        update = in_ga({"tools": [TOOL], **text_only(dialect)}, dialect)
        await client.ask("session.update", "session.updated", session=update)
        await client.user_says("please use get_weather for me")
        await client.say("response.create")
        events = await client.until("response.done")
        done = next(e for e in events if e["type"] == "response.function_call_arguments.done")
        assert json.loads(done["arguments"]) == {"city": "example", "days": 1, "unit": "C", "kind": "now"}
        assert done.get("name") == ("get_weather" if dialect is GA else None)
        assert ("name" in done) is (dialect is GA)
        deltas = [e["delta"] for e in events if e["type"] == "response.function_call_arguments.delta"]
        assert "".join(deltas) == done["arguments"]
        output = {"type": "function_call_output", "call_id": done["call_id"], "output": "sunny, 21 degrees"}
        await client.say("conversation.item.create", item=output)
        await client.say("response.create")
        events = await client.until("response.done")
        text = events[-1]["response"]["output"][0]["content"][0]["text"]
        assert text == "The function returned: sunny, 21 degrees"


async def test_tool_choice_forces_or_forbids_a_call() -> None:
    async with talk() as (client, _):
        for choice, kind in [
            ("required", "function_call"),
            ("none", "message"),
            ({"type": "function", "name": "get_weather"}, "function_call"),
        ]:
            await client.user_says("get_weather")
            await client.say("response.create", response={"tools": [TOOL], "tool_choice": choice})
            events = await client.until("response.done")
            assert events[-1]["response"]["output"][0]["type"] == kind


@EVERYWHERE
async def test_cancelling_ends_the_answer_where_it_stands(face: Face, dialect: Dialect) -> None:
    async with talk(face, dialect, realtime_factor=2.0) as (client, _):
        await client.user_says("count to one hundred please")
        await client.say("response.create")
        delta = "response.output_audio.delta" if dialect is GA else "response.audio.delta"
        created = (await client.until("response.created", delta))[0]
        error = await client.error("response.create")
        assert error["code"] == "conversation_already_has_active_response"
        assert created["response"]["id"] in error["message"]
        wrong = await client.error("response.cancel", response_id="resp_other")
        assert wrong["code"] == "response_cancel_not_active"
        await client.say("response.cancel")
        events = await client.until("response.done")
        assert events[-1]["response"]["status_details"]["reason"] == "client_cancelled"
        item_done = next(e for e in events if e["type"] == "response.output_item.done")
        assert item_done["item"]["status"] == "incomplete"
        late = await client.error("response.cancel")
        assert late["code"] == "response_cancel_not_active"
        await client.say("response.create")
        await client.until("response.created")


@EVERYWHERE
async def test_audio_is_committed_by_hand_and_written_down(face: Face, dialect: Dialect) -> None:
    async with talk(face, dialect, seed=7) as (client, simulator):
        transcription = {"model": "whisper-1"}
        if dialect is GA:
            heard = {"turn_detection": None, "transcription": transcription}
            update: dict[str, Any] = {"type": "realtime", "audio": {"input": heard}}
        else:
            update = {"turn_detection": None, "input_audio_transcription": transcription}
        await client.ask("session.update", "session.updated", session=update)
        await client.append(sound(90))
        error = await client.error("input_audio_buffer.commit")
        assert error["code"] == "input_audio_buffer_commit_empty"
        assert "90.00ms" in error["message"]
        await client.append(sound(510))
        committed = await client.ask("input_audio_buffer.commit", "input_audio_buffer.committed")
        events = await client.until("conversation.item.input_audio_transcription.completed")
        assert events[-1]["usage"] == {"type": "duration", "seconds": 0.6}
        assert "response.created" not in types(events)
        item = simulator.sessions[0].conversation.get(committed["item_id"])
        assert item is not None
        assert item.parts[0].transcript == events[-1]["transcript"]
        retrieved = await client.ask(
            "conversation.item.retrieve", "conversation.item.retrieved", item_id=item.id
        )
        part = retrieved["item"]["content"][0]
        assert base64.b64decode(part["audio"]) == sound(90) + sound(510)
        await client.append(sound(500))
        await client.ask("input_audio_buffer.clear", "input_audio_buffer.cleared")
        error = await client.error("input_audio_buffer.commit")
        assert error["code"] == "input_audio_buffer_commit_empty"


async def test_a_transcript_may_come_before_or_after_the_answer() -> None:
    """The two run side by side; over some turns both orders happen."""
    orders = set()
    update = {
        "type": "realtime",
        "include": ["item.input_audio_transcription.logprobs"],
        "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}},
    }
    async with talk(seed=3) as (client, _):
        await client.ask("session.update", "session.updated", session=update)
        for _turn in range(8):
            await client.append(sound(600) + hush(300))
            completed = "conversation.item.input_audio_transcription.completed"
            events = await client.until("response.done", completed)
            orders.add(types(events).index("response.done") < types(events).index(completed))
            done = next(event for event in events if event["type"] == completed)
            assert done["usage"]["type"] == "tokens"
            assert done["logprobs"][0]["token"] == done["transcript"].split()[0]
    assert orders == {True, False}


@pytest.mark.parametrize(
    ("face", "path"),
    [
        (Face.OPENAI, "/v1/realtime?intent=transcription"),
        (Face.AZURE, "/openai/v1/realtime?intent=transcription"),
        (
            Face.AZURE,
            "/openai/realtime?api-version=2025-04-01-preview&deployment=whisper&intent=transcription",
        ),
    ],
)
async def test_a_transcription_session_writes_down_and_never_answers(face: Face, path: str) -> None:
    async with Simulator(face) as simulator, call(simulator, path) as client:
        family = "session" if client.dialect is GA else "transcription_session"
        created = (await client.until(f"{family}.created"))[-1]
        assert created["session"]["object"] == "realtime.transcription_session"
        transcription = {"model": "gpt-4o-transcribe"}
        update: dict[str, Any] = {"input_audio_transcription": transcription}
        if client.dialect is GA:
            update = {"type": "transcription", "audio": {"input": {"transcription": transcription}}}
        await client.ask(f"{family}.update", f"{family}.updated", session=update)
        await client.append(sound(600) + hush(300))
        events = await client.until("conversation.item.input_audio_transcription.completed")
        deltas = [e["delta"] for e in events if e["type"].endswith("transcription.delta")]
        assert "".join(deltas) == events[-1]["transcript"]
        error = await client.error("response.create")
        assert error["code"] == "invalid_event"
        assert not any(name.startswith("response.") for name in types(client.heard))


async def test_a_response_out_of_band_leaves_the_conversation_alone() -> None:
    async with talk() as (client, simulator):
        user = await client.user_says("the first thing I said")
        said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "second"}]}
        for given, words in [
            ([said], "second"),
            ([{"type": "item_reference", "id": user["item"]["id"]}], "the first thing I said"),
            ([], "Hello, how can I help?"),
        ]:
            await client.say(
                "response.create",
                response={"conversation": "none", "input": given, "output_modalities": ["text"]},
            )
            events = await client.until("response.done")
            response = events[-1]["response"]
            assert response["conversation_id"] is None
            assert response["output"][0]["content"][0]["text"].endswith(words)
            assert not any(name.startswith("conversation.item.") for name in types(events))
        assert len(simulator.sessions[0].conversation.items) == 1
        for wrong, code in [
            ({"type": "item_reference", "id": "item_unknown"}, "invalid_value"),
            ({"type": "item_reference"}, "missing_required_parameter"),
        ]:
            error = await client.error("response.create", response={"input": [wrong]})
            assert (error["code"], error["param"]) == (code, "response.input[0].id")


async def test_two_responses_run_at_once_when_one_is_out_of_band() -> None:
    async with talk(realtime_factor=5.0) as (client, _):
        await client.user_says("hello")
        await client.say("response.create")
        await client.say("response.create", response={"conversation": "none", "output_modalities": ["text"]})
        done = [(await client.until("response.done"))[-1]["response"] for _ in range(2)]
        assert {response["conversation_id"] is None for response in done} == {True, False}
        assert {response["status"] for response in done} == {"completed"}


@EVERYWHERE
async def test_a_token_limit_leaves_the_answer_incomplete(face: Face, dialect: Dialect) -> None:
    name = "max_output_tokens" if dialect is GA else "max_response_output_tokens"
    async with talk(face, dialect) as (client, _):
        await client.user_says("a sentence of more than just a few words")
        await client.say("response.create", response={name: 5})
        response = (await client.until("response.done"))[-1]["response"]
        assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
        assert response["max_output_tokens"] == 5
        assert response["usage"]["output_tokens"] >= 5


async def test_what_was_read_before_is_cached() -> None:
    async with talk() as (client, _):
        update = {"type": "realtime", "instructions": "Be brief.", "output_modalities": ["text"]}
        await client.ask("session.update", "session.updated", session=update)
        usages = []
        for words in ("one", "two"):
            await client.user_says(words)
            await client.say("response.create")
            usages.append((await client.until("response.done"))[-1]["response"]["usage"])
        first, second = (usage["input_token_details"] for usage in usages)
        assert first["cached_tokens"] == 0
        assert second["cached_tokens"] == first["text_tokens"]
        assert first["text_tokens"] == text_tokens("Be brief.") + text_tokens("one")
        for usage in usages:
            assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


async def test_g711_is_heard_and_spoken_at_its_own_rate() -> None:
    formats = {"input": {"format": {"type": "audio/pcmu"}}, "output": {"format": {"type": "audio/pcma"}}}
    async with talk() as (client, simulator):
        await client.ask("session.update", "session.updated", session={"type": "realtime", "audio": formats})
        loud, quiet = b"\x80\x00" * 4000, b"\xff" * 3200  # 1 s at full scale, then 400 ms of zero
        await client.append(loud + quiet, chunk=800)
        events = await client.until("response.done")
        assert events[0]["audio_start_ms"] == 0
        assert events[1]["audio_end_ms"] == 1200
        delta = next(e for e in events if e["type"] == "response.output_audio.delta")["delta"]
        assert len(base64.b64decode(delta)) == 1600  # 200 ms
        user = simulator.sessions[0].conversation.items[0]
        assert user.parts[0].audio_ms == 1200


async def test_the_same_seed_and_words_give_the_same_answer() -> None:
    answers = []
    for seed in (1, 1, 2):
        async with talk(seed=seed) as (client, _):
            await client.user_says("what is new?")
            await client.say("response.create", response={"output_modalities": ["text"]})
            response = (await client.until("response.done"))[-1]["response"]
            answers.append((response["output"][0]["content"][0]["text"], response["id"]))
    texts = [text for text, _ in answers]
    assert texts[0] == texts[1] != texts[2]
    assert len({response_id for _, response_id in answers}) == 3


async def test_items_keep_the_clients_order_and_ids() -> None:
    async with talk() as (client, simulator):
        await client.user_says("b", id="item_b")
        for item_id, before in [("item_a", "root"), ("item_c", "item_b"), ("item_end", None)]:
            text = {"type": "input_text", "text": item_id}
            item = {"id": item_id, "type": "message", "role": "system", "content": [text]}
            done = await client.ask(
                "conversation.item.create", "conversation.item.done", item=item, previous_item_id=before
            )
            assert done["item"]["id"] == item_id
        ids = [item.id for item in simulator.sessions[0].conversation.items]
        assert ids == ["item_a", "item_b", "item_c", "item_end"]
        deleted = await client.ask("conversation.item.delete", "conversation.item.deleted", item_id="item_b")
        assert deleted["item_id"] == "item_b"
        assert simulator.sessions[0].conversation.get("item_b") is None


@EVERYWHERE
async def test_all_items_that_can_be_recreated_are(face: Face, dialect: Dialect) -> None:
    assistant = "output_text" if dialect is GA else "text"
    audio = base64.b64encode(sound(200)).decode()
    items: list[dict[str, Any]] = [
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "s"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": audio}]},
        {"type": "message", "role": "assistant", "content": [{"type": assistant, "text": "a"}]},
        {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "call_1"},
        {"type": "function_call_output", "call_id": "call_1", "output": "o"},
        {"type": "function_call", "name": "f", "arguments": "{}"},
    ]
    if dialect is GA:
        picture = {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"}
        items.append({"type": "message", "role": "user", "content": [picture]})
    async with talk(face, dialect) as (client, simulator):
        added = "conversation.item.added" if dialect is GA else "conversation.item.created"
        for item in items:
            await client.ask("conversation.item.create", added, item=item)
        held = simulator.sessions[0].conversation.items
        assert [item.kind for item in held] == [item["type"] for item in items]
        assert held[1].parts[0].kind is PartKind.INPUT_AUDIO
        assert held[5].call_id
        await client.say("response.create")
        usage = (await client.until("response.done"))[-1]["response"]["usage"]
        assert usage["input_token_details"]["image_tokens"] == (85 if dialect is GA else 0)


async def test_the_official_client_has_a_conversation() -> None:
    async with Simulator(Face.OPENAI) as simulator:
        client = AsyncOpenAI(base_url=f"{simulator.base_url}/v1", api_key="sk-sim")
        async with client.realtime.connect(model="gpt-realtime") as connection:
            await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
            await connection.conversation.item.create(
                item={
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": "are you there?"}],
                }
            )
            await connection.response.create()
            words = ""
            async for event in connection:
                if event.type == "response.output_text.delta":
                    words += event.delta
                if event.type == "response.done":
                    break
        assert words.endswith("are you there?")
        (dial,) = simulator.dials
        assert dial.credential_sources == ("bearer",)
        assert "authorization" not in dial.headers
        await client.close()


async def test_sixty_sessions_talk_at_once() -> None:
    async with Simulator() as simulator:

        async def converse(number: int) -> str:
            async with call(simulator) as client:
                await client.user_says(f"I am number {number}")
                await client.say("response.create", response={"output_modalities": ["text"]})
                response = (await client.until("response.done"))[-1]["response"]
                return str(response["output"][0]["content"][0]["text"])

        answers = await asyncio.gather(*(converse(number) for number in range(60)))
        assert [answer.rsplit(" ", 1)[1] for answer in answers] == [str(number) for number in range(60)]
        assert len(simulator.dials) == 60
