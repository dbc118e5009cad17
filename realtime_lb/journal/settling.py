"""What becomes of all that was under way with an upstream that will say nothing more."""

from __future__ import annotations

from realtime_lb.journal import sessions
from realtime_lb.journal.closing import closed_out, no_transcript
from realtime_lb.journal.journal import Journal
from realtime_lb.journal.matching import cancels
from realtime_lb.journal.responses import Running
from realtime_lb.typing import JsonObject

__all__ = ["settled"]


def settled(journal: Journal) -> list[JsonObject]:
    """Return what to tell the client, now that its upstream will say nothing more.

    What is told has to come back by `Journal.client_told`, as everything does. Afterwards only such responses
    are running of which nothing was heard, and which are to be asked for again.
    """
    says: list[JsonObject] = []
    for running in list(journal.running):
        reason = _reason_to_end(journal, running)
        if reason is not None:
            says += closed_out(running, journal.words, reason, journal.items.joined)
            _ask_afresh(journal, running)
    says += [no_transcript(kept.id, 0) for kept in journal.items if kept.awaits_words]
    return says


def _reason_to_end(journal: Journal, running: Running) -> str | None:
    """Return why *running* ends; None where it is to be asked for again as if nothing had happened."""
    if _was_cancelled(journal, running):
        return "client_cancelled"
    if journal.turn is not None and sessions.interrupts(journal.session) and not running.is_aside:
        return "turn_detected"
    if running.was_heard or running.half_call or len(running.outputs) > 1:
        return "client_cancelled"
    return None


def _was_cancelled(journal: Journal, running: Running) -> bool:
    return any(cancels(said, running) for said in journal.tail.waiting("response.cancel"))


def _ask_afresh(journal: Journal, running: Running) -> None:
    """Have a call that was taken back asked for again, as what it then is: another response."""
    is_wanted = journal.turn is None and not _was_cancelled(journal, running)
    if not running.half_call or running.was_heard or not is_wanted:
        return
    if running.order is None:
        journal.owes_answer = True
    else:
        journal.tail.say_first(running.order)
