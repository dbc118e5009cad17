"""``realtime-lb demo``: the story that it tells, and that it does not tell it where it is not so."""

import asyncio
import io
import os
import pty
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner
from rich.console import Console

from realtime_lb.cli import cli
from realtime_lb.cli.demo.board import Board
from realtime_lb.cli.demo.caller import Call, CallFailed
from realtime_lb.cli.demo.picture import picture
from realtime_lb.cli.demo.stage import Stage
from realtime_lb.cli.demo.verdicts import verdicts
from realtime_lb.records import (
    Attempt,
    Direction,
    EventObserved,
    Fault,
    SessionClosed,
    SessionOpened,
    Traffic,
    Usage,
)
from realtime_lb.verdicts import Meaning
from tests.cli.processes import REALTIME_LB, environment, run

UNREACHABLE_PROXY = {
    "HTTP_PROXY": "http://127.0.0.1:1",
    "ALL_PROXY": "http://127.0.0.1:1",
    "no_proxy": "nothing",
}


async def test_it_plays_to_its_end_on_this_machine_alone() -> None:
    """Piped, as plain lines: who went where, the death of a provider, and figures; a proxy plays no part."""
    done = await run("demo", "--sessions", "3", env=UNREACHABLE_PROXY)
    assert done.status == 0, done.out + done.err
    before, after = done.out.split("act 2: azure is down")
    assert "placed on openai" in before
    assert "placed on azure" in before
    assert "← input_audio_buffer.speech_started" in before
    assert after.count("placed on openai") == 3
    assert "azure failed (upstream_unreachable), then placed on openai" in after
    assert "✓ 6 sessions, 0 failures" in after
    assert "✓ 6 written and 6 spoken turns answered" in after
    assert "✓ azure down: 3 of 3 new sessions went to openai" in after
    assert re.search(r"^openai +\d +\d +3 +[\d.]+ ms$", after, re.MULTILINE)
    assert done.err == ""


async def test_it_fails_where_the_provider_does_not_go_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """The claims are checked, not recited."""

    async def survive(_stage: Stage) -> None:
        """Stay up."""

    monkeypatch.setattr(Stage, "take_azure_down", survive)
    for name in ("NO_PROXY", "no_proxy"):  # the command sets them
        monkeypatch.setenv(name, "")
    result = await asyncio.to_thread(CliRunner().invoke, cli, ["demo", "--sessions", "2"])
    assert result.exit_code == 1
    assert "✗ azure down: 1 of 2 new sessions went to openai" in result.stdout
    assert "did not go as it should" in result.stderr


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    try:
        yield ours, theirs
    finally:
        os.close(ours)


async def screen_until(descriptor: int, pattern: str) -> str:
    """Read a terminal's output until it holds *pattern*."""
    seen = ""
    while not re.search(pattern, seen):
        seen += (await asyncio.to_thread(os.read, descriptor, 65536)).decode(errors="replace")
    return seen


async def test_on_a_terminal_it_can_stay_for_a_client_of_ones_own() -> None:
    """The picture is drawn, the printed program works as pasted, and Ctrl-C is an orderly end."""
    with terminal() as (ours, theirs):
        env = environment({"TERM": "xterm", "COLUMNS": "120", "LINES": "40"})
        process = await asyncio.create_subprocess_exec(
            *REALTIME_LB,
            "demo",
            "--keep",
            "--sessions",
            "2",
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=env,
        )
        os.close(theirs)
        try:
            seen = await screen_until(ours, r"asyncio\.run\(main\(\)\)\s+PY\s")
            program = re.findall(r"- <<'PY'\s+(.*?)\sPY\s", seen, re.DOTALL)[-1].replace("\r\n", "\n")
            done = await run(command=(sys.executable, "-c", program))
            assert done.out.split()[0] == "session.created", done.err
            assert done.out.split()[-1] == "response.done"
            await screen_until(ours, "guest-1 +closed")
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert "events as they pass" in seen
    assert "✗ down" in seen


