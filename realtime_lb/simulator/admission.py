"""Who is let in, by each vendor's rules. Pure: a `Dial` in, a verdict out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from realtime_lb.simulator.admission_voice_live import admit_voice_live
from realtime_lb.simulator.admission_xai import admit_xai
from realtime_lb.simulator.dials import Dial
from realtime_lb.simulator.face import Face
from realtime_lb.simulator.refusals import EventRefused
from realtime_lb.simulator.settings import SessionKind
from realtime_lb.simulator.verdicts import (
    PLAUSIBLE_NAME,
    Admitted,
    HouseRules,
    HttpRefusal,
    LateRefusal,
    Verdict,
    azure_denied,
    azure_refusal,
)
from realtime_lb.typing import Dialect

__all__ = ["admit"]

MAX_CUSTOM_HEADERS = 10
"""Azure answers 431 to more."""

_TRANSCRIPTION_ONLY = re.compile(r"whisper|transcribe")
_REMOVED_MODELS = re.compile(r"gpt-4o(-mini)?-realtime-preview")
"""OpenAI took them off with the beta, on 2026-05-07."""

_GONE_BETA = "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API."


def admit(dial: Dial, rules: HouseRules) -> Verdict:
    """Say what becomes of a handshake."""
    return _GATES[rules.face](dial, rules)


def is_served(path: str, face: Face) -> bool:
    """Say whether *face* has anything at *path*."""
    return path in _PATHS[face]


_PATHS = {
    Face.OPENAI: frozenset({"/v1/realtime"}),
    Face.AZURE: frozenset({"/openai/v1/realtime", "/openai/realtime"}),
}


def _wants_beta(dial: Dial) -> bool:
    return "realtime=v1" in dial.headers.get("openai-beta", "") or (
        "openai-beta.realtime-v1" in dial.subprotocols
    )


def _late(code: str, message: str, close_code: int = 4000) -> LateRefusal:
    return LateRefusal(EventRefused(message, code=code), close_code)


def _admit_openai(dial: Dial, rules: HouseRules) -> Verdict:
    if not is_served(dial.path, rules.face):
        return _openai_refusal(404, "invalid_request_error", None, f"Invalid URL (GET {dial.path})")
    offered = dial.secret("bearer", "subprotocol")
    if offered is None or offered != rules.api_key:
        return _late("invalid_api_key", "Incorrect API key provided.", 3000)
    if _wants_beta(dial):
        return _late("beta_api_shape_disabled", _GONE_BETA)
    return _openai_session(dial, rules)


def _openai_session(dial: Dial, rules: HouseRules) -> Verdict:
    model, call_id, intent = (dial.query.get(name) for name in ("model", "call_id", "intent"))
    if intent not in {None, *SessionKind}:
        return _late("invalid_intent", f"The intent '{intent}' does not exist.")
    transcribes = intent == SessionKind.TRANSCRIPTION
    if model and (call_id or transcribes):
        return _late("invalid_model", "You must not provide a model parameter for this kind of session.")
    if call_id:
        return _openai_call(call_id, rules)
    if transcribes:
        return Admitted(dialect=Dialect.GA, kind=SessionKind.TRANSCRIPTION, model=None)
    return (
        _openai_model(model, rules)
        if model
        else _late("missing_model", "You must provide a model parameter.")
    )


def _openai_call(call_id: str, rules: HouseRules) -> Verdict:
    if call_id not in rules.calls:
        return _openai_refusal(404, "invalid_request_error", "call_id_not_found", "No such call.")
    return Admitted(dialect=Dialect.GA, kind=SessionKind.REALTIME, model="gpt-realtime")


def _openai_model(model: str, rules: HouseRules) -> Verdict:
    known = model in rules.models if rules.models is not None else _is_plausible(model)
    if not known:
        return _late(
            "model_not_found", f"The model '{model[:100]}' does not exist or you do not have access."
        )
    if _TRANSCRIPTION_ONLY.search(model):
        return _late("invalid_model", f"Model '{model}' is not supported in realtime mode.")
    return Admitted(dialect=Dialect.GA, kind=SessionKind.REALTIME, model=model)


def _is_plausible(model: str) -> bool:
    speaks = "realtime" in model or model.startswith("gpt-audio")
    return bool(PLAUSIBLE_NAME.fullmatch(model)) and speaks and not _REMOVED_MODELS.match(model)


def _openai_refusal(status: int, kind: str, code: str | None, message: str) -> HttpRefusal:
    return HttpRefusal(status, {"error": {"message": message, "type": kind, "param": None, "code": code}})


def _admit_azure(dial: Dial, rules: HouseRules) -> Verdict:
    if not is_served(dial.path, rules.face):
        return azure_refusal(404, "404", "Resource not found")
    if len(dial.custom_headers) > MAX_CUSTOM_HEADERS:
        return azure_refusal(431, "431", "Too many request headers.")
    is_v1 = dial.path == "/openai/v1/realtime"
    if not _azure_credential(dial, rules, is_v1=is_v1) or (is_v1 and "api-version" in dial.query):
        return azure_denied()
    return _azure_v1(dial, rules) if is_v1 else _azure_preview(dial, rules)


def _azure_credential(dial: Dial, rules: HouseRules, *, is_v1: bool) -> bool:
    """A key is good in header and query; as bearer only on v1, where OpenAI's clients send it so."""
    key, token = dial.secret("api-key", "query"), dial.secret("bearer")
    if key is not None:
        return key == rules.api_key
    return token in rules.entra_tokens or (is_v1 and token == rules.api_key)


