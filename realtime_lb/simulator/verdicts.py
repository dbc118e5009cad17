"""What can become of a handshake, and what that is decided by."""

from __future__ import annotations

import re
from typing import TypeAlias

from attrs import frozen

from realtime_lb.simulator.face import Face
from realtime_lb.simulator.refusals import EventRefused
from realtime_lb.simulator.settings import SessionKind
from realtime_lb.typing import Dialect, JsonObject, Secret

__all__ = [
    "API_VERSIONS",
    "PLAUSIBLE_NAME",
    "Admitted",
    "HouseRules",
    "HttpRefusal",
    "LateRefusal",
    "Verdict",
    "azure_denied",
    "azure_refusal",
]

API_VERSIONS = {
    Face.AZURE: frozenset({"2024-12-17", "2025-04-01-preview", "2025-08-28"}),
    Face.VOICE_LIVE: frozenset({"2025-05-01-preview", "2025-10-01", "2026-04-10", "2026-07-15"}),
}
"""Azure: preview versions that were not retired; 2024-10-01-preview was. Voice Live: those that its how-to
and its SDK name."""

PLAUSIBLE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
"""What a model or a deployment may be called."""


@frozen(kw_only=True)
class HouseRules:
    """What a simulator knows.

    Attributes:
        face: Whose rules hold.
        api_key: The key that opens it.
        entra_tokens: Azure and Voice Live: bearer tokens that open it too.
        models: Models or deployments it has; None takes every plausible name.
        calls: Ids of live WebRTC or SIP calls that ``call_id`` may join.
        api_versions: Azure and Voice Live: versions that it answers to.
    """

    face: Face
    api_key: Secret
    entra_tokens: frozenset[Secret] = frozenset()
    models: frozenset[str] | None = None
    calls: frozenset[str] = frozenset()
    api_versions: frozenset[str] = frozenset()


@frozen(kw_only=True)
class Admitted:
    """The session may begin.

    Attributes:
        dialect: The event language.
        kind: What it is for.
        model: The model or deployment; None in a transcription session.
    """

    dialect: Dialect
    kind: SessionKind
    model: str | None


@frozen
class HttpRefusal:
    """No upgrade. ``body`` is the JSON to answer with."""

    status: int
    body: JsonObject


@frozen
class LateRefusal:
    """The upgrade is granted, then an ``error`` is sent and the websocket closed.

    Attributes:
        error: What is wrong.
        close_code: What it is closed with; the reason is ``<type>.<code>``.
    """

    error: EventRefused
    close_code: int = 4000

    @property
    def reason(self) -> str:
        """The reason of the close frame."""
        return f"{self.error.kind}.{self.error.code}"


Verdict: TypeAlias = Admitted | HttpRefusal | LateRefusal


def azure_refusal(status: int, code: str, message: str) -> HttpRefusal:
    """Return a refusal in Azure's form."""
    return HttpRefusal(status, {"error": {"code": code, "message": message}})


def azure_denied() -> HttpRefusal:
    """Return Azure's answer to a bad credential, and to much else."""
    return azure_refusal(
        401,
        "401",
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a "
        "valid key for an active subscription and use a correct regional API endpoint for your resource.",
    )
