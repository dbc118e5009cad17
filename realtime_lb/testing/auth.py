"""What every `Authenticator` must do: run this check over your own."""

from __future__ import annotations

from collections.abc import Iterable

from realtime_lb.abc import Authenticator
from realtime_lb.errors import Unauthenticated
from realtime_lb.requests import Principal
from realtime_lb.typing import Secret

__all__ = ["check_authenticator"]

_STRANGE = ("", " ", "\x00", "ключ", "\udcff", "Bearer", "*", "None", "x" * 100_000)
"""What a header can hold: any bytes, which arrive as text with surrogate escapes."""


async def check_authenticator(
    authenticator: Authenticator,
    *,
    admits: Iterable[Secret | None],
    refuses: Iterable[Secret | None] | None = None,
) -> None:
    """Check that the right keys are let in and others are not.

    Args:
        authenticator: The authenticator.
        admits: Keys that it knows; None stands for a caller without one.
        refuses: Keys that it does not know. By default: none at all, strange ones, and near misses of those
            that it admits. Empty for one that lets anybody in.

    Raises:
        AssertionError: Names the promise that is not kept.
    """
    admitted = tuple(admits)
    for key in admitted:
        await _check_admission(authenticator, key)
    for key in _wrong(admitted) if refuses is None else refuses:
        await _check_refusal(authenticator, key)
    for key in admitted:
        await _check_admission(authenticator, key)  # whatever was refused in between


async def _check_admission(authenticator: Authenticator, key: Secret | None) -> None:
    try:
        principal = await authenticator.authenticate(key)
    except Unauthenticated:
        raise AssertionError("a key that should be known was refused") from None
    assert isinstance(principal, Principal), f"authenticate() returned {type(principal).__name__}"
    assert principal.name, "the principal has no name"
    assert not key or key.reveal() not in principal.name, "the principal's name is logged and holds the key"


async def _check_refusal(authenticator: Authenticator, key: Secret | None) -> None:
    text = "" if key is None else key.reveal()
    shown = "no key" if key is None else f"the key {text[:3]!r}... of {len(text)} characters"
    try:
        await authenticator.authenticate(key)
    except Unauthenticated as refusal:
        told = str(refusal)
    except Exception as error:
        raise AssertionError(f"{shown} raised {type(error).__name__}, not Unauthenticated") from error
    else:
        raise AssertionError(f"{shown} was let in")
    assert len(text.strip()) < 8 or text.strip() not in told, "the refusal quotes the key"


def _wrong(admitted: Iterable[Secret | None]) -> list[Secret | None]:
    keys = [key.reveal() for key in admitted if key is not None]
    near = [miss for key in keys for miss in (key[:-1], key + "x", "x" + key[1:], f"{key} ", key.swapcase())]
    unknown = [Secret(key) for key in (*_STRANGE, *near) if key not in keys]
    return [None, *unknown]