OPENED = SessionOpened(
    session_id="rlb_1",
    model_group="gpt-realtime",
    deployment="openai",
    principal="session-1",
    attempts=(Attempt(deployment="openai", outcome="accepted", verdict=Meaning.OK, duration_s=0.01),),
    open_s=0.01,
)
CLOSED = SessionClosed(
    session_id="rlb_1",
    model_group="gpt-realtime",
    deployment="openai",
    principal="session-1",
    attempts=OPENED.attempts,
    duration_s=2.5,
    first_event_s=0.01,
    first_audio_s=None,
    from_client=Traffic(),
    from_upstream=Traffic(),
    usage=Usage(),
    close_code=1000,
    close_reason="",
    error=None,
    fault=Fault.NOBODY,
)
SPOKEN = Call("an answer", 1500.0)


def told(
    board: Board, number: int, deployment: str, *, error: str | None = None, moved: bool = False
) -> None:
    """Have *board* see a session from its start to its end."""
    names = ["azure", deployment] if moved else [deployment]
    common: dict[str, Any] = {
        "session_id": f"rlb_{number}",
        "principal": f"session-{number}",
        "deployment": deployment,
        "attempts": tuple(
            Attempt(deployment=name, outcome="x", verdict=Meaning.TRANSIENT, duration_s=0.01)
            for name in names
        ),
    }
    board(evolve(OPENED, **common))
    board(
        EventObserved(
            session_id=f"rlb_{number}",
            direction=Direction.CLIENT,
            type="response.create",
            payload=None,
            size_bytes=40,
        )
    )
    board(evolve(CLOSED, **common, error=error))


def played() -> Board:
    board = Board(up={"openai": True, "azure": False}, act=1)
    told(board, 1, "openai")
    told(board, 2, "azure")
    board.act = 2
    told(board, 3, "openai", moved=True)
    told(board, 4, "openai")
    return board


def test_what_went_well_is_said_with_its_figures() -> None:
    found = verdicts(played(), [SPOKEN] * 2, [SPOKEN] * 2)
    assert [verdict.holds for verdict in found] == [True] * 4
    assert found[3].claim == "azure down: 2 of 2 new sessions went to openai (1 tried azure first)"


@pytest.mark.parametrize(
    ("before", "spoiled"),
    [
        ([SPOKEN, CallFailed("no session: 503")], [False, False, True, True]),
        ([SPOKEN, Call("", 1500.0)], [True, False, True, True]),
        ([SPOKEN, Call("an answer", 0.0)], [True, False, True, True]),
    ],
    ids=["a client without a session", "no words", "no sound"],
)
def test_one_client_that_got_less_spoils_it(before: list[Call | CallFailed], spoiled: list[bool]) -> None:
    found = verdicts(played(), before, [SPOKEN] * 2)
    assert [verdict.holds for verdict in found] == spoiled


def test_a_session_that_ended_in_an_error_spoils_it() -> None:
    board = played()
    told(board, 4, "openai", error="upstream_lost")
    assert not verdicts(board, [SPOKEN] * 2, [SPOKEN] * 2)[0].holds


def test_a_provider_that_served_nobody_spoils_it() -> None:
    board = Board(up={"openai": True, "azure": True}, act=1)
    told(board, 1, "openai")
    told(board, 2, "openai")
    assert not verdicts(board, [SPOKEN] * 2, [])[2].holds


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
def test_the_picture_fits_its_terminal(width: int, height: int) -> None:
    """More sessions than lines: the latest stay in sight, and nothing is folded."""
    board = played()
    for number in range(5, 60):
        told(board, number, "openai", moved=True)
    screen = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)
    screen.print(picture(board, "ws://127.0.0.1:65535/v1/realtime", width, height))
    assert isinstance(screen.file, io.StringIO)
    text = screen.file.getvalue()
    assert len(text.splitlines()) < height
    assert max(map(len, text.splitlines())) <= width
    assert "session-59   azure → openai" in text
    assert ("events as they pass" in text) == (width >= 110)
