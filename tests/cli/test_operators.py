"""``realtime-lb serve`` answers operators on a port of its own, or says why it does not."""

import socket
from pathlib import Path

import aiohttp
import pytest

from tests.cli.configs import CANARY, openai_group, written
from tests.cli.processes import run, running

PUBLIC = ("--host", "127.0.0.1", "--port", "0")
LISTENING = r"listening on (http://127\.0\.0\.1:\d+)"
POOL = openai_group(a="http://127.0.0.1:1/v1")
LOCKED = f"{POOL}general_settings: {{master_key: {CANARY}}}\n"


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return str(found.getsockname()[1])


def listening_on(text: str, **server: str) -> str:
    keys = ", ".join(f"{key}: {value!r}" for key, value in server.items())
    return f"{text}realtime_lb: {{server: {{{keys}}}}}\n".replace("'", "")


async def test_it_says_where_it_answers_operators_and_does_so_with_the_key(tmp_path: Path) -> None:
    port = free_port()
    options = ("-c", written(tmp_path, LOCKED), *PUBLIC, "--admin-port", port)
    async with running("serve", *options) as gateway, aiohttp.ClientSession() as http:
        public = (await gateway.says(LISTENING))[1]
        admin = (await gateway.says(rf"answering operators on (http://127\.0\.0\.1:{port})"))[1]
        headers = {"Authorization": f"Bearer {CANARY}"}
        async with http.get(f"{admin}/admin/explain?model=voice", headers=headers) as answer:
            assert (await answer.json())["picked"] == "a"
        async with http.get(f"{admin}/admin/sessions") as answer:
            assert answer.status == 401
        async with http.get(f"{public}/admin/sessions", headers=headers) as answer:
            assert answer.status == 404
        assert await gateway.stop() == 0
    assert CANARY not in "".join(gateway.said)


async def test_the_file_may_place_it_and_the_option_has_the_last_word(tmp_path: Path) -> None:
    port = free_port()
    config = written(tmp_path, listening_on(LOCKED, admin_port=port))
    async with running("serve", "-c", config, *PUBLIC) as gateway:
        await gateway.says(f"answering operators on http://127.0.0.1:{port}")
        assert await gateway.stop() == 0
    async with running("serve", "-c", config, *PUBLIC, "--admin-port", "0") as gateway:
        await gateway.says(LISTENING)
        assert await gateway.stop() == 0
    assert "operators" not in "".join(gateway.said)


async def test_a_taken_port_is_a_warning_and_clients_are_served(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        options = ("-c", written(tmp_path, LOCKED), *PUBLIC, "--admin-port", port)
        async with running("serve", *options) as gateway, aiohttp.ClientSession() as http:
            public = (await gateway.says(LISTENING))[1]
            await gateway.says(rf"warning.*no answers.*port {port}: the port is in use.*--admin-port")
            async with http.get(f"{public}/health/readiness") as answer:
                assert answer.status == 200
            assert await gateway.stop() == 0


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
async def test_an_address_that_is_not_here_is_a_warning_too(tmp_path: Path, host: str) -> None:
    config = written(tmp_path, listening_on(LOCKED, admin_host=host, admin_port=free_port()))
    async with running("serve", "-c", config, *PUBLIC) as gateway:
        await gateway.says(rf"warning.*no answers.*{host}")
        assert await gateway.stop() == 0


@pytest.mark.parametrize("command", [("serve", *PUBLIC), ("check",)], ids=["serve", "check"])
@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.7", "ops.example.com"])
async def test_a_network_may_not_ask_without_a_key(
    tmp_path: Path, command: tuple[str, ...], host: str
) -> None:
    done = await run(*command, "-c", written(tmp_path, listening_on(POOL, admin_host=host)))
    assert done.status == 2
    assert f"admin_host: {host!r} is not this machine alone" in done.err
    assert "hint: set general_settings.master_key" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_this_machine_may_ask_without_a_key(tmp_path: Path, host: str) -> None:
    config = written(tmp_path, listening_on(POOL, admin_host=host, admin_port=free_port()))
    async with running("serve", "-c", config, *PUBLIC) as gateway:
        await gateway.says("answering operators on http://")
        assert await gateway.stop() == 0


async def test_a_network_that_is_not_listened_to_needs_no_key(tmp_path: Path) -> None:
    config = written(tmp_path, listening_on(POOL, admin_host="0.0.0.0"))
    async with running("serve", "-c", config, *PUBLIC, "--admin-port", "0") as gateway:
        await gateway.says(LISTENING)
        assert await gateway.stop() == 0
