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
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner
from rich.console import Console

from realtime_lb.cli import cli
from realtime_lb.cli.demo import stage, story
from realtime_lb.cli.demo.board import Board
from realtime_lb.cli.demo.caller import Call, CallFailed
from realtime_lb.cli.demo.microphone import Cue
from realtime_lb.cli.demo.picture import picture
from realtime_lb.cli.demo.stage import Stage
from realtime_lb.cli.demo.verdicts import Acts, verdicts
from realtime_lb.records import (
    Attempt,
    Direction,
    EventObserved,
    Fault,
    RehomeCause,
    SessionClosed,
    SessionOpened,
    SessionRehomed,
    Traffic,
    Usage,
)
from realtime_lb.settings import RehomeSettings, Settings
from realtime_lb.simulator import Simulator
from realtime_lb.verdicts import Meaning
from tests import hurry
from tests.cli.processes import environment, run

ROOT = Path(__file__).parents[2]
UNREACHABLE_PROXY = {
    "HTTP_PROXY": "http://127.0.0.1:1",
    "ALL_PROXY": "http://127.0.0.1:1",
    "no_proxy": "nothing",
}


async def test_it_plays_to_its_end_on_this_machine_alone() -> None:
    """Piped, as plain lines: who went where, the death of a provider, and figures; a proxy plays no part."""
    done = await run("demo", "--sessions", "3", env=UNREACHABLE_PROXY)
    assert done.status == 0, done.out + done.err
    before, during, after = re.split(r"^act [23]:", done.out, flags=re.MULTILINE)
    assert "placed on openai" in before
    assert "placed on azure" in before
    assert "← input_audio_buffer.speech_started" in before
    talking, struck = re.split(r"^  azure +✗ dies, with [12] live calls? on it$", during, flags=re.MULTILINE)
    assert talking.count("speech_started") == 3
    assert "speech_stopped" not in talking
    moved = re.findall(r"^  (session-\d) +lost azure, on openai after \d+ ms$", struck, re.MULTILINE)
    assert set(moved) == set(re.findall(r"^  (session-\d) +placed on azure", talking, re.MULTILINE)) != set()
    assert len(re.findall(r"^  session-\d +closed after", struck, re.MULTILINE)) == 3
    assert after.count("placed on openai") == 3
    assert "azure failed (upstream_unreachable), then placed on openai" in after
    assert "✓ 9 sessions, 0 failures" in after
    assert "✓ 9 written and 9 spoken turns answered" in after
    assert re.search(r"✓ azure died during ([12]) calls?: \1 of \1 went on at openai; gap \d+ ms", after)
    assert "✓ 3 of 3 callers then noticed nothing" in after
    assert "✓ azure down: 3 of 3 new sessions went to openai" in after
    assert re.search(rf"^openai +\d +\d +3 +{len(moved)} +[\d.]+ ms$", after, re.MULTILINE)
    assert done.err == ""


