"""The same examples in every run, no verdict that depends on how busy the machine is, nothing overlooked."""

from hypothesis import HealthCheck, settings

from tests.circles import no_collector
from tests.strictness import (
    complaints,
    logging_restored,
    no_handler_stays,
    no_loop_complains,
    no_loop_complains_of_what_is_left,
    nothing_blocks_a_loop,
)
from tests.turns import long_turns, no_turn_takes_long

__all__ = [
    "complaints",
    "logging_restored",
    "long_turns",
    "no_collector",
    "no_handler_stays",
    "no_loop_complains",
    "no_loop_complains_of_what_is_left",
    "no_turn_takes_long",
    "nothing_blocks_a_loop",
]

settings.register_profile(
    "repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")
