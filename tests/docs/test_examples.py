"""Every example runs as its own docstring says, and prints what it should."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from realtime_lb.config import load_config
from tests.docs.pages import ROOT

EXAMPLES = ROOT / "examples"
FINISHED = {
    "library_client.py": ["You said: Who are you?"],
    "custom_strategy.py": ["us-1 1", "eu-1 2", "eu-2 1"],
    "custom_provider.py": ["the adapter keeps every promise", "session.created from voice"],
}
SERVERS = {"embedded_route.py", "gateway_server.py"}


@asynccontextmanager
async def started(name: str, *arguments: str, **environ: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run an example while the block runs; it must then end well."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(EXAMPLES / name), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # In asyncio's debug mode aiohttp logs every request to standard error.
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONASYNCIODEBUG": "", **environ},
    )
    try:
        yield process
    except BaseException:
        process.kill()
        await process.wait()
        raise
    _, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert err == b""


async def line_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def lines_of(process: asyncio.subprocess.Process) -> list[str]:
    assert process.stdout is not None
    return (await process.stdout.read()).decode().splitlines()


def test_every_example_is_run_here() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == {*FINISHED, *SERVERS, "simulated.py"}


@pytest.mark.parametrize("name", FINISHED)
async def test_it_prints_what_it_should(name: str) -> None:
    async with started(name) as process:
        assert await lines_of(process) == FINISHED[name]


async def test_the_client_asks_the_providers_of_a_file_that_is_named(simulated: Mapping[str, str]) -> None:
    async with started("library_client.py", str(EXAMPLES / "config.yaml"), **simulated) as process:
        assert await lines_of(process) == FINISHED["library_client.py"]


async def talk(http: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse[Any]:
    client = await http.ws_connect(f"{url}/v1/realtime?model=gpt-realtime")
    assert (await client.receive_json())["type"] == "session.created"
    return client


async def test_the_gateway_serves_and_says_goodbye() -> None:
    async with aiohttp.ClientSession() as http, started("gateway_server.py") as process:
        url = (await line_of(process)).removeprefix("listening on ")
        client = await talk(http, url)
        process.terminate()
        assert (await client.receive_json())["error"]["code"] == "shutting_down"
        assert (await client.receive()).data == 1001
        await client.close()
        assert await lines_of(process) == ["stopped"]


async def test_the_route_lives_beside_the_others_and_says_goodbye(unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"
    async with (
        aiohttp.ClientSession() as http,
        started("embedded_route.py", str(unused_tcp_port)) as process,
    ):
        assert await line_of(process) == f"======== Running on {url} ========"
        async with http.get(url) as response:
            assert await response.text() == "hello from the application\n"
        client = await talk(http, url)
        process.terminate()
        assert (await client.receive_json())["error"]["code"] == "shutting_down"
        assert (await client.receive()).data == 1001
        await client.close()


@pytest.mark.parametrize("name", ["litellm.yaml", "config.yaml", "simulated.yaml"])
def test_the_files_load_without_a_warning(name: str, simulated: Mapping[str, str]) -> None:
    loaded = load_config(EXAMPLES / name, environ=simulated)
    assert loaded.warnings == ()


def test_every_file_is_loaded_here() -> None:
    names = {path.name for path in Path(EXAMPLES).glob("*.yaml")}
    assert names == {"litellm.yaml", "config.yaml", "simulated.yaml"}
