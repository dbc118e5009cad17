"""Who may be picked now, and how good each of them has been: all that is remembered of deployments."""

from realtime_lb.health.classify import classify, outcome_of_close, outcome_of_event, outcome_of_failure
from realtime_lb.health.delays import LONGEST_DELAY_S
from realtime_lb.health.health import Health, Triage
from realtime_lb.health.signals import Signals
from realtime_lb.health.turns import TurnClock

__all__ = [
    "LONGEST_DELAY_S",
    "Health",
    "Signals",
    "Triage",
    "TurnClock",
    "classify",
    "outcome_of_close",
    "outcome_of_event",
    "outcome_of_failure",
]
