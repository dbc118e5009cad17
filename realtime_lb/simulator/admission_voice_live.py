"""Who Voice Live lets in.

From its how-to and its SDK come the path, ``api-version``, ``model`` and the credentials. That a missing or
unknown one is refused with Azure OpenAI's statuses is assumed: no report of Voice Live's own was found. Not
played: agents (``agent-name``), the limit of 30 new connections a minute, a token in the query.
"""

from __future__ import annotations

from realtime_lb.simulator.dials import Dial
from realtime_lb.simulator.settings import SessionKind
from realtime_lb.simulator.verdicts import (
    PLAUSIBLE_NAME,
    Admitted,
    HouseRules,
    Verdict,
    azure_denied,
    azure_refusal,
)
from realtime_lb.typing import Dialect

__all__ = ["admit_voice_live"]


def admit_voice_live(dial: Dial, rules: HouseRules) -> Verdict:
    """Say what becomes of a handshake."""
    if dial.path != "/voice-live/realtime":
        return azure_refusal(404, "404", "Resource not found")
    if not _has_credential(dial, rules):
        return azure_denied()
    if dial.query.get("api-version") not in rules.api_versions:
        return azure_refusal(400, "BadRequest", "API version not supported")
    model = dial.query.get("model", "")
    known = model in rules.models if rules.models is not None else PLAUSIBLE_NAME.fullmatch(model)
    if not known:
        return azure_refusal(400, "BadRequest", "The model is missing or not supported.")
    return Admitted(dialect=Dialect.BETA, kind=SessionKind.REALTIME, model=model)


def _has_credential(dial: Dial, rules: HouseRules) -> bool:
    """A key is good in header and query, a token of Entra ID as bearer."""
    key = dial.secret("api-key", "query")
    return key == rules.api_key if key is not None else dial.secret("bearer") in rules.entra_tokens
