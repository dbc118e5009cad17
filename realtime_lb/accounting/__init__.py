"""How much: tokens of a session, and what of its events is worth keeping."""

from realtime_lb.accounting.prices import price_per_minute

__all__ = ["price_per_minute"]
