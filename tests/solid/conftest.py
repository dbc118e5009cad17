"""Two lanes here, too, and a log that is left as it was."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.gateway.conftest import each_lane

__all__ = ["each_lane", "logging_restored"]


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """Leave the process's logging as it was."""
    root, ours = logging.getLogger(), logging.getLogger("realtime_lb")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])
    structlog.reset_defaults()
