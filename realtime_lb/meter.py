"""What one session shows of itself as frames pass: first moments, usage, events asked for."""

from __future__ import annotations

from collections.abc import Callable

from realtime_lb.accounting.loggable import loggable
from realtime_lb.accounting.usage import UsageSum
from realtime_lb.count import Count
from realtime_lb.events import APPEND, AUDIO_DELTAS, STREAMED, event_of, type_of
from realtime_lb.frames import Frame, Opcode
from realtime_lb.quirks import NO_QUIRKS
from realtime_lb.records import Direction, EventObserved, Record, Traffic
from realtime_lb.reports import Watch
from realtime_lb.settings import LoggingSettings
from realtime_lb.typing import Clock

__all__ = ["Meter"]

_CLIENT, _SERVER = Direction.CLIENT, Direction.SERVER
_TEXT = Opcode.TEXT  # looking up an enum's member costs more than all the rest of a tap

LONGEST_LOGGED_BYTES = 128 * 1024
"""Of a larger event only type and size are told: to shorten and to write it would take milliseconds."""


class Meter:
    """Two taps, one for each way.

    Args:
        session_id: Goes into the records.
        emit: Takes the events that are asked for.
        logging: Which ones are.
        clock: Monotonic seconds.

    Attributes:
        reads_events: Set to False for a deployment that is relayed unread: then only frames are counted.
        quirks: How the upstream departs from its dialect: one keeps its tokens elsewhere.
        watch: Follows what the events say about the deployment; None follows nothing.
        client_count: For whoever passes the client's frames on, to count them.
        upstream_count: The same for the upstream's.
        first_audio_at_s: When the upstream's first audio passed, by the clock.
        usage: Tokens so far.
    """

    __slots__ = (
        "_clock",
        "_emit",
        "_may_skip_pieces",
        "_redact",
        "_session_id",
        "_wanted",
        "client_count",
        "first_audio_at_s",
        "quirks",
        "reads_events",
        "upstream_count",
        "usage",
        "watch",
    )

    def __init__(
        self,
        session_id: str,
        emit: Callable[[Record], None],
        logging: LoggingSettings,
        clock: Clock,
    ) -> None:
        self._session_id = session_id
        self._emit = emit
        self._wanted = logging.event_types
        self._may_skip_pieces = False
        self._redact = logging.redact_content
        self._clock = clock
        self.reads_events = True
        self.quirks = NO_QUIRKS
        self.watch: Watch | None = None
        self.client_count, self.upstream_count = Count(), Count()
        self.first_audio_at_s: float | None = None
        self.usage = UsageSum()

    @property
    def from_client(self) -> Traffic:
        """What the client has sent."""
        return Traffic(frames=self.client_count.frames, bytes=self.client_count.bytes)

    @property
    def from_upstream(self) -> Traffic:
        """What the upstream has sent."""
        return Traffic(frames=self.upstream_count.frames, bytes=self.upstream_count.bytes)

    @property
    def skips_sound(self) -> bool:
        """Whether the client's sound tells it nothing."""
        return self._wanted is not None and APPEND not in self._wanted

    def skips_pieces(self) -> bool:
        """Say whether more pieces of an answer tell it nothing, now that one has come."""
        return self._may_skip_pieces and (self.watch is None or self.watch.is_streamed_to)

    def see_client(self, frame: Frame) -> None:
        """Tap for the client's frames."""
        if self.reads_events and frame.opcode is _TEXT:
            kind = type_of(frame)
            if kind != APPEND and kind is not None and self.watch is not None:
                self.watch.client_sent(kind)
            if self._wanted is None or kind in self._wanted:
                self._observe(_CLIENT, kind, frame)

    def see_upstream(self, frame: Frame) -> None:
        """Tap for the upstream's frames."""
        if not self.reads_events or frame.opcode is not _TEXT:
            return
        kind, watch = type_of(frame), self.watch
        if kind in AUDIO_DELTAS:
            if self.first_audio_at_s is None:
                self.first_audio_at_s = self._clock()
                self._may_skip_pieces = self._wanted is not None and self._wanted.isdisjoint(STREAMED)
        elif kind == "response.done" and (event := event_of(frame)) is not None:
            event = self.quirks.to_dialect(event) or event
            used = self.usage.add(event)
            if watch is not None:
                watch.responded(event, used.input_tokens + used.output_tokens)
        if watch is not None and kind is not None:
            watch.upstream_sent(kind, frame)
        if self._wanted is None or kind in self._wanted:
            self._observe(_SERVER, kind, frame)

    def _observe(self, direction: Direction, kind: str | None, frame: Frame) -> None:
        if kind is None:
            return
        is_hidden = self._redact or len(frame.payload) > LONGEST_LOGGED_BYTES
        self._emit(
            EventObserved(
                session_id=self._session_id,
                direction=direction,
                type=kind,
                payload=None if is_hidden else loggable(bytes(frame.payload)),
                size_bytes=len(frame.payload),
            )
        )
