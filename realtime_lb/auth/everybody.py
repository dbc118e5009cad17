"""A gateway without keys."""

from __future__ import annotations

from attrs import frozen

from realtime_lb.requests import ANONYMOUS, Principal
from realtime_lb.typing import Secret

__all__ = ["Everybody"]


@frozen
class Everybody:
    """An `Authenticator` that lets anybody in, with any key or none, and calls them anonymous.

    The key is not looked at: SDKs insist on sending one.
    """

    async def authenticate(self, key: Secret | None) -> Principal:  # noqa: ARG002  # the contract's
        return ANONYMOUS
