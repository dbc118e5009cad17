"""Who comes from LiteLLM: their file starts our server, their clients finish their turns, unchanged."""

import array
import asyncio
import base64
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
import trustme

from realtime_lb.simulator import Face, Simulator
from tests.clients.stage import Served, needs_node, node, served

AZURE_MODEL, OPENAI_MODEL = "gpt-4o", "openai-gpt-4o-realtime-audio"
OLD_MODEL = "gpt-4o-realtime-preview-2024-10-01"

# The model list of LiteLLM's realtime page, and the two ways in which it sets what is logged.
MODEL_LIST = """
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-realtime-preview
      api_key: os.environ/AZURE_SWEDEN_API_KEY
      api_base: os.environ/AZURE_SWEDEN_API_BASE
  - model_name: openai-gpt-4o-realtime-audio
    litellm_params:
      model: openai/gpt-4o-realtime-preview-2024-10-01
      api_key: os.environ/OPENAI_API_KEY
"""
LOG_ALL = (
    MODEL_LIST
    + """
litellm_settings:
  logged_real_time_event_types: "*"
"""
)
STOP_AT_ONCE = "realtime_lb: {server: {drain_admit_s: 0, drain_timeout_s: 0}}\n"

LOG_SOME = (
    MODEL_LIST
    + """
litellm_settings:
  logged_real_time_event_types: ["session.created", "response.create", "response.done"]
"""
)


@asynccontextmanager
async def litellm_gateway(folder: Path, text: str, *options: str) -> AsyncIterator[Served]:
    """Their file, with simulated providers behind the environment variables that it names."""
    config = folder / "config.yaml"
    config.write_text(text)
    async with (
        Simulator(Face.OPENAI, api_key="sk-openai", models=frozenset({OLD_MODEL})) as openai_,
        Simulator(Face.AZURE, api_key="azure-key") as azure,
        served(
            config,
            {
                "OPENAI_BASE_URL": f"{openai_.base_url}/v1",
                "OPENAI_API_KEY": "sk-openai",
                "AZURE_SWEDEN_API_BASE": azure.base_url,
                "AZURE_SWEDEN_API_KEY": "azure-key",
            },
            *options,
        ) as gateway,
    ):
        yield gateway


def speech(loud_ms: int = 1_000, silent_ms: int = 1_000) -> list[str]:
    """A tone and then silence, as 20 ms appends of 24 kHz PCM16."""
    samples = [round(12_000 * math.sin(n / 4)) for n in range(24 * loud_ms)] + [0] * (24 * silent_ms)
    chunks = (array.array("h", samples[at : at + 480]) for at in range(0, len(samples), 480))
    return [base64.b64encode(chunk.tobytes()).decode() for chunk in chunks]


async def finish(connection: Any) -> list[Any]:
    """Return the events up to the answer's end."""
    events = []
    async for event in connection:
        events.append(event)
        assert event.type != "error", event
        if event.type == "response.done":
            return events
    raise AssertionError("the session ended before the answer")


async def talk_by_sdk(gateway: Served, model: str) -> None:
    client = openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="anything")
    async with client.realtime.connect(model=model) as connection:
        assert (await connection.recv()).type == "session.created"
        await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        content: Any = [{"type": "input_text", "text": "Hello from Python"}]
        await connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": content}
        )
        await connection.response.create()
        events = await finish(connection)
        assert any(event.type == "response.output_text.delta" for event in events)
        assert events[-1].response.status == "completed"

        await connection.session.update(session={"type": "realtime", "output_modalities": ["audio"]})
        for chunk in speech():
            await connection.input_audio_buffer.append(audio=chunk)
        events = await finish(connection)
        kinds = [event.type for event in events]
        assert kinds.index("input_audio_buffer.speech_started") < kinds.index("input_audio_buffer.committed")
        assert sum(len(e.delta) for e in events if e.type == "response.output_audio.delta") > 10_000
        assert events[-1].response.status == "completed"


@pytest.mark.parametrize("text", [LOG_ALL, LOG_SOME], ids=["log all events", "log a list of events"])
@pytest.mark.parametrize("model", [AZURE_MODEL, OPENAI_MODEL])
async def test_the_openai_package_finishes_a_text_and_an_audio_turn(
    tmp_path: Path, text: str, model: str
) -> None:
    async with litellm_gateway(tmp_path, text) as gateway:
        await talk_by_sdk(gateway, model)
        (closed,) = await gateway.logged("session closed")
        logged = {(line["direction"], line["type"]) for line in gateway.lines("realtime event")}
    assert closed["model_group"] == model
    assert (closed["close_code"], closed["fault"], closed["usage_responses"]) == (1000, "nobody", 2)
    assert closed["usage_output_audio_tokens"] > 0
    assert 0 < closed["first_event_s"] < closed["first_audio_s"] < closed["duration_s"]
    some = {("server", "session.created"), ("client", "response.create"), ("server", "response.done")}
    if text is LOG_SOME:
        assert logged == some
    else:
        assert logged > some | {
            ("client", "input_audio_buffer.append"),
            ("server", "response.output_audio.delta"),
        }


