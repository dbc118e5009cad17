"""``realtime-lb check``: what a file means, and whether its deployments answer; never a key."""

import asyncio
import io
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner, Result
from rich.console import Console

from realtime_lb.cli import cli
from realtime_lb.cli.configuration import read_configuration
from realtime_lb.cli.tables import shown_deployments
from realtime_lb.simulator import Face, Simulator
from tests.cli.configs import CANARY, LITELLM, SWEDEN, openai_group, written
from tests.cli.processes import BLOCKED, environment, run


async def check(*arguments: str, env: dict[str, str] | None = None) -> Result:
    """Run it in a thread: it has an event loop of its own."""
    unset: dict[str, str | None] = {
        "CONFIG_FILE_PATH": None,
        "OPENAI_API_BASE": None,
        "OPENAI_BASE_URL": None,
    }
    return await asyncio.to_thread(
        CliRunner().invoke, cli, ["check", *arguments], env={**unset, **(env or {})}
    )


def rows(result: Result) -> Iterator[list[str]]:
    """The table's cells, without its head; cells have no double spaces in them."""
    for line in result.stdout.splitlines()[2:]:
        cells = [cell.strip() for cell in line.split("  ") if cell.strip()]
        if len(cells) > 1:
            yield cells


async def test_each_deployment_is_a_line_with_its_whole_url(tmp_path: Path) -> None:
    result = await check("-c", written(tmp_path, LITELLM), env=SWEDEN)
    assert result.exit_code == 0
    assert list(rows(result)) == [
        [
            "gpt-4o/azure-gpt-4o-realtime-preview",
            "gpt-4o",
            "azure",
            "ga",
            "wss://sweden.openai.azure.com/openai/v1/realtime?model=gpt-4o-realtime-preview",
        ],
        [
            "openai-gpt-4o-realtime-audio/openai-gpt-4o-realtime-preview-2024-10-01",
            "openai-gpt-4o-realtime-audio",
            "openai",
            "ga",
            "wss://api.openai.com/v1/realtime?model=gpt-4o-realtime-preview-2024-10-01",
        ],
    ]
    assert result.stdout.endswith("2 deployments in 2 model groups\n")
    assert "no master_key" in result.stderr
    assert CANARY not in result.output


WEIGHTED = """\
model_list:
  - model_name: voice
    litellm_params: {model: azure/ours, api_key: KEY, api_base: "https://a.openai.azure.com",
      api_version: 2025-04-01-preview, weight: 3, order: 1, max_parallel_requests: 20}
    model_info: {id: preview}
  - model_name: voice
    litellm_params: {model: openai_compatible/any, api_base: "wss://gateway.example/voice", opaque: true}
    model_info: {id: other}
""".replace("KEY", CANARY)


async def test_what_steers_the_choice_is_shown_where_it_is_set(tmp_path: Path) -> None:
    result = await check("-c", written(tmp_path, WEIGHTED))
    preview, other = rows(result)
    assert preview[:7] == ["preview", "voice", "azure", "beta", "3", "1", "20"]
    assert other[:4] == ["other", "voice", "openai_compatible", "opaque"]
    assert "max sessions" in result.stdout


async def test_on_a_narrow_terminal_nothing_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SWEDEN.items():
        monkeypatch.setenv(name, value)
    configuration = read_configuration(Path(written(tmp_path, LITELLM)))
    screen = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    screen.print(shown_deployments(configuration, {}, screen))
    assert isinstance(screen.file, io.StringIO)
    lines = screen.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    text = "".join(line[13:].strip() for line in lines)
    assert "wss://sweden.openai.azure.com/openai/v1/realtime?model=gpt-4o-realtime-preview" in text


async def test_what_cannot_be_used_comes_last_behind_what_may_be_the_cause(tmp_path: Path) -> None:
    text = f"model_list: [{{model_name: voice, litellm_params: {{model: gpt-realtime, api_kye: {CANARY}}}}}]"
    result = await check("-c", written(tmp_path, text), env={"OPENAI_API_KEY": ""})
    assert result.exit_code == 2
    warned, error = result.stderr.split("Error: 1 problem in the configuration")
    assert "api_kye: ignored: no such key is known\n    hint: did you mean api_key?" in warned
    assert "api_key: is missing, and OPENAI_API_KEY is not set" in error
    assert CANARY not in result.output


