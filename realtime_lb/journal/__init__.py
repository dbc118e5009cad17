"""To remember: what a live session has come to, and how another upstream is told of it."""

from realtime_lb.journal.continuity import Continuity, Phase
from realtime_lb.journal.journal import Journal
from realtime_lb.journal.settling import settled
from realtime_lb.journal.tail import is_read

__all__ = ["Continuity", "Journal", "Phase", "is_read", "settled"]
