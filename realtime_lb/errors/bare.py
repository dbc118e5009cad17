"""Errors of other people's code, before they are kept as the cause of one of ours."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["bare"]

Error = TypeVar("Error", bound=BaseException)


def bare(error: Error) -> Error:
    """Take the frames that it came through from *error*, and theirs from what led to it; return it.

    Who sends a credential has it in a variable, and some tools show tracebacks with their variables.
    """
    seen, chain = set[int](), [error.__cause__, error.__context__]
    error.__traceback__ = None
    while chain:
        one = chain.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = None
            chain += [one.__cause__, one.__context__]
    return error
