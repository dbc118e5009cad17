"""What takes time in a session: answers and transcripts, in a ring, each a beat at a time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator

from attrs import frozen

from realtime_lb.simulator.response_run import Beat, ResponseRun

__all__ = ["Jobs"]


@frozen(eq=False)
class _Job:
    beats: Iterator[Beat]
    run: ResponseRun | None


class Jobs:
    """The jobs of one session. Whose turn it is goes round, so that none waits for another to end."""

    def __init__(self) -> None:
        self._ready: deque[_Job] = deque()
        self._stalled: list[_Job] = []

    @property
    def busy(self) -> bool:
        """There is something for `advance` to do."""
        return bool(self._ready)

    def add(self, beats: Iterator[Beat], run: ResponseRun | None = None) -> None:
        """Take a job; *run* is the response that it makes."""
        self._ready.append(_Job(beats, run))

    def advance(self) -> Beat:
        """Move the next job one beat on. Call it only while `busy`."""
        job = self._ready.popleft()
        beat = next(job.beats, None)
        if beat is None:
            return Beat()
        if beat.hold_s == math.inf:
            self._stalled.append(job)
            return Beat()
        self._ready.append(job)
        return beat

    def responses(self) -> list[ResponseRun]:
        """Return the responses that run, stalled ones included."""
        return [job.run for job in (*self._ready, *self._stalled) if job.run is not None]

    def forget(self, run: ResponseRun) -> None:
        """Drop the job of a response that is over."""
        self._ready = deque(job for job in self._ready if job.run is not run)
        self._stalled = [job for job in self._stalled if job.run is not run]
