"""``realtime-lb serve``: starts with what LiteLLM starts with, says what it does, leaves in good order."""

import asyncio
import json
import signal
import socket
import ssl
import sys
from pathlib import Path

import aiohttp
import pytest
import trustme

from realtime_lb.simulator import Face, Simulator
from tests.cli.configs import CANARY, LITELLM, SWEDEN, draining, openai_group, written
from tests.cli.processes import run, running

ANYWHERE = ("--host", "127.0.0.1", "--port", "0", "--admin-port", "0")
LISTENING = r"listening on (https?://127\.0\.0\.1:\d+)"


FREEZE_COUNT = """
import atexit, gc
atexit.register(lambda: print("spared", gc.get_freeze_count()))
from realtime_lb.__main__ import main
main()
"""


async def test_the_collector_never_looks_at_what_was_there_when_it_began_to_serve(tmp_path: Path) -> None:
    """It would stop all calls for that: 40 ms, each time."""
    config = written(tmp_path, openai_group(a="http://127.0.0.1:1/v1"))
    serve = ("serve", "-c", config, "--host", "127.0.0.1", "--port", "0", "--admin-port", "0")
    async with running(*serve, command=(sys.executable, "-c", FREEZE_COUNT)) as gateway:
        await gateway.says("listening on")
        assert await gateway.stop() == 0
    (spared,) = (int(line.split()[1]) for line in gateway.said if line.startswith("spared"))
    assert spared > 20_000


async def test_litellms_file_starts_it_and_sigterm_says_goodbye(tmp_path: Path) -> None:
    """The configuration of LiteLLM's page works unchanged, and a live session is told, and ends with 1001."""
    config = written(tmp_path, draining(LITELLM, 0, 0))
    async with Simulator(Face.AZURE, api_key=CANARY) as azure:
        env = {**SWEDEN, "AZURE_SWEDEN_API_BASE": azure.base_url}
        async with (
            running("serve", "-c", config, *ANYWHERE, env=env) as gateway,
            aiohttp.ClientSession() as http,
        ):
            url = (await gateway.says(LISTENING + r".* 2 deployments in 2 model groups"))[1]
            async with http.get(f"{url}/health/liveliness") as answer:
                assert answer.status == 200
            async with http.ws_connect(f"{url}/v1/realtime?model=gpt-4o") as session:
                assert (await session.receive_json())["type"] == "session.created"
                stopping = asyncio.create_task(gateway.stop(signal.SIGTERM))
                assert (await session.receive_json())["error"]["code"] == "shutting_down"
                assert (await session.receive()).data == 1001
                assert await stopping == 0
    assert CANARY not in "".join(gateway.said)


async def test_ctrl_c_is_an_orderly_end_too(tmp_path: Path) -> None:
    async with running("serve", "-c", written(tmp_path, LITELLM), *ANYWHERE, env=SWEDEN) as gateway:
        await gateway.says(LISTENING)
        assert await gateway.stop(signal.SIGINT) == 0
    assert "Traceback" not in "".join(gateway.said)


async def test_the_environment_can_place_it(tmp_path: Path) -> None:
    """A container sets HOST, PORT and the file by variables, as LiteLLM's does."""
    env = {**SWEDEN, "HOST": "127.0.0.1", "PORT": "0", "CONFIG_FILE_PATH": written(tmp_path, LITELLM)}
    async with running("serve", env=env) as gateway:
        assert not (await gateway.says(LISTENING))[1].endswith(":4000")
        assert await gateway.stop() == 0


DANGEROUS = """\
model_list:
  - model_name: voice
    litellm_params: {model: openai/gpt-realtime, api_key: KEY, ssl_verify: false}
    model_info: {id: inside}
router_settings: {routing_stratgy: least-busy}
""".replace("KEY", CANARY)


async def test_it_warns_of_an_open_relay_of_unverified_tls_and_of_what_the_file_says_in_vain(
    tmp_path: Path,
) -> None:
    async with running("serve", "-c", written(tmp_path, DANGEROUS), *ANYWHERE) as gateway:
        await gateway.says(r"warning.*config\.yaml:5: router_settings\.routing_stratgy.*ignored")
        await gateway.says(r"warning.*no master_key is set.*on your bill.*Origin")
        await gateway.says(r"warning.*TLS verification is off for 'inside'")
        assert await gateway.stop() == 0


async def test_with_a_key_there_is_nothing_to_warn_of(tmp_path: Path) -> None:
    text = f"{openai_group(a='http://127.0.0.1:1/v1')}general_settings: {{master_key: {CANARY}}}\n"
    async with running("serve", "-c", written(tmp_path, text), *ANYWHERE) as gateway:
        await gateway.says(LISTENING)
        assert await gateway.stop() == 0
    assert "warning" not in "".join(gateway.said)
    assert CANARY not in "".join(gateway.said)


