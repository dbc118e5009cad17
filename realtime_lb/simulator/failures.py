"""Provider-side failures, in the words that OpenAI uses for them."""

from __future__ import annotations

from realtime_lb.simulator.refusals import EventRefused

__all__ = ["failure"]


def failure(code: str, message: str | None) -> EventRefused:
    """Return the error that OpenAI would give *code* with."""
    kind, usual = _FAILURES.get(
        code, ("server_error", "The server had an error while processing your request.")
    )
    return EventRefused(message or usual, code=code, kind=kind)


_FAILURES = {
    "rate_limit_exceeded": ("rate_limit_exceeded", "Rate limit reached. Please try again in 6.9s."),
    "inference_rate_limit_exceeded": (
        "invalid_request_error",
        "Rate limit reached. Please try again in 6.9s.",
    ),
    "insufficient_quota": ("insufficient_quota", "You exceeded your current quota."),
    "invalid_api_key": ("invalid_request_error", "Incorrect API key provided."),
    "model_not_found": ("invalid_request_error", "The model does not exist."),
    "account_deactivated": ("invalid_request_error", "The account was deactivated."),
}
