"""Which language a client speaks: by how it knocks, and by what it says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from attrs import frozen

from realtime_lb.dialects.field_table import ORDER, SESSION, TRANSCRIPTION
from realtime_lb.dialects.rows import FieldRow
from realtime_lb.typing import Dialect

__all__ = ["ORDER_MARKS", "SESSION_MARKS", "SWITCHING", "Marks", "asks_for_beta"]

BETA_SUBPROTOCOL = "openai-beta.realtime-v1"
"""What browsers offer where others send ``OpenAI-Beta: realtime=v1`` (openai-realtime-api-beta)."""


def asks_for_beta(*, beta_header: str, subprotocols: Collection[str]) -> bool:
    """Say whether a client asks for beta in so many words.

    Args:
        beta_header: Its ``OpenAI-Beta`` header, or an empty string.
        subprotocols: What it offers.
    """
    features = {feature.strip() for feature in beta_header.split(",")}
    return "realtime=v1" in features or BETA_SUBPROTOCOL in subprotocols


@frozen
class Marks:
    """The top-level fields by which an object shows its dialect.

    Attributes:
        ga: Those that only GA has.
        beta: Those that only beta has.
    """

    ga: frozenset[str]
    beta: frozenset[str]

    def show_ga(self, value: Any) -> bool:
        """Say whether *value* has a field that beta lacks."""
        return isinstance(value, dict) and not self.ga.isdisjoint(value)

    def show_beta(self, value: Any) -> bool:
        """Say whether *value* has a field that GA lacks."""
        return isinstance(value, dict) and not self.beta.isdisjoint(value)


def _marks(*tables: Sequence[FieldRow]) -> Marks:
    tops = {
        dialect: {path[0] for table in tables for row in table if (path := row.path(dialect)) is not None}
        for dialect in Dialect
    }
    ga, beta = tops[Dialect.GA], tops[Dialect.BETA]
    return Marks(frozenset(ga - beta), frozenset(beta - ga))


SWITCHING = Marks(ga=frozenset({"audio", "output_modalities"}), beta=frozenset())
"""What no beta client says. Other fields of GA's have been seen in beta's orders, ``max_output_tokens`` above
all, and a language once guessed is not to change for less."""

SESSION_MARKS = _marks(SESSION, TRANSCRIPTION)
ORDER_MARKS = _marks(ORDER)
