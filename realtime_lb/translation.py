"""Which translator a session gets, once it is known who speaks to whom."""

from __future__ import annotations

from collections.abc import Callable

from realtime_lb.deployments import Deployment
from realtime_lb.dialects import ModelNames, Translator
from realtime_lb.quirks import Quirks
from realtime_lb.records import FieldDropped, Record
from realtime_lb.requests import SessionRequest
from realtime_lb.typing import Dialect

__all__ = ["translator_for"]


def translator_for(
    request: SessionRequest,
    deployment: Deployment,
    *,
    dialect: Dialect,
    quirks: Quirks,
    emit: Callable[[Record], None],
) -> Translator:
    """Return the translator between a client and its upstream.

    Args:
        request: What the client asked for, and in which dialect.
        deployment: Where its session was placed.
        dialect: What *deployment* speaks.
        quirks: How it departs from that.
        emit: Told of each field that *deployment* has no word for.
    """

    def on_loss(event_type: str, field: str) -> None:
        emit(
            FieldDropped(session_id=request.id, deployment=deployment.id, event_type=event_type, field=field)
        )

    return Translator(
        client=request.dialect,
        upstream=dialect,
        is_guess=request.dialect_is_guess,
        kind="transcription" if request.intent == "transcription" else "realtime",
        names=ModelNames(
            shown=request.model or deployment.model_group,
            served=deployment.model,
            transcription=deployment.transcription_models,
        ),
        quirks=quirks,
        on_loss=on_loss,
    )
