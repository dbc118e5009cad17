"""A kernel timer for an event loop whose own timers count in milliseconds.

At 6,500 frames a second a proxy meets one frame at a time. Sent by timers of a millisecond it would meet six,
read them in one turn of its loop, and look cheaper than it is.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from collections.abc import Callable

__all__ = ["Timer"]

_ABSOLUTE = 1  # TFD_TIMER_ABSTIME
_SECOND_NS = 1_000_000_000


class _Spec(ctypes.Structure):
    """``struct itimerspec``: no interval, and when."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


class Timer:
    """Calls back at moments of the monotonic clock; see timerfd_create(2)."""

    def __init__(self, on_time: Callable[[], None]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._spec = _Spec()
        self._file = self._libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        asyncio.get_running_loop().add_reader(self._file, on_time)

    def set(self, at_ns: int) -> None:
        """Call back at *at_ns*, or at once if that is over; a moment that was set before is forgotten."""
        # Setting it anew also makes its file unreadable again, so nobody has to read it.
        self._spec.value_s, self._spec.value_ns = divmod(at_ns, _SECOND_NS)
        self._libc.timerfd_settime(self._file, _ABSOLUTE, ctypes.byref(self._spec), None)

    def close(self) -> None:
        """Call back no more."""
        asyncio.get_running_loop().remove_reader(self._file)
        os.close(self._file)
