"""Errors of other people's code, before they are kept as the cause of one of ours."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["bare"]

Error = TypeVar("Error", bound=BaseException)


def bare(error: Error) -> Error:
    """Take the frames that it came through from *error*, and theirs from what led to it; return it.

    Who sends a credential has it in a variable, and some tools show tracebacks with their variables.
    """
    chain: list[BaseException | None] = [error]
    while chain:
        one = chain.pop()
        if one is not None and one.__traceback__ is not None:
            one.__traceback__ = None
            chain += [one.__cause__, one.__context__]
    return error
