"""Who is told what when a session ends, and whose fault it was. A table, without I/O."""

from __future__ import annotations

from attrs import frozen

from realtime_lb.errors import RealtimeError, ShuttingDown, SlowConsumer, UpstreamLost
from realtime_lb.frames import Close
from realtime_lb.records import Direction, Fault

__all__ = ["Ending", "Farewell", "farewell", "turned_out"]

_NORMAL = frozenset({1000, 1001})
_WITHOUT_GOODBYE = 1006
_NO_CODE = 1005


@frozen
class Ending:
    """Why a relay is over.

    Attributes:
        by: The leg that ended, or stopped reading; None if the gateway ended it.
        close: How it ended.
        stalled: It stopped reading.
    """

    by: Direction | None
    close: Close
    stalled: bool = False


@frozen
class Farewell:
    """What to say to whom.

    Attributes:
        to_client: The client's close.
        to_upstream: The upstream's close.
        fault: Whose doing it was.
        error: What went wrong, if something did.
        tell_client: *error* is to be sent as an event before the close.
    """

    to_client: Close
    to_upstream: Close
    fault: Fault
    error: RealtimeError | None = None
    tell_client: bool = False


def farewell(ending: Ending, stall_timeout_s: float) -> Farewell:
    """Turn the end of one leg into the goodbye to both.

    A close code passes through unless RFC 6455 forbids sending it. A client that left without one (browsers
    do) has left normally; an upstream that did has failed.
    """
    close = ending.close
    if ending.by is None:
        going = ShuttingDown()
        told = Close(close.code, going.close_reason)
        return Farewell(told, close, Fault.GATEWAY, going, tell_client=True)
    if ending.by is Direction.CLIENT:
        if ending.stalled:
            error = SlowConsumer(stall_timeout_s)
            return Farewell(Close(1008, error.close_reason), Close(1001), Fault.CLIENT, error)
        code = close.sendable(unsaid=1000)
        normal = close.code in _NORMAL or close.code == _NO_CODE
        return Farewell(code, code, Fault.NOBODY if normal else Fault.CLIENT)
    if ending.stalled or close.code == _WITHOUT_GOODBYE:
        lost = UpstreamLost()
        return Farewell(Close(1011, lost.close_reason), Close(1001), Fault.UPSTREAM, lost, tell_client=True)
    fault = Fault.NOBODY if close.code in _NORMAL else Fault.UPSTREAM
    return Farewell(close.sendable(unsaid=1011), close.sendable(unsaid=1000), fault)


def turned_out(error: RealtimeError) -> Farewell:
    """Return the goodbye to a client that did what it may not, which is told so, and to its upstream."""
    return Farewell(
        Close(error.close_code, error.close_reason), Close(1001), Fault.CLIENT, error, tell_client=True
    )