async def test_dialling_says_how_long_each_took_to_answer(tmp_path: Path) -> None:
    async with Simulator(Face.OPENAI, api_key=CANARY) as one, Simulator(Face.OPENAI, api_key=CANARY) as two:
        config = written(tmp_path, openai_group(one=f"{one.base_url}/v1", two=f"{two.base_url}/v1"))
        result = await check("-c", config, "--dial", env=environment())
        assert len(one.dials) == len(two.dials) == 1
    assert result.exit_code == 0, result.output
    assert result.stdout.count("✓") == 2
    assert result.stdout.count(" ms") == 2
    assert result.stdout.endswith("2 deployments in 1 model group, 2 answered\n")


async def test_dialling_says_why_a_deployment_does_not_answer(tmp_path: Path) -> None:
    """One refuses, one dislikes the key after the upgrade, one is not there, one is fine."""
    async with (
        Simulator(Face.OPENAI, faults="refuse 403") as refusing,
        Simulator(Face.OPENAI, api_key="another") as strict,
        Simulator(Face.OPENAI, api_key=CANARY) as fine,
    ):
        bases = {"refusing": refusing, "strict": strict, "fine": fine}
        urls = {name: f"{simulator.base_url}/v1" for name, simulator in bases.items()}
        config = written(tmp_path, openai_group(absent="http://127.0.0.1:1/v1", **urls))
        result = await check("-c", config, "--dial", env=environment())
    assert result.exit_code == 1
    answers = {row[0]: row[4] for row in rows(result)}
    assert "HTTP 403: may this key use realtime" in answers["refusing"]
    assert "invalid_api_key" in answers["strict"]
    assert "no connection: connection refused" in answers["absent"]
    assert answers["fine"].startswith("✓")
    assert "3 of 4 deployments did not answer: absent, refusing, strict" in result.stderr
    assert CANARY not in result.output


WILDCARD = """\
model_list:
  - model_name: "openai/*"
    litellm_params: {model: "openai/*", api_key: KEY}
""".replace("KEY", CANARY)


async def test_a_wildcard_names_nothing_to_dial(tmp_path: Path) -> None:
    result = await check("-c", written(tmp_path, WILDCARD), "--dial")
    assert result.exit_code == 0
    assert "not dialled: a wildcard" in result.stdout


async def test_a_file_that_cannot_be_used_exits_with_2(tmp_path: Path) -> None:
    result = await check("-c", written(tmp_path, LITELLM), env={"OPENAI_API_KEY": CANARY})
    assert result.exit_code == 2
    assert "AZURE_SWEDEN_API_BASE" in result.stderr
    assert CANARY not in result.output


ENTRA = """\
model_list:
  - model_name: voice
    litellm_params: {model: azure/ours, api_base: "https://a.openai.azure.com", tenant_id: t, client_id: c,
      client_secret: KEY}
    model_info: {id: entra}
""".replace("KEY", CANARY)


async def test_a_missing_package_is_missed_at_once_and_stops_no_other_deployment(tmp_path: Path) -> None:
    program = BLOCKED.format("azure.identity")
    done = await run("check", "-c", written(tmp_path, ENTRA), command=(sys.executable, "-c", program))
    assert done.status == 0
    assert "signing in with Entra ID needs more packages: no session will reach entra" in done.err
    assert "pip install 'realtime-lb[azure]'" in done.err
    assert CANARY not in done.err


async def test_a_certificate_that_nobody_vouches_for_is_the_reason(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with Simulator(Face.OPENAI, api_key=CANARY, ssl_context=context) as simulator:
        config = written(tmp_path, openai_group(a=f"{simulator.base_url}/v1"))
        result = await check("-c", config, "--dial", env=environment())
    assert result.exit_code == 1
    assert "certificate" in result.stdout


async def test_what_the_file_says_in_vain_is_a_warning(tmp_path: Path) -> None:
    text = f"{openai_group(a='http://127.0.0.1:1/v1')}router_settings: {{redis_host: x}}\n"
    result = await check("-c", written(tmp_path, text))
    assert result.exit_code == 0
    assert "config.yaml:5: router_settings.redis_host" in result.stderr
