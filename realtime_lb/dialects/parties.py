"""What both directions of one session know of it."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from realtime_lb.dialects.bodies import REALTIME
from realtime_lb.dialects.losses import Losses
from realtime_lb.dialects.model_names import ModelNames
from realtime_lb.quirks import NO_QUIRKS, Quirks
from realtime_lb.typing import Dialect

__all__ = ["Parties"]

FIRST_TEMPERATURE = 0.8
"""OpenAI's beta reference: the default of ``session.temperature``."""


@define(kw_only=True)
class Parties:
    """Who speaks to whom, and what one end said that the other end's events cannot hold.

    Attributes:
        client: The client's dialect.
        upstream: The upstream's dialect.
        is_guess: The client's dialect is assumed only; its own events may show otherwise.
        kind: What the session is for.
        names: Names that differ between the two.
        losses: Told of what is left out.
        quirks: How the upstream departs from its dialect. Undone next to it.
        temperature: What a beta client has set for its session.
        next_temperature: What it has set for the response that it asked for last.
    """

    client: Dialect
    upstream: Dialect
    losses: Losses
    quirks: Quirks = NO_QUIRKS
    is_guess: bool = False
    kind: str = REALTIME
    names: ModelNames = field(factory=ModelNames)
    temperature: Any = FIRST_TEMPERATURE
    next_temperature: Any = None

    @property
    def agree(self) -> bool:
        """Both ends speak the same dialect."""
        return self.client is self.upstream

    @property
    def completes(self) -> bool:
        """The client waits for ``conversation.item.done``, which the upstream does not send."""
        has_done = self.quirks.item_done
        if has_done is None:
            has_done = self.upstream is Dialect.GA
        return self.client is Dialect.GA and not has_done
