"""One key for all callers."""

from __future__ import annotations

from attrs import Attribute, field, frozen

from realtime_lb.errors import ConfigError, ConfigProblem, Unauthenticated
from realtime_lb.requests import Principal
from realtime_lb.typing import Secret

__all__ = ["MasterKey"]

_HOLDER = Principal("master_key")


def _not_empty(_instance: MasterKey, _attribute: Attribute[Secret], key: Secret) -> None:
    if not key:
        raise ConfigError(
            [
                ConfigProblem(
                    "general_settings.master_key", "is empty", "set it, or leave it out to admit everybody"
                )
            ]
        )


@frozen
class MasterKey:
    """An `Authenticator` that knows one key, and one caller: who has it.

    How long a refusal takes does not tell how much of the key was right: keys are compared by keyed hash in
    constant time (`Secret.matches`), and a caller without a key is compared too.

    Attributes:
        key: The key. Not empty.

    Raises:
        ConfigError: *key* is empty; a caller with an empty key would then be let in.
    """

    key: Secret = field(validator=_not_empty)

    async def authenticate(self, key: Secret | None) -> Principal:
        if not self.key.matches("" if key is None else key.reveal()):
            raise Unauthenticated
        return _HOLDER