def _azure_v1(dial: Dial, rules: HouseRules) -> Verdict:
    model, call_id, intent = (dial.query.get(name) for name in ("model", "call_id", "intent"))
    if intent not in {None, *SessionKind}:
        return azure_refusal(400, "invalid_intent", f"The intent '{intent}' does not exist.")
    transcribes = intent == SessionKind.TRANSCRIPTION
    if sum(map(bool, (model, call_id, transcribes))) != 1:
        return azure_refusal(400, "BadRequest", "Exactly one of model, call_id and intent must be given.")
    if call_id and call_id not in rules.calls:
        return azure_refusal(404, "404", "No such call.")
    if transcribes:
        return Admitted(dialect=Dialect.GA, kind=SessionKind.TRANSCRIPTION, model=None)
    return _azure_deployment(model or "gpt-realtime", Dialect.GA, rules)


def _azure_preview(dial: Dial, rules: HouseRules) -> Verdict:
    version = dial.query.get("api-version")
    if version is None:
        return azure_refusal(404, "404", "Resource not found")
    if version not in rules.api_versions:
        return azure_refusal(400, "BadRequest", "API version not supported")
    intent = dial.query.get("intent")
    if intent not in {None, *SessionKind}:
        return azure_refusal(400, "invalid_intent", f"The intent '{intent}' does not exist.")
    deployment = dial.query.get("deployment", "")
    verdict = _azure_deployment(deployment, Dialect.BETA, rules, transcribes=intent == "transcription")
    if intent == SessionKind.TRANSCRIPTION and isinstance(verdict, Admitted):
        return Admitted(dialect=Dialect.BETA, kind=SessionKind.TRANSCRIPTION, model=deployment)
    return verdict


def _azure_deployment(
    name: str, dialect: Dialect, rules: HouseRules, *, transcribes: bool = False
) -> Verdict:
    known = name in rules.models if rules.models is not None else PLAUSIBLE_NAME.fullmatch(name)
    if not known:
        return azure_refusal(
            404,
            "DeploymentNotFound",
            "The API deployment for this resource does not exist. If you created the deployment within the "
            "last 5 minutes, please wait a moment and try again.",
        )
    if _TRANSCRIPTION_ONLY.search(name) and not transcribes:
        why = "The realtime operation does not work with the specified model."
        return azure_refusal(400, "OpperationNotSupported", why)  # Azure's own spelling
    return Admitted(dialect=dialect, kind=SessionKind.REALTIME, model=name)


_GATES: Mapping[Face, Callable[[Dial, HouseRules], Verdict]] = {
    Face.OPENAI: _admit_openai,
    Face.AZURE: _admit_azure,
    Face.VOICE_LIVE: admit_voice_live,
    Face.XAI: admit_xai,
}
