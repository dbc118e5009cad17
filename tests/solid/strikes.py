"""What may go wrong at a wait: an error is returned that is to be raised there."""

import asyncio
from typing import Any, Protocol

from tests.solid.waits import Mishap, Waits

__all__ = ["THEIR_OWN", "Struck", "cancel", "cancel_twice", "fail", "lose"]

THEIR_OWN = (ConnectionResetError, Mishap)
"""What was made to happen may be told to a loop: of a goodbye to an upstream that was left, say."""


class Struck(Protocol):
    """A piece of work with a task of its own."""

    waits: Waits
    target: Any
    was_cancelled: bool


def cancel(seen: Struck) -> None:
    def strike() -> None:
        seen.was_cancelled = seen.target.cancel()

    asyncio.get_running_loop().call_soon(strike)


def cancel_twice(seen: Struck) -> None:
    """The second time while it tidies up."""
    cancel(seen)
    seen.waits.strikes.append((seen.waits.count + 2, lambda: cancel(seen)))


def lose(_seen: object) -> BaseException:
    return ConnectionResetError("lost")


def fail(_seen: object) -> BaseException:
    return Mishap()
