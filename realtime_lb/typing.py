"""Names that every room shares: secrets, dialects and the shapes of JSON."""

from __future__ import annotations

import enum
import hmac
import os
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

__all__ = ["Clock", "Dialect", "JsonObject", "Secret", "hidden", "read_only"]

JsonObject: TypeAlias = dict[str, Any]
"""A decoded JSON object. Its values stay untyped: the wire may always hold more than we know."""

Clock: TypeAlias = Callable[[], float]
"""Monotonic seconds. Handed in, so that tests can move time by hand."""


def read_only(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a copy that nobody can change, for the attributes of frozen values."""
    return MappingProxyType(dict(mapping))


class Dialect(enum.StrEnum):
    """The event language of one end of a session.

    ``GA`` nests its session object and needs ``session.type``; ``BETA`` is the flat shape of 2024 that
    OpenAI switched off in May 2026 and that Azure's preview endpoints still speak.
    """

    GA = "ga"
    BETA = "beta"


class Secret:
    """A credential that shows itself only to who asks by name.

    ``repr``, ``str`` and formatting are masked, so a secret that strays into a log line, a traceback with
    locals or an error message stays secret. It cannot be pickled or copied into JSON.

    Args:
        value: The credential itself.
    """

    __slots__ = ("_fingerprint", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        self._fingerprint: bytes | None = None

    def reveal(self) -> str:
        """Return the credential. Call this only where it goes on the wire."""
        return self._value

    def matches(self, offered: str) -> bool:
        """Compare with *offered* in time that does not depend on where they differ.

        What is compared are hashes under a key that this process alone has, so that nobody outside knows what
        the bytes are that a comparison sees.
        """
        if self._fingerprint is None:
            self._fingerprint = _hashed(self._value)
        return hmac.compare_digest(self._fingerprint, _hashed(offered))

    def __eq__(self, other: object) -> bool:
        return self.matches(other._value) if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce__(self) -> str:
        raise TypeError("a Secret cannot be pickled; reveal() it where it is needed")


_SHORTEST_SECRET = 8
"""Characters. What is shorter is no key, and would be found in ordinary words."""


def hidden(text: str, secrets: Iterable[Secret]) -> str:
    """Return *text*, somebody else's words, with ``***`` for each of *secrets* that it repeats.

    Of a header's value, what follows the scheme is looked for.
    """
    for secret in secrets:
        key = secret.reveal().removeprefix("Bearer ")
        if len(key) >= _SHORTEST_SECRET:
            text = text.replace(key, "***")
    return text


_KEYED = hmac.new(os.urandom(32), digestmod="sha256")
"""Under this process's key. Copied for each text, since to set one up takes longer than to hash."""


def _hashed(text: str) -> bytes:
    """Hash anything: what came in a header or the environment may hold lone surrogates."""
    keyed = _KEYED.copy()
    keyed.update(text.encode("utf-8", "surrogatepass"))
    return keyed.digest()
