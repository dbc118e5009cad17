"""``realtime-lb explain`` and ``sessions``: a running gateway's answers, as an operator reads them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from realtime_lb import RoutingSettings, Secret, ServerSettings
from realtime_lb.cli import cli
from realtime_lb.server import listening_admin
from tests.cli.configs import CANARY, openai_group, written
from tests.support import Gateway, deployment, gateway, greet_and_echo, http_server, upstream

NOWHERE = "http://127.0.0.1:1"
LOCKED = ServerSettings(master_key=Secret(CANARY))


async def run(*arguments: str, key: str | None = None) -> Result:
    """Run it in a thread: it has an event loop of its own."""
    unset = {"CONFIG_FILE_PATH": None, "LITELLM_MASTER_KEY": key}
    return await asyncio.to_thread(CliRunner().invoke, cli, arguments, env=unset)


@asynccontextmanager
async def gateway_with_admin(*pool: Any, **settings: Any) -> AsyncIterator[tuple[Gateway, str]]:
    async with gateway(*pool, **settings) as gate, listening_admin(gate.router) as admin:
        yield gate, admin


async def test_it_says_who_would_be_picked_and_why_the_others_are_not() -> None:
    async with (
        upstream(greet_and_echo) as url,
        gateway_with_admin(
            deployment("full", url, order=1, max_sessions=1),
            deployment("best", url, order=2),
            deployment("later", url, order=3),
            routing=RoutingSettings(strategy="least-busy", fallbacks={"voice": ("voice",)}),
        ) as (gate, admin),
        gate.open() as client,
    ):
        await client.receive()
        done = await run("explain", "voice", "--url", admin)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("✓ voice → best\n")
    lines = {line.strip().partition(" ")[0]: line.rstrip() for line in done.stdout.splitlines()}
    assert "1/1" in lines["full"]
    assert lines["full"].endswith("full")
    assert lines["later"].endswith("a better order has room")


async def test_an_upstream_that_is_out_is_shown_with_its_reason_and_the_time_that_is_left() -> None:
    async def refuse(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": "60"})

    async with (
        upstream(greet_and_echo) as good,
        http_server(refuse) as bad,
        gateway_with_admin(
            deployment("limited", bad, order=1),
            deployment("good", good, order=2, max_sessions=1),
            routing=RoutingSettings(queue_timeout_s=0.01),
        ) as (gate, admin),
        gate.open() as client,
    ):
        await client.receive()
        done = await run("explain", "voice", "--url", admin)
    assert done.exit_code == 0
    assert done.stdout.startswith("✗ voice → nowhere\n")
    assert "session limit" in done.stdout
    (line,) = (line for line in done.stdout.splitlines() if "limited" in line and "60 s" in line)
    assert line.rstrip().endswith("cooldown: rate limited, 60 s left")


async def test_tags_and_affinity_are_asked_for_as_a_client_would() -> None:
    pool = (deployment("eu", NOWHERE, tags=("eu",)), deployment("us", NOWHERE, tags=("us",)))
    async with gateway_with_admin(*pool, routing=RoutingSettings(tag_filtering=True)) as (_, admin):
        tagged = await run("explain", "voice", "--url", admin, "--tags", "us")
        held = await run("explain", "voice", "--url", admin, "--tags", "eu,us", "--affinity", "x")
    assert "→ us\n" in tagged.stdout
    assert "has none of these tags" in tagged.stdout
    assert "chosen by its affinity: the highest score of 2" in held.stdout


async def test_as_json_it_is_the_listeners_answer() -> None:
    async with (
        upstream(greet_and_echo) as url,
        gateway_with_admin(deployment("a", url)) as (gate, admin),
        gate.open() as client,
    ):
        await client.receive()
        told = json.loads((await run("explain", "voice", "--json", "--url", admin)).stdout)
        live = json.loads((await run("sessions", "--json", "--url", admin)).stdout)
    assert told["picked"] == "a"
    assert [session["deployment"] for session in live["sessions"]] == ["a"]


async def test_live_sessions_are_a_line_each() -> None:
    async with (
        upstream(greet_and_echo) as url,
        gateway_with_admin(deployment("a", url)) as (gate, admin),
    ):
        none = await run("sessions", "--url", admin)
        async with gate.open() as client:
            await client.receive()
            (session,) = gate.router.sessions()
            one = await run("sessions", "--url", f"{admin}/")
    assert none.stdout == "0 sessions\n"
    (line,) = (line for line in one.stdout.splitlines() if line.startswith("rlb_"))
    assert line.split()[:3] == [session.id, "voice", "a"]
    assert line.split()[3:6] == ["0:00", "anonymous", "127.0.0.1"]
    assert one.stdout.endswith("\n1 session\n")


async def test_the_file_says_where_and_with_which_key(tmp_path: Path) -> None:
    """And a key in the environment does where there is no file."""
    async with gateway_with_admin(deployment("a", NOWHERE), server=LOCKED) as (_, admin):
        port = admin.rpartition(":")[2]
        text = (
            f"{openai_group(a=NOWHERE)}general_settings: {{master_key: {CANARY}}}\n"
            f"realtime_lb: {{server: {{admin_host: 0.0.0.0, admin_port: {port}}}}}\n"
        )
        for done in (
            await run("explain", "voice", "-c", written(tmp_path, text)),
            await run("explain", "voice", "--url", admin, key=CANARY),
        ):
            assert done.exit_code == 0, done.output
            assert "→ a\n" in done.stdout
            assert CANARY not in done.output


@pytest.mark.parametrize(
    ("key", "hint"), [(None, "LITELLM_MASTER_KEY can name it"), ("sk-wrong", "it is not this gateway's")]
)
@pytest.mark.parametrize("command", [("explain", "voice"), ("sessions",)])
async def test_a_wrong_key_is_said_to_be_wrong(command: tuple[str, ...], key: str | None, hint: str) -> None:
    async with gateway_with_admin(deployment("a", NOWHERE), server=LOCKED) as (_, admin):
        done = await run(*command, "--url", admin, key=key)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert f"{admin} wants the master key: " in done.stderr
    assert hint in done.stderr
    assert "sk-wrong" not in done.stderr


async def test_a_model_that_nobody_has_or_that_is_not_named_is_said_so() -> None:
    async with gateway_with_admin(deployment("a", NOWHERE)) as (_, admin):
        unknown = await run("explain", "nope", "--url", admin)
        unnamed = await run("explain", "--url", admin)
    assert (unknown.exit_code, unnamed.exit_code) == (2, 2)
    assert "'nope' does not exist (known models: voice)" in unknown.stderr
    assert "name a MODEL" in unnamed.stderr


@pytest.mark.parametrize(
    ("url", "status", "why"),
    [
        ("http://127.0.0.1:1", 1, "nobody answers operators at http://127.0.0.1:1: connection refused"),
        ("http://no.such.host.invalid", 1, "no such host"),
        ("127.0.0.1:4001", 2, "write it as http://127.0.0.1:4001"),
        ("http://127.0.0.1:port", 2, "write it as http://127.0.0.1:4001"),
    ],
)
async def test_an_address_where_nobody_is_says_so(url: str, status: int, why: str) -> None:
    done = await run("sessions", "--url", url)
    assert done.exit_code == status
    assert why in done.stderr
    assert done.stderr.count("\n") == 1


async def test_a_gateway_that_answers_no_operators_is_not_asked(tmp_path: Path) -> None:
    text = f"{openai_group(a=NOWHERE)}realtime_lb: {{server: {{admin_port: 0}}}}\n"
    done = await run("sessions", "-c", written(tmp_path, text))
    assert done.exit_code == 2
    assert "admin_port is 0" in done.stderr


async def test_clients_port_is_not_where_operators_are_answered() -> None:
    async with gateway(deployment("a", NOWHERE)) as gate:
        done = await run("sessions", "--url", gate.url)
    assert done.exit_code == 1
    assert "is not where operators are answered (HTTP 404)" in done.stderr


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda: web.json_response({"sessions": [{"id": 1}]}), "in a way that this version does not know"),
        (lambda: web.json_response({}), "in a way that this version does not know"),
        (lambda: web.Response(text="hello"), "is not where operators are answered (HTTP 200)"),
        (lambda: web.Response(body=b"\xff\xfe\xfd"), "is not where operators are answered (HTTP 200)"),
        (
            lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
            "is not where operators are answered (HTTP 302)",
        ),
    ],
)
async def test_an_answer_that_is_none_is_said_to_be_none(answer: Any, why: str) -> None:
    async def handle(_request: web.Request) -> web.StreamResponse:
        response: web.StreamResponse = answer()
        return response

    async with http_server(handle) as url:
        done = await run("sessions", "--url", url)
    assert done.exit_code == 1
    assert why in done.stderr
