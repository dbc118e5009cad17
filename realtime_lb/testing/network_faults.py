"""What a network can do to the bytes between two programs, as values."""

from __future__ import annotations

import enum
from typing import Any, Self

from attrs import field, frozen
from attrs.validators import ge, gt, optional

__all__ = ["Door", "Faults", "Way"]


class Door(enum.StrEnum):
    """What becomes of a connection that a client asks for."""

    OPEN = "open"
    """It is taken, and one to the server is opened for it."""
    REFUSE = "refuse"
    """It is refused, as where nobody listens. Chosen for some connections only, it is taken and reset."""
    IGNORE = "ignore"
    """It is taken, and nothing more: no byte is read, and the server hears of nobody."""


@frozen(kw_only=True)
class Way:
    """How bytes travel in one direction. They keep their order, and none is lost but by a cut.

    Attributes:
        latency_s: How long each byte is on its way.
        jitter_s: Up to so much longer, drawn evenly for each piece that is read; a piece never overtakes.
        bytes_per_s: How many bytes arrive in a second at most; None is no limit.
        cut_after_bytes: Both ends of the connection are cut when so many have passed in this direction, since
            the connection was opened; None does not cut. A reset may cost the receiver what it has not read.
        fin: Cut as a system does for a program that has ended, with FIN, and not with RST.
        stopped: Nothing passes, not even an end, and nobody is told. What is under way is kept.
    """

    latency_s: float = field(default=0.0, validator=ge(0))
    jitter_s: float = field(default=0.0, validator=ge(0))
    bytes_per_s: float | None = field(default=None, validator=optional(gt(0)))
    cut_after_bytes: int | None = field(default=None, validator=optional(ge(0)))
    fin: bool = False
    stopped: bool = False


@frozen(kw_only=True)
class Faults:
    """What happens to a connection.

    Attributes:
        up: From the client to the server.
        down: From the server to the client.
        door: Whether there is a connection at all.
    """

    up: Way = Way()
    down: Way = Way()
    door: Door = Door.OPEN

    @classmethod
    def both_ways(cls, **way: Any) -> Self:
        """Return faults that treat both directions alike.

        Args:
            **way: The attributes of `Way`.
        """
        return cls(up=Way(**way), down=Way(**way))
