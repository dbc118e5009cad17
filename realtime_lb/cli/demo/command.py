"""The command: set the stage, play, say how it went."""

from __future__ import annotations

import asyncio
import os

import click
from rich.console import Console

from realtime_lb.cli.consoles import console_for
from realtime_lb.cli.demo.board import Board
from realtime_lb.cli.demo.picture import summary
from realtime_lb.cli.demo.screens import LiveScreen, PlainScreen, Screen
from realtime_lb.cli.demo.stage import AZURE, Stage, set_stage
from realtime_lb.cli.demo.story import play
from realtime_lb.cli.demo.try_it import try_it
from realtime_lb.cli.failures import CannotBeDone
from realtime_lb.cli.processes import until_signal

__all__ = ["demo"]


@click.command(short_help="Watch live calls outlive their provider, without a key.")
@click.option("--keep", is_flag=True, help="Stay up afterwards for a client of your own.")
@click.option(
    "--sessions",
    type=click.IntRange(2, 100),
    default=4,
    show_default=True,
    help="Sessions in each of the three acts.",
)
def demo(keep: bool, sessions: int) -> None:
    """Watch voice sessions being balanced, and live calls outlive their provider.

    One of two providers dies while its callers are in the middle of a sentence. Both are simulated, and
    everything happens on this machine: no key, no network, no bill. Takes about fifteen seconds.

    Exit status: 0 if all went as it should, else 1.
    """
    _dial_loopback_directly()
    asyncio.run(_demo(console_for(), sessions, keep=keep))


def _dial_loopback_directly() -> None:
    """Keep an egress proxy that the environment names out of it; this process is ours alone."""
    for name in ("NO_PROXY", "no_proxy"):  # where both are set, the lower-case one counts
        os.environ[name] = "127.0.0.1"


async def _demo(console: Console, sessions: int, *, keep: bool) -> None:
    board = Board()
    async with set_stage(board) as stage:
        screen = _screen(console, board, stage)
        board.on_passing = screen.passed
        async with screen.playing():
            verdicts = await play(stage, screen, sessions)
        console.print(summary(board, verdicts))
        if not all(verdict.holds for verdict in verdicts):
            raise CannotBeDone("the demo did not go as it should: see the lines with ✗")
        if keep:
            await _stay(console, stage)


def _screen(console: Console, board: Board, stage: Stage) -> Screen:
    if console.is_terminal:
        return LiveScreen(console, board, stage.realtime_url)
    console.print(f"the gateway listens on {stage.realtime_url}, with {' and '.join(board.up)} behind it")
    return PlainScreen(console, board)


async def _stay(console: Console, stage: Stage) -> None:
    async with until_signal() as told:
        await stage.bring_azure_back()
        stage.board.on_passing = PlainScreen(console, stage.board).passed
        console.print(f"\n{AZURE} is up again. The gateway stays until Ctrl-C; try it:\n")
        console.print(try_it(stage.url, stage.realtime_url), soft_wrap=True)
        await told