async def test_json_log_lines_are_json_from_the_first_to_the_last(tmp_path: Path) -> None:
    arguments = ("-c", written(tmp_path, LITELLM), *ANYWHERE, "--log-format", "json")
    async with running("serve", *arguments, env=SWEDEN) as gateway:
        await gateway.says("listening")
        assert await gateway.stop() == 0
    lines = [json.loads(line) for line in gateway.said if line]
    assert lines[0]["url"].startswith("http://127.0.0.1:")
    assert lines[0]["deployments"] == 2
    assert lines[-1]["event"] == "stopped"


async def test_every_problem_of_the_file_is_listed_without_a_traceback(tmp_path: Path) -> None:
    """Those that the reader finds by itself come together, and no value is quoted."""
    config = written(tmp_path, LITELLM)
    done = await run("serve", "-c", config, *ANYWHERE, env={"OPENAI_API_KEY": CANARY})
    assert done.status == 2
    assert f"{config}:5: model_list[0].litellm_params.api_key:" in done.err
    assert f"{config}:6: model_list[0].litellm_params.api_base:" in done.err
    assert "hint: " in done.err
    assert "Traceback" not in done.err
    assert CANARY not in done.err


REFUSED_BY_AZURE = """\
model_list:
  - model_name: voice
    litellm_params: {model: azure/a, api_key: KEY, api_base: "https://a.openai.azure.com/somewhere"}
  - model_name: voice
    litellm_params: {model: azure/b, api_key: KEY, api_base: "https://b.openai.azure.com", api_version: soon}
""".replace("KEY", CANARY)


async def test_what_only_a_provider_can_know_to_be_wrong_is_found_at_the_start(tmp_path: Path) -> None:
    done = await run("serve", "-c", written(tmp_path, REFUSED_BY_AZURE), *ANYWHERE)
    assert done.status == 2
    assert "voice/azure-a.api_base: has a path where Azure serves no realtime endpoint" in done.err
    assert "voice/azure-b.api_version: is neither a date" in done.err
    assert CANARY not in done.err
    assert "Traceback" not in done.err


async def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = await run("serve", "-c", str(tmp_path / "nowhere.yaml"))
    assert done.status == 2
    assert "nowhere.yaml" in done.err
    assert "no such file" in done.err


async def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        config = written(tmp_path, LITELLM)
        done = await run("serve", "-c", config, "--host", "127.0.0.1", "--port", port, env=SWEDEN)
    assert done.status == 1
    assert done.err.count("\n") == 1
    assert f"port {port}: the port is in use" in done.err


async def test_a_host_that_is_not_here_is_one_line(tmp_path: Path) -> None:
    config = written(tmp_path, LITELLM)
    for host in ("192.0.2.1", "no.such.host.invalid"):  # RFC 5737 and RFC 6761 keep them unused
        done = await run("serve", "-c", config, "--host", host, "--port", "0", env=SWEDEN)
        assert done.status == 1
        assert done.err.count("\n") == 1
        assert host in done.err
        assert "--host" in done.err


async def test_it_serves_https_with_a_certificate(tmp_path: Path) -> None:
    ca = trustme.CA()
    certificate = ca.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    files = ("--ssl-certfile", str(tmp_path / "cert.pem"), "--ssl-keyfile", str(tmp_path / "key.pem"))
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)
    config = written(tmp_path, LITELLM)
    async with (
        running("serve", "-c", config, *ANYWHERE, *files, env=SWEDEN) as gateway,
        aiohttp.ClientSession() as http,
    ):
        url = (await gateway.says(LISTENING))[1]
        assert url.startswith("https://")
        async with http.get(f"{url}/health/liveliness", ssl=trusting) as answer:
            assert answer.status == 200
        assert await gateway.stop() == 0


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--ssl-certfile", "missing.pem"), "No such file"),
        (("--ssl-certfile", "{config}"), "PEM"),
        (("--ssl-keyfile", "key.pem"), "--ssl-certfile"),
    ],
    ids=["missing", "no certificate", "key alone"],
)
async def test_a_certificate_that_cannot_be_used_says_why(
    tmp_path: Path, options: tuple[str, str], why: str
) -> None:
    config = written(tmp_path, LITELLM)
    given = [option.format(config=config) for option in options]
    done = await run("serve", "-c", config, *ANYWHERE, *given, env=SWEDEN)
    assert done.status == 2
    assert why in done.err
    assert "Traceback" not in done.err
