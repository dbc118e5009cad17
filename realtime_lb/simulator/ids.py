"""Ids in the form that OpenAI gives them."""

from __future__ import annotations

import random
import string

__all__ = ["Ids"]

_LETTERS = string.ascii_letters + string.digits
_LENGTH = 21


class Ids:
    """Makes ids that no other session makes.

    Args:
        seed: What sets this session apart from all others; the same seed makes the same ids.
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311  # names, not secrets

    def new(self, prefix: str) -> str:
        """Return an id such as ``item_CSx…``, at most 32 characters long."""
        return f"{prefix}_{''.join(self._random.choices(_LETTERS, k=_LENGTH))}"
