"""How long an answer lets itself be waited for: from the end of a turn to its first audio or token."""

from __future__ import annotations

from attrs import define, field

from realtime_lb.events import STREAMED

__all__ = ["TurnClock"]

_FIRSTS = STREAMED | {
    "response.function_call_arguments.done",  # some servers send a call's arguments in one piece
    "response.mcp_call_arguments.delta",
}
"""What an answer may begin with, in GA's names and in beta's."""

_CHANGES = frozenset(
    {
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "response.created",
        "response.done",
        "error",
    }
)
"""What else moves the clock; all other events pass at the cost of two look-ups."""


@define
class TurnClock:
    """Follows one session's turns by its events' types. Cheap enough for every event.

    A turn ends where the server hears the speech stop, where it commits audio without that, or where the
    client asks for a response, whichever was last said of it: a commit right after the end of speech belongs
    to it, and a client that asks later has let the server wait until then. The next first of an answer is
    the measurement; there is one a turn at most. None comes of a turn that is cancelled, spoken over or
    refused, nor of what is still on its way of an earlier answer.
    """

    _ended_s: float | None = field(default=None, init=False)
    _answering: bool = field(default=False, init=False)
    _waits_for_next: bool = field(default=False, init=False)

    def client_sent(self, kind: str, now_s: float) -> None:
        """Note a client event of type *kind*."""
        if kind == "response.create":
            self._end_turn(now_s)
        elif kind == "response.cancel":
            self._ended_s = None

    def upstream_sent(self, kind: str, now_s: float) -> float | None:
        """Note a server event of type *kind*; return the seconds since the turn's end if an answer begins."""
        if kind in _FIRSTS:
            self._answering = True
            if self._ended_s is None or self._waits_for_next:
                return None
            waited_s, self._ended_s = now_s - self._ended_s, None
            return waited_s
        if kind in _CHANGES:
            self._change(kind, now_s)
        return None

    def _change(self, kind: str, now_s: float) -> None:
        if kind == "input_audio_buffer.speech_stopped" or (
            kind == "input_audio_buffer.committed" and self._ended_s is None
        ):
            self._end_turn(now_s)
        elif kind == "response.created":
            self._answering, self._waits_for_next = True, False
        elif kind == "response.done":
            self._response_ended()
        elif kind != "input_audio_buffer.committed":  # speech again, or an error: perhaps there is no answer
            self._ended_s = None

    def _end_turn(self, now_s: float) -> None:
        self._ended_s = now_s
        self._waits_for_next = self._answering

    def _response_ended(self) -> None:
        """End the running response: an earlier turn's, or this one's, which then had nothing to say."""
        if not self._waits_for_next:
            self._ended_s = None
        self._answering = self._waits_for_next = False
