"""Clients whose words are not what their address says, sessions that only listen, upstreams with quirks."""

from typing import Any

import aiohttp
import openai
import pytest

from realtime_lb.typing import Dialect
from tests.clients import matrix
from tests.clients.conversation import BETA, GA, Talk, sound
from tests.clients.openai_sdk import Sdk
from tests.clients.violations import models, violations


@pytest.mark.parametrize("upstream", matrix.UPSTREAMS)
async def test_azures_ga_client_on_the_preview_address_is_answered_in_ga(upstream: str) -> None:
    """``AsyncAzureOpenAI.realtime`` builds the preview's URL, whatever it speaks."""
    async with matrix.stage(upstream) as stage:
        client = openai.AsyncAzureOpenAI(
            websocket_base_url=f"{stage.url}/openai".replace("http", "ws", 1),
            base_url=f"{stage.url}/openai",
            api_key="any",
            api_version="2025-04-01-preview",
        )
        async with client.realtime.connect(model=matrix.MODEL) as connection:
            talk = Talk(Sdk(connection), GA)
            await talk.until("session.created")
            await talk.say("session.update", session=GA.written)
            updated = await talk.until("session.updated")
            assert updated["session"]["type"] == "realtime"
            since = len(talk.heard)
            await talk.write("Hello")
            await talk.say("response.create")
            await talk.until("response.done")
        known = models("openai.types.realtime", "realtime_server_event")
        assert [text for event in talk.heard[since:] for text in violations(event, known)] == []
        upstreams = models(
            "openai.types.beta.realtime"
            if matrix.UPSTREAMS[upstream] is Dialect.BETA
            else "openai.types.realtime",
            "realtime_client_event",
        )
        assert [text for event in stage.sent for text in violations(event, upstreams)] == []


UPDATES: dict[Dialect, dict[str, Any]] = {
    Dialect.GA: {
        "type": "session.update",
        "session": {
            "type": "transcription",
            "audio": {
                "input": {"transcription": {"model": "whisper-1"}, "turn_detection": {"type": "server_vad"}}
            },
        },
    },
    Dialect.BETA: {
        "type": "transcription_session.update",
        "session": {
            "input_audio_transcription": {"model": "whisper-1"},
            "turn_detection": {"type": "server_vad"},
        },
    },
}


@pytest.mark.parametrize("upstream", matrix.UPSTREAMS)
@pytest.mark.parametrize("dialect", list(Dialect))
async def test_a_session_that_only_listens_is_translated_too(upstream: str, dialect: Dialect) -> None:
    family = "session" if dialect is Dialect.GA else "transcription_session"
    headers = {} if dialect is Dialect.GA else {"OpenAI-Beta": "realtime=v1"}
    async with matrix.stage(upstream) as stage, aiohttp.ClientSession() as http:
        address = f"{stage.url}/v1/realtime?intent=transcription&model={matrix.MODEL}"
        async with http.ws_connect(address, headers=headers) as socket:
            talk = Talk(matrix.PlainWebsocket(socket), GA if dialect is Dialect.GA else BETA)
            await talk.until(f"{family}.created")
            await talk.client.send(UPDATES[dialect])
            updated = await talk.until(f"{family}.updated")
            assert "whisper-1" in str(updated)
            for chunk in sound(loud_ms=500, silent_ms=400):
                await talk.say("input_audio_buffer.append", audio=chunk)
            done = await talk.until("conversation.item.input_audio_transcription.completed")
    assert done["transcript"]
    kinds = {event["type"] for event in talk.heard}
    assert not any(kind.startswith("response.") for kind in kinds)
    assert ("conversation.item.done" in kinds) is (dialect is Dialect.GA)
    assert stage.lost == set()


async def test_a_field_that_was_left_out_is_in_the_log_once(caplog: pytest.LogCaptureFixture) -> None:
    async with matrix.stage("Azure preview") as stage, aiohttp.ClientSession() as http:
        address = f"{stage.url}/v1/realtime?model={matrix.MODEL}"
        async with http.ws_connect(address) as socket:
            talk = Talk(matrix.PlainWebsocket(socket), GA)
            await talk.until("session.created")
            for _ in range(2):
                await talk.say("session.update", session={"type": "realtime", "truncation": "auto"})
                await talk.until("session.updated")
        await stage.told.all_closed(1)
    lines = [record for record in caplog.records if "session.truncation" in record.getMessage()]
    assert [record.levelname for record in lines] == ["WARNING"]


