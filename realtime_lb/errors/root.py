"""What every error knows: its answer before the upgrade, its answer after it, and a hint."""

from __future__ import annotations

import uuid

from realtime_lb.typing import JsonObject

__all__ = ["RealtimeError"]


class RealtimeError(Exception):
    """Root of the tree.

    Args:
        message: What happened, fit for the client's eyes.
        hint: How to mend it, for whoever can.
        retry_after_s: When trying again may help, in seconds.

    Attributes:
        http_status: The status to answer with before the upgrade.
        close_code: The code to close with after it.
        kind: OpenAI's ``error.type``.
        code: OpenAI's ``error.code``.
    """

    http_status: int = 500
    close_code: int = 1011
    kind: str = "server_error"
    code: str = "internal_error"

    def __init__(self, message: str, *, hint: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def as_body(self) -> JsonObject:
        """Return the JSON body of an HTTP refusal, in the shape that OpenAI's clients read."""
        return {"error": {"message": str(self), "type": self.kind, "param": None, "code": self.code}}

    def as_event(self, event_id: str | None = None) -> JsonObject:
        """Return an ``error`` server event.

        Args:
            event_id: The client event at fault, which clients use to find the request.
        """
        error = {**self.as_body()["error"], "event_id": event_id}
        return {"type": "error", "event_id": f"event_rlb{uuid.uuid4().hex[:20]}", "error": error}

    @property
    def close_reason(self) -> str:
        """The reason of the close frame: ``<type>.<code>``, as OpenAI writes it."""
        return f"{self.kind}.{self.code}"
