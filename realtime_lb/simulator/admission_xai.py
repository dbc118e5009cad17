"""Who xAI lets in.

From its Voice Agent page come the path, the bearer key and the subprotocol of browsers; that a missing model
is replaced without a word was seen live (pydantic-ai). With which status a bad key or model is refused is not
documented: 401 and 404 are assumed, as its REST API has them for most of its endpoints.
"""

from __future__ import annotations

from realtime_lb.simulator.dials import Dial
from realtime_lb.simulator.settings import SessionKind
from realtime_lb.simulator.verdicts import PLAUSIBLE_NAME, Admitted, HouseRules, HttpRefusal, Verdict
from realtime_lb.typing import Dialect

__all__ = ["admit_xai"]

_DEFAULT_MODEL = "grok-voice-think-fast-2.0"
"""What ``grok-voice-latest`` stands for since August 2026."""


def admit_xai(dial: Dial, rules: HouseRules) -> Verdict:
    """Say what becomes of a handshake."""
    if dial.path != "/v1/realtime":
        return _refusal(404, "not-found", "The requested resource was not found.")
    if dial.secret("bearer", "xai-subprotocol") != rules.api_key:
        return _refusal(401, "unauthenticated:bad-credentials", "Incorrect API key provided.")
    call_id = dial.query.get("call_id")
    if call_id and call_id not in rules.calls:
        return _refusal(404, "not-found", "No such call.")
    model = dial.query.get("model") or _DEFAULT_MODEL
    known = model in rules.models if rules.models is not None else _is_plausible(model)
    if not known:
        return _refusal(404, "not-found", f"The model {model[:100]} does not exist.")
    return Admitted(dialect=Dialect.GA, kind=SessionKind.REALTIME, model=model)


def _is_plausible(model: str) -> bool:
    return model.startswith("grok-") and bool(PLAUSIBLE_NAME.fullmatch(model))


def _refusal(status: int, code: str, message: str) -> HttpRefusal:
    return HttpRefusal(status, {"code": code, "error": message})
