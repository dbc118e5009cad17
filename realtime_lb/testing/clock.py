"""An event loop whose time jumps: hours of timers in moments, and the same every time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["JumpingLoop", "run_jumping"]

T = TypeVar("T")


class JumpingLoop(asyncio.SelectorEventLoop):
    """Whenever nothing is ready, its clock jumps to the next timer instead of waiting for it.

    For code that waits on timers and on its own tasks only: a socket that is about to become readable looks
    like nothing to do, and time then jumps past it. Hand its `time` to whatever takes a `Clock`.
    """

    def __init__(self) -> None:
        self._now_s = 0.0
        super().__init__(_NeverWaits(self))

    def time(self) -> float:
        """Return the loop's own seconds, which start at 0."""
        return self._now_s

    def jump(self, seconds: float) -> None:
        """Move time forward; for the selector."""
        self._now_s += seconds


class _NeverWaits(selectors.DefaultSelector):
    """Asks for what is ready, and turns the wait for more into a jump."""

    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("nothing will ever happen: no task is ready and no timer is set")
        if not ready and timeout:
            self._loop.jump(timeout)
        return ready


def run_jumping(main: Coroutine[Any, Any, T]) -> T:
    """Run *main* to its end on a `JumpingLoop`, as ``asyncio.run`` does on an ordinary one.

    Raises:
        RuntimeError: All tasks wait for something that no timer will bring.
    """
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(main)
