"""What has passed one way through the gateway."""

from __future__ import annotations

from attrs import define

__all__ = ["Count"]


@define(eq=False)
class Count:
    """Messages so far. Plain integers, since every audio frame is counted.

    Attributes:
        frames: How many they were.
        bytes: How large they were together, without their frames' headers.
    """

    frames: int = 0
    bytes: int = 0
