"""What only Python's garbage collector can free."""

import gc
from collections.abc import Iterator

import pytest

__all__ = ["kept_in_circles", "no_collector"]


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Have it do nothing of its own accord, and begin with nothing to do."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def kept_in_circles() -> set[str]:
    """Have the collector keep what only it can free; name the classes of ours that are among it."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        kinds = {type(thing) for thing in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    return {kind.__qualname__ for kind in kinds if kind.__module__.startswith("realtime_lb")}