async def test_a_ga_client_chooses_azures_voices_and_rates_on_voice_live() -> None:
    """As a beta client can. Read at 24 kHz, the speech would end earlier."""
    voice, pcm = {"type": "azure-standard", "name": "en-US-AvaNeural"}, {"type": "audio/pcm", "rate": 16_000}
    detection = {"type": "server_vad", "silence_duration_ms": 200, "create_response": False}
    heard = {"format": pcm, "turn_detection": detection}
    chosen = {"type": "realtime", "audio": {"input": heard, "output": {"voice": voice, "format": pcm}}}
    unknown = {"type": "realtime", "audio": {"output": {"voice": {"type": "azure-custom", "name": "me"}}}}
    async with matrix.stage("Voice Live") as stage, aiohttp.ClientSession() as http:
        address = f"{stage.url}/v1/realtime?model={matrix.MODEL}"
        async with http.ws_connect(address) as socket:
            talk = Talk(matrix.PlainWebsocket(socket), GA)
            await talk.until("session.created")
            await talk.say("session.update", session=chosen)
            shown = (await talk.until("session.updated"))["session"]
            assert (shown["audio"]["input"]["format"], shown["audio"]["output"]["format"]) == (pcm, pcm)
            assert shown["audio"]["output"]["voice"] == voice["name"]
            assert "input_audio_sampling_rate" not in shown
            for chunk in sound(loud_ms=900, silent_ms=400, rate_khz=16):
                await talk.say("input_audio_buffer.append", audio=chunk)
            assert (await talk.until("input_audio_buffer.speech_stopped"))["audio_end_ms"] == 1_100
            await talk.say("response.create")
            done = await talk.until("response.done")
            assert done["response"]["audio"]["output"] == {"voice": voice["name"], "format": pcm}
            await talk.say("session.update", session=unknown)
            with pytest.raises(AssertionError, match=r"session\.audio\.output\.voice\.endpoint_id"):
                await talk.until("session.updated")
    assert stage.lost == set()


@pytest.mark.parametrize("conversation_first", [True, False])
@pytest.mark.parametrize("dialect", list(Dialect))
async def test_xai_which_always_speaks_is_understood(dialect: Dialect, conversation_first: bool) -> None:
    """Its pings, half transcripts, missing ``item.done`` and order of opening stay between it and us."""
    language = GA if dialect is Dialect.GA else BETA
    package = "openai.types.realtime" if dialect is Dialect.GA else "openai.types.beta.realtime"
    headers = {} if dialect is Dialect.GA else {"OpenAI-Beta": "realtime=v1"}
    async with (
        matrix.stage("xAI", conversation_first=conversation_first) as stage,
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{stage.url}/v1/realtime?model={matrix.MODEL}", headers=headers) as socket,
    ):
        talk = Talk(matrix.PlainWebsocket(socket), language)
        await talk.until("session.created")
        await talk.until("conversation.created")
        await talk.say("session.update", session=language.spoken)
        await talk.until("session.updated")
        await talk.write("Hello there")
        await talk.say("response.create")
        done = await talk.until("response.done")
        assert done["response"]["usage"]["total_tokens"] > 0
        await talk.speak(loud_ms=800, silent_ms=500)
        await talk.until("input_audio_buffer.committed")
        await talk.until("response.done")
    (closed,) = await stage.told.all_closed(1)
    assert closed.usage.output_tokens > 0
    known = models(package, "realtime_server_event")
    assert [text for event in talk.heard for text in violations(event, known)] == []
    kinds = [event["type"] for event in talk.heard]
    assert kinds[:2] == ["session.created", "conversation.created"]
    assert kinds.count("conversation.created") == 1
    assert f"{language.audio}.delta" in kinds
    if dialect is Dialect.GA:
        assert kinds.count("conversation.item.added") == kinds.count("conversation.item.done") == 4
