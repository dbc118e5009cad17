"""When an upstream is to be left before it ends: its time is nearly over, or it does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from attrs import define

from realtime_lb.journal import Journal
from realtime_lb.settings import RehomeSettings
from realtime_lb.typing import Clock

__all__ = ["Alarms"]

_PATIENCE = 6.0
_LEAST_S = 4.0
"""An upstream that answers in half a second mostly may well need some of them at times."""

_MARGIN_SHARE = 0.25
"""Of a session's life, where the margin in the settings is longer than that."""

_LAST_MOMENT_SHARE = 0.2
"""Of the margin. Who is still not quiet then is moved in the middle of it."""


@define(kw_only=True, eq=False)
class Alarms:
    """Timers of one session with one upstream.

    Attributes:
        journal: Knows what is awaited.
        settings: How long to wait.
        usual_s: How long an answer mostly takes there; None where that is not known.
        on_silence: Called when no answer has come.
        on_expiry: Called when the upstream's time is nearly over, with False; with True at the last moment.
        wall: Seconds since 1970, as servers count them.
    """

    journal: Journal
    settings: RehomeSettings
    usual_s: Callable[[], float | None]
    on_silence: Callable[[], None]
    on_expiry: Callable[[bool], None]
    wall: Clock
    _awaited: object = None
    _is_over: bool = False
    _silence: asyncio.TimerHandle | None = None
    _expiry: asyncio.TimerHandle | None = None

    def turned(self) -> None:
        """Take in that something has passed."""
        if self._is_over:
            return
        awaited = self.journal.awaited
        if awaited == self._awaited:
            return
        self._awaited = awaited
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        if awaited:
            loop = asyncio.get_running_loop()
            self._silence = loop.call_later(self._patience_s(), self._nothing_came)

    def _nothing_came(self) -> None:
        # Pieces of an answer pass untold of; that one has begun may be news.
        if self.journal.awaited == self._awaited:
            self.on_silence()
        else:
            self.turned()

    def _patience_s(self) -> float:
        usual_s = self.usual_s()
        most_s = self.settings.answer_timeout_s
        return most_s if usual_s is None else min(most_s, max(_LEAST_S, _PATIENCE * usual_s))

    def expires(self, at_s: object) -> None:
        """Take in when the session ends, in seconds since 1970. Only the first is taken."""
        if self._is_over or self._expiry is not None or not isinstance(at_s, int | float):
            return
        left_s = at_s - self.wall()
        margin_s = min(self.settings.margin_s, left_s * _MARGIN_SHARE)
        if margin_s <= 0:
            return
        wait_s = margin_s * (1 - _LAST_MOMENT_SHARE)
        self._expiry = asyncio.get_running_loop().call_later(left_s - margin_s, self._nearly, wait_s)

    def _nearly(self, wait_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._expiry = loop.call_later(wait_s, self.on_expiry, True)  # noqa: FBT003  # call_later's form
        self.on_expiry(False)  # noqa: FBT003  # a timer's only word

    def stop(self) -> None:
        """Forget all timers, and set no more: frames still come while a session ends."""
        self._is_over = True
        for timer in (self._expiry, self._silence):
            if timer is not None:
                timer.cancel()
