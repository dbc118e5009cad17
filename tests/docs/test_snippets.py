"""What the pages show runs: every Python block, every YAML block, every command."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import shlex
import tomllib
from collections.abc import Awaitable, Mapping
from pathlib import Path
from types import CodeType
from typing import Any

import aiohttp
import click
import pytest
from aiohttp import web

import realtime_lb.server
from realtime_lb.cli import cli
from realtime_lb.config import load_config
from realtime_lb.config.load import PROVIDERS
from realtime_lb.simulator import parse_faults
from tests.docs.pages import PAGES, ROOT, RUN, SHOWN, Block, blocks, commands, printed, programs

OTHER_COMMANDS = frozenset({"curl", "export", "openssl", "node", "eval"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_is_run_or_is_of_a_language_that_is_only_shown(page: Path) -> None:
    found = blocks(page)
    assert page.read_text().count("```") == 2 * len(found), "a fence is indented or not closed"
    assert {block.language for block in found} <= RUN | SHOWN
    comments = len(re.findall(r"<!-- (?:continues|prints|warns)", page.read_text()))
    assert comments == sum(bool(block.note) for block in found), "a comment stands above no block"


@pytest.mark.parametrize("program", programs("python"), ids=str)
def test_python_runs(
    program: Block,
    workplace: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With ``await`` at its top level if it has one; what serves for ever serves one session and ends."""
    assert workplace
    monkeypatch.setattr(web, "run_app", serve_one_session)
    monkeypatch.setattr(realtime_lb.server, "wait_for_signal", at_once)
    code = compile(program.text, str(program), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    run(code, {"__name__": "__main__"})
    expected = printed(program)
    if expected is not None:
        assert capsys.readouterr().out == expected


def run(code: CodeType, names: dict[str, Any]) -> None:
    if code.co_flags & inspect.CO_COROUTINE:

        async def main() -> None:
            await eval(code, names)

        asyncio.run(main())
    else:
        exec(code, names)


async def at_once() -> None:
    """Stand in for a signal."""


def serve_one_session(app: web.Application | Awaitable[web.Application], **_: object) -> None:
    """Stand in for `aiohttp.web.run_app`: a session at each realtime route, then the end."""

    async def main() -> None:
        runner = web.AppRunner(await app if isinstance(app, Awaitable) else app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            root = f"http://127.0.0.1:{runner.addresses[0][1]}"
            paths = {
                route.resource.canonical
                for route in runner.app.router.routes()
                if route.resource is not None and route.resource.canonical.endswith("/v1/realtime")
            }
            assert paths
            async with aiohttp.ClientSession() as http:
                for path in paths:
                    async with http.ws_connect(f"{root}{path}?model=gpt-realtime") as client:
                        assert (await client.receive_json())["type"] == "session.created"
        finally:
            await runner.cleanup()

    asyncio.run(main())


@pytest.mark.parametrize("program", programs("yaml"), ids=str)
def test_yaml_loads_with_no_more_warnings_than_its_page_tells_of(
    program: Block, workplace: Mapping[str, str]
) -> None:
    path = Path("shown.yaml")
    path.write_text(program.text)
    loaded = load_config(path, environ=workplace, providers=(*PROVIDERS, "acme"))
    told = int(program.note.removeprefix("warns ")) if program.note.startswith("warns") else 0
    assert len(loaded.warnings) == told, [str(warning) for warning in loaded.warnings]


@pytest.mark.parametrize(("block", "command"), list(commands()), ids=str)
def test_commands_exist(block: Block, command: str) -> None:
    words = shlex.split(command, comments=True)
    while re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    check(words)


def check(words: list[str]) -> None:
    program, *arguments = words
    match program:
        case "realtime-lb":
            check_realtime_lb(arguments)
        case "make":
            targets = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
            assert set(arguments) <= set(targets)
        case "pip":
            check_pip(arguments)
        case "python":
            assert (ROOT / arguments[0]).is_file()
        case _:
            assert program in OTHER_COMMANDS


def check_realtime_lb(arguments: list[str]) -> None:
    """Have click read them, which runs nothing."""
    if arguments in (["--help"], ["--version"]):
        return
    command = cli.get_command(click.Context(cli), arguments[0])
    assert command is not None
    context = command.make_context(arguments[0], arguments[1:])
    for fault in context.params.get("faults", ()):
        parse_faults(fault)


def check_pip(arguments: list[str]) -> None:
    verb, package = arguments
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = re.fullmatch(r"(realtime-lb|\.)(?:\[(\w+)\])?", package)
    assert verb == "install"
    assert found is not None
    assert found[2] is None or found[2] in project["optional-dependencies"]
