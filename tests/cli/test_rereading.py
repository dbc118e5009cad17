"""SIGHUP: a running gateway goes by its file as it is now, or by what it went by."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from realtime_lb.simulator import Face, Simulator
from tests.cli.configs import CANARY, openai_group, written
from tests.cli.processes import Running, running
from tests.cli.test_operators import LISTENING, free_port
from tests.cli.test_workers import ANYWHERE, children, session


@asynccontextmanager
async def upstreams() -> AsyncIterator[tuple[Simulator, Simulator]]:
    async with (
        Simulator(Face.OPENAI, api_key=CANARY) as one,
        Simulator(Face.OPENAI, api_key=CANARY) as other,
    ):
        yield one, other


def hang_up(gateway: Running) -> None:
    gateway.process.send_signal(signal.SIGHUP)


async def answered(client: aiohttp.ClientWebSocketResponse) -> None:
    """Have a response made to its end."""
    await client.send_json({"type": "response.create"})
    while (await client.receive_json())["type"] != "response.done":
        pass


async def test_a_deployment_that_is_gone_from_the_file_is_left_and_its_session_goes_on(
    tmp_path: Path,
) -> None:
    async with upstreams() as (one, other):
        config = written(tmp_path, openai_group(one=one.base_url))
        async with (
            running("serve", "-c", config, *ANYWHERE, "--admin-port", "0") as gateway,
            aiohttp.ClientSession() as http,
        ):
            client = await session(http, (await gateway.says(LISTENING))[1])
            written(tmp_path, openai_group(other=other.base_url))
            hang_up(gateway)
            await gateway.says(
                "configuration read anew: deployments 1 added, 1 removed, 0 changed; 1 session to"
            )
            await gateway.says("session moved to another upstream.*cause=removed.*to_deployment=other")
            await answered(client)
            assert (len(one.sessions), len(other.sessions)) == (0, 1)
            await client.close()
            assert await gateway.stop() == 0
    assert CANARY not in "".join(gateway.said)


async def test_a_file_that_cannot_be_used_changes_nothing_and_is_said_where_and_how(tmp_path: Path) -> None:
    async with upstreams() as (one, other):
        config = written(tmp_path, openai_group(one=one.base_url))
        async with (
            running("serve", "-c", config, *ANYWHERE, "--admin-port", "0") as gateway,
            aiohttp.ClientSession() as http,
        ):
            url = (await gateway.says(LISTENING))[1]
            client = await session(http, url)
            wrong = openai_group(other=other.base_url).replace("api_key:", "rpm: many, api_key:")
            written(tmp_path, f"{wrong}router_settings: {{routing_strategy: dice}}\n")
            hang_up(gateway)
            told = (await gateway.says("error.*the configuration stays as it was.*2 problems")).string
            assert "config.yaml:3: model_list[0].litellm_params.rpm: must be a number" in told
            assert (
                "config.yaml:5: router_settings.routing_strategy: is no known strategy; hint: known" in told
            )
            (tmp_path / "config.yaml").unlink()
            hang_up(gateway)
            await gateway.says("error.*the configuration stays as it was.*config.yaml:1: .*no such file")
            await answered(client)
            await (await session(http, url)).close()
            assert len(other.dials) == 0
            await client.close()
            assert await gateway.stop() == 0
    assert "Traceback" not in "".join(gateway.said)


async def test_what_needs_a_restart_is_one_warning(tmp_path: Path) -> None:
    port = free_port()
    text = openai_group(one="http://127.0.0.1:1/v1")
    options = (*ANYWHERE, "--admin-port", port)
    async with running("serve", "-c", written(tmp_path, text), *options) as gateway:
        await gateway.says("operators on")
        more = "general_settings: {master_key: sk-new}\nrouter_settings: {cooldown_time: 7, num_retries: 1}\n"
        written(tmp_path, text + more)
        hang_up(gateway)
        await gateway.says("configuration read anew: deployments 0 added, 0 removed, 0 changed; 0 sessions")
        line = await gateway.says("warning.*not in effect before a restart, though changed in the file: (.*)")
        assert line[1].startswith("server.master_key, health.")
        assert "health.cooldown_s" in line[1]
        assert await gateway.stop() == 0


async def test_every_worker_reads_it(tmp_path: Path) -> None:
    async with upstreams() as (one, other):
        config = written(tmp_path, openai_group(one=one.base_url))
        async with (
            running("serve", "-c", config, *ANYWHERE, "--workers", "2") as gateway,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
        ):
            url = (await gateway.says(LISTENING))[1]
            clients = [await session(http, url) for _ in range(10)]
            written(tmp_path, openai_group(other=other.base_url))
            hang_up(gateway)
            told = {(await gateway.says(r"read anew.* worker=(\d/\d)"))[1] for _ in range(2)}
            assert told == {"1/2", "2/2"}
            await asyncio.gather(*map(answered, clients))
            while (len(one.sessions), len(other.sessions)) != (0, 10):  # noqa: ASYNC110  # nobody tells of it
                await asyncio.sleep(0.01)
            pids = children(gateway.process.pid)
            wrong = openai_group(one=one.base_url).replace("api_key:", "rpm: 1, api_key:")
            written(tmp_path, wrong)
            hang_up(gateway)
            await gateway.says("the configuration stays as it was.*rpm of 'one' is 1, which 2 workers cannot")
            assert children(gateway.process.pid) == pids
            for client in clients:
                await client.close()
            assert await gateway.stop() == 0
    assert "died" not in "".join(gateway.said)


async def test_a_worker_that_is_being_started_is_told_when_it_listens(tmp_path: Path) -> None:
    """Before that, the signal would be its end."""
    config = written(tmp_path, openai_group(one="http://127.0.0.1:1/v1"))
    async with running("serve", "-c", config, *ANYWHERE, "--workers", "2") as gateway:
        while len(children(gateway.process.pid)) < 2:  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.001)
        hang_up(gateway)
        told = {(await gateway.says(r"read anew.* worker=(\d/\d)"))[1] for _ in range(2)}
        assert told == {"1/2", "2/2"}
        assert await gateway.stop() == 0
    assert "died" not in "".join(gateway.said)