async def not_as_it_should(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what a demo says that fails. It does so as well in a hurry."""
    monkeypatch.setattr(asyncio, "run", hurry.run)
    for name in ("NO_PROXY", "no_proxy"):  # the command sets them
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(story, "_SUSPENSE_S", 0)
    result = await asyncio.to_thread(CliRunner().invoke, cli, ["demo", "--sessions", "2"])
    assert result.exit_code == 1
    assert "did not go as it should" in result.stderr
    return result.stdout


async def test_it_fails_where_the_provider_does_not_go_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """The claims are checked, not recited."""

    async def survive(_stage: Stage) -> int:
        return 0

    monkeypatch.setattr(Stage, "kill_azure", survive)
    said = await not_as_it_should(monkeypatch)
    assert "✗ azure died during 0 calls: 0 of 0 went on at openai" in said
    assert "✗ azure down: 1 of 2 new sessions went to openai" in said


async def test_it_fails_where_a_live_call_is_not_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = stage._settings

    def unmoved(openai: Simulator, azure: Simulator) -> Settings:
        return evolve(settings(openai, azure), rehome=RehomeSettings(enabled=False))

    monkeypatch.setattr(stage, "_settings", unmoved)
    said = await not_as_it_should(monkeypatch)
    assert "✗ 6 sessions, 1 failure; the gateway sent an error" in said
    assert "✗ azure died during 1 call: 0 of 1 went on at openai" in said
    assert "✗ 1 of 2 callers then noticed nothing" in said


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


HURRIED = """
import asyncio
from realtime_lb.__main__ import main
from tests import hurry
asyncio.run = hurry.run
main()
"""


async def test_on_a_terminal_it_can_stay_for_a_client_of_ones_own() -> None:
    """The picture is drawn, the printed program works as pasted, and Ctrl-C is an orderly end."""
    with terminal() as (ours, theirs):
        env = environment({"TERM": "xterm", "COLUMNS": "120", "LINES": "40"})
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", HURRIED),
            "demo",
            "--keep",
            "--sessions",
            "2",
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=env,
            cwd=ROOT,
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
REHOMED = SessionRehomed(
    session_id="rlb_1",
    cause=RehomeCause.LOST,
    from_deployment="azure",
    to_deployment="openai",
    gap_s=0.0091,
    items=3,
    replayed_bytes=12_000,
)
SPOKEN = Call("an answer", 1500.0, 600, 900)


def attempt(deployment: str, outcome: str) -> Attempt:
    return Attempt(deployment=deployment, outcome=outcome, verdict=Meaning.TRANSIENT, duration_s=0.01)


def told(  # what may happen to a session
    board: Board,
    number: int,
    deployment: str,
    *,
    error: str | None = None,
    refused: bool = False,
    outpaced: bool = False,
    moved: bool = False,
) -> None:
    """Have *board* see a session from its start to its end."""
    attempts = [attempt("azure", "http_503")] if refused else []
    attempts.append(attempt(deployment, "accepted"))
    attempts += [attempt("azure", "outpaced")] if outpaced else []
    common: dict[str, Any] = {
        "session_id": f"rlb_{number}",
        "principal": f"session-{number}",
        "deployment": deployment,
        "attempts": tuple(attempts),
    }
    board(evolve(OPENED, **common))
    if moved:
        board(evolve(REHOMED, session_id=f"rlb_{number}"))
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
    told(board, 3, "azure", moved=True)
    told(board, 4, "openai")
    board.act = 3
    told(board, 5, "openai", refused=True)
    told(board, 6, "openai", outpaced=True)
    return board


WELL = Acts([SPOKEN] * 2, [SPOKEN] * 2, [SPOKEN] * 2)


def test_what_went_well_is_said_with_its_figures() -> None:
    found = verdicts(played(), WELL, struck=1)
    assert [verdict.holds for verdict in found] == [True] * 6
    assert [verdict.claim for verdict in found[3:]] == [
        "azure died during 1 call: 1 of 1 went on at openai; gap 9 ms, at most 9 ms",
        "2 of 2 callers then noticed nothing: no close, no error, every word heard",
        "azure down: 2 of 2 new sessions went to openai (1 tried azure first)",
    ]


@pytest.mark.parametrize(
    ("got", "spoiled"),
    [
        (CallFailed("no session: 503"), {0, 1, 4}),
        (Call("", 1500.0, 600, 900), {1}),
        (Call("an answer", 0.0, 600, 900), {1}),
        (Call("an answer", 1500.0, 600, 500), {4}),
    ],
    ids=["a client without a session", "no words", "no sound", "half a sentence"],
)
def test_one_client_that_got_less_spoils_it(got: Call | CallFailed, spoiled: set[int]) -> None:
    found = verdicts(played(), evolve(WELL, during=[SPOKEN, got]), struck=1)
    assert {number for number, verdict in enumerate(found) if not verdict.holds} == spoiled


def test_a_session_that_ended_in_an_error_spoils_it() -> None:
    board = played()
    told(board, 4, "openai", error="upstream_lost")
    assert not verdicts(board, WELL, struck=1)[0].holds


@pytest.mark.parametrize("struck", [0, 2])
def test_a_call_that_was_struck_and_did_not_go_on_spoils_it(struck: int) -> None:
    assert not verdicts(played(), WELL, struck)[3].holds


def test_a_provider_that_served_nobody_spoils_it() -> None:
    board = Board(up={"openai": True, "azure": True}, act=1)
    told(board, 1, "openai")
    told(board, 2, "openai")
    assert not verdicts(board, WELL, struck=0)[2].holds


async def test_callers_that_leave_do_not_keep_the_others_waiting() -> None:
    cue = Cue(callers=2)
    cue.reached("session-1")
    cue.reached("session-1")
    assert not cue.all_talk.is_set()
    cue.reached("session-2")
    assert cue.all_talk.is_set()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
def test_the_picture_fits_its_terminal(width: int, height: int) -> None:
    """More sessions than lines: the latest stay in sight, and nothing is folded."""
    board = played()
    for number in range(7, 59):
        told(board, number, "openai", refused=True)
    told(board, 59, "azure", moved=True)
    screen = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)
    screen.print(picture(board, "ws://127.0.0.1:65535/v1/realtime", width, height))
    assert isinstance(screen.file, io.StringIO)
    text = screen.file.getvalue()
    assert len(text.splitlines()) < height
    assert max(map(len, text.splitlines())) <= width
    assert "session-58   azure ✗ openai " in text
    assert re.search("session-59   azure → openai +10 ms +9 ms +closed after 2.5 s", text)
    assert ("events as they pass" in text) == (width >= 110)