async def test_logged_audio_is_told_by_its_length_only(tmp_path: Path) -> None:
    async with litellm_gateway(tmp_path, LOG_ALL) as gateway:
        await talk_by_sdk(gateway, OPENAI_MODEL)
        await gateway.logged("session closed")
        lines = gateway.lines("realtime event")
    chunk = speech()[0]
    appends = [line for line in lines if line["type"] == "input_audio_buffer.append"]
    assert len(appends) == 100
    assert all(line["size_bytes"] > len(chunk) for line in appends)
    assert max(len(str(line)) for line in lines if "audio" in line["type"]) < 2_000
    assert chunk[:40] not in str(gateway.log)
    assert "sk-openai" not in str(gateway.log)


@needs_node
@pytest.mark.parametrize("model", [AZURE_MODEL, OPENAI_MODEL])
async def test_nodes_ws_finishes_a_text_and_an_audio_turn(tmp_path: Path, model: str) -> None:
    async with litellm_gateway(tmp_path, LOG_SOME) as gateway:
        (result,) = await node("turns.mjs", f"{gateway.websocket_url}/v1/realtime?model={model}", "any")
        (closed,) = await gateway.logged("session closed")
    assert result["statuses"] == ["completed", "completed"]
    assert result["text"]
    assert result["audioBytes"] > 10_000
    assert result["closeCode"] == 1000
    assert "input_audio_buffer.speech_started" in result["seen"]
    assert closed["usage_responses"] == 2


@needs_node
async def test_litellms_beta_script_finishes_against_azures_preview_face(tmp_path: Path) -> None:
    """Its header asks for the beta dialect, which Azure's preview endpoint still speaks."""
    config = tmp_path / "config.yaml"
    config.write_text(
        """
model_list:
  - model_name: openai-gpt-4o-realtime-audio
    litellm_params:
      model: azure/gpt-4o-realtime-preview
      api_key: os.environ/AZURE_SWEDEN_API_KEY
      api_base: os.environ/AZURE_SWEDEN_API_BASE
      api_version: 2025-04-01-preview
general_settings:
  master_key: f28ab7b695af4154bc53498e5bdccb07
"""
    )
    async with (
        Simulator(Face.AZURE, api_key="azure-key") as azure,
        served(
            config, {"AZURE_SWEDEN_API_BASE": azure.base_url, "AZURE_SWEDEN_API_KEY": "azure-key"}
        ) as gateway,
    ):
        url = f"{gateway.websocket_url}/v1/realtime?model={OPENAI_MODEL}"
        events = await node("beta.mjs", url, "f28ab7b695af4154bc53498e5bdccb07")
        await gateway.logged("session closed")
    kinds = [event["type"] for event in events]
    assert kinds[:2] == ["session.created", "conversation.created"]
    assert "response.text.delta" in kinds
    assert events[-1]["response"]["status"] == "completed"
    assert events[0]["session"]["modalities"] == ["audio", "text"]


async def test_sessions_that_live_when_the_gateway_is_stopped_are_told_and_get_1001(tmp_path: Path) -> None:
    async with litellm_gateway(tmp_path, f"{LOG_SOME}\n{STOP_AT_ONCE}") as gateway:
        client = openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="anything")
        async with client.realtime.connect(model=AZURE_MODEL) as connection:
            await connection.recv()
            gateway.process.terminate()
            told = [event async for event in connection]  # 1000 and 1001 end it without an exception
            assert [event.error.code for event in told if event.type == "error"] == ["shutting_down"]
            assert len(told) == 1
            await asyncio.wait_for(gateway.process.wait(), 10)
    (closed,) = gateway.lines("session closed")
    assert (closed["close_code"], closed["fault"]) == (1001, "gateway")


@needs_node
async def test_openais_node_sdk_finishes_a_turn_over_wss(tmp_path: Path) -> None:
    """It dials wss whatever it is told, so the gateway can hold a certificate itself."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    chain, key, trusted = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "ca.pem"
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(str(chain), append=True)
    certificate.private_key_pem.write_to_path(str(key))
    authority.cert_pem.write_to_path(str(trusted))
    tls = ("--ssl-certfile", str(chain), "--ssl-keyfile", str(key))
    async with litellm_gateway(tmp_path, LOG_SOME, *tls) as gateway:
        assert gateway.url.startswith("https://")
        (result,) = await node(
            "sdk.mjs", f"{gateway.url}/v1", "any", AZURE_MODEL, NODE_EXTRA_CA_CERTS=str(trusted)
        )
        await gateway.logged("session closed")
    assert (result["status"], result["seen"][0]) == ("completed", "session.created")
    assert result["text"]
