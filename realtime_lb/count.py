"""What has passed one way through the gateway."""

from __future__ import annotations

import sys

from attrs import define

__all__ = ["Count"]


@define(eq=False)
class Count:
    """Messages so far. Plain integers, since every audio frame is counted.

    Attributes:
        frames: How many they were.
        bytes: How large they were together, without their frames' headers.
        due_bytes: When they are so large, somebody wants to be told.
    """

    frames: int = 0
    bytes: int = 0
    due_bytes: int = sys.maxsize
