"""Where the demo shows itself: a live picture on a terminal, plain lines anywhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Protocol

from rich.console import Console, RenderableType
from rich.live import Live

from realtime_lb.cli.demo.board import Board, Passing
from realtime_lb.cli.demo.picture import picture

__all__ = ["LiveScreen", "PlainScreen", "Screen"]

_REFRESH_S = 0.1


class Screen(Protocol):
    """Shows a board."""

    def playing(self) -> AbstractAsyncContextManager[None]:
        """Show what happens while the block runs."""
        ...

    def act_begins(self) -> None:
        """A new act has begun; the board has its title."""
        ...

    def passed(self, passing: Passing) -> None:
        """Something has happened in a session."""
        ...


class PlainScreen(Screen):
    """Prints a line for everything.

    Args:
        console: Where.
        board: What happens.
    """

    def __init__(self, console: Console, board: Board) -> None:
        self._console = console
        self._board = board

    def playing(self) -> AbstractAsyncContextManager[None]:
        """Do nothing: lines come as things happen."""
        return nullcontext()

    def act_begins(self) -> None:
        """Print its title."""
        self._console.print(f"\nact {self._board.act}: {self._board.title}")

    def passed(self, passing: Passing) -> None:
        """Print it."""
        self._console.print(f"  {passing.who:<11} {passing.text}")


class LiveScreen(Screen):
    """Repaints the whole board ten times a second.

    Args:
        console: A terminal.
        board: What happens.
        address: Where the gateway listens.
    """

    def __init__(self, console: Console, board: Board, address: str) -> None:
        self._console = console
        self._board = board
        self._address = address

    @asynccontextmanager
    async def playing(self) -> AsyncIterator[None]:
        """Repaint while the block runs, and leave the last picture."""
        with Live(
            console=self._console, auto_refresh=False
        ) as live:  # its thread would read a changing board
            painting = asyncio.create_task(self._paint(live))
            try:
                yield
            finally:
                painting.cancel()
                await asyncio.wait({painting})
                live.update(self._picture(), refresh=True)

    async def _paint(self, live: Live) -> None:
        while True:
            live.update(self._picture(), refresh=True)
            await asyncio.sleep(_REFRESH_S)

    def _picture(self) -> RenderableType:
        return picture(self._board, self._address, self._console.width, self._console.height)

    def act_begins(self) -> None:
        """The picture shows the title."""

    def passed(self, passing: Passing) -> None:
        """The picture shows what passes."""
