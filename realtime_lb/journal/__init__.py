"""To remember: what a live session has come to, and how another upstream is told of it."""

from realtime_lb.journal.continuity import Continuity, Phase
from realtime_lb.journal.journal import Journal
from realtime_lb.journal.settling import settled

__all__ = ["Continuity", "Journal", "Phase", "settled"]
