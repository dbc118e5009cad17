"""``realtime-lb simulate``: a provider to point clients at."""

import socket

import aiohttp
import pytest

from tests.cli.processes import run, running


async def test_what_it_prints_is_what_clients_need() -> None:
    """The exported address and key open a session on every face, and SIGTERM ends it with status 0."""
    async with (
        running("simulate", "--port", "0", "--api-key", "sk-mine") as simulator,
        aiohttp.ClientSession() as http,
    ):
        openai = (await simulator.says("^export OPENAI_BASE_URL=(.+)$"))[1]
        openai_key = (await simulator.says("^export OPENAI_API_KEY=(.+)$"))[1]
        azure = (await simulator.says("^export AZURE_API_BASE=(.+)$"))[1]
        azure_key = (await simulator.says("^export AZURE_API_KEY=(.+)$"))[1]
        assert openai_key == azure_key == "sk-mine"
        live = (await simulator.says("^export AZURE_VOICELIVE_ENDPOINT=(.+)$"))[1]
        grok = (await simulator.says("^export XAI_API_BASE=(.+)$"))[1]
        dials = [
            (f"{openai}/realtime?model=gpt-realtime", {"Authorization": f"Bearer {openai_key}"}),
            (f"{azure}/openai/v1/realtime?model=ours", {"api-key": azure_key}),
            (
                f"{live}/voice-live/realtime?api-version=2026-04-10&model=gpt-realtime",
                {"api-key": "sk-mine"},
            ),
            (f"{grok}/realtime?model=grok-voice-latest", {"Authorization": "Bearer sk-mine"}),
        ]
        for url, headers in dials:
            async with http.ws_connect(url, headers=headers) as session:
                assert (await session.receive_json())["type"] == "session.created"
        assert await simulator.stop() == 0


async def test_faults_strike_as_they_were_ordered() -> None:
    options = ("--face", "openai", "--port", "0", "--fault", "refuse 429 retry-after=3 first=1")
    async with running("simulate", *options) as simulator, aiohttp.ClientSession() as http:
        url = (await simulator.says("^export OPENAI_BASE_URL=(.+)$"))[1]
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(
                f"{url}/realtime?model=gpt-realtime", headers={"Authorization": "Bearer sk-sim"}
            )
        assert refused.value.status == 429
        await simulator.says("Ctrl-C")
        assert await simulator.stop() == 0
    assert "AZURE" not in "".join(simulator.said)


async def test_a_fault_that_makes_no_sense_is_one_line() -> None:
    done = await run("simulate", "--port", "0", "--fault", "refuse maybe")
    assert done.status == 2
    assert done.err.count("\n") == 1
    assert "'refuse maybe'" in done.err
    assert "--help" in done.err


async def test_help_shows_how_faults_are_written() -> None:
    done = await run("simulate", "--help")
    assert "\n  refuse STATUS [retry-after=SECONDS]\n" in done.out


async def test_a_port_in_use_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = await run("simulate", "--face", "azure", "--port", port)
    assert done.status == 1
    assert done.err.count("\n") == 1
    assert f"port {port}: the port is in use" in done.err
