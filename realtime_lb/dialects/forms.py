"""How the value of a field changes on its way into the other dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import field, frozen

from realtime_lb.typing import Dialect, JsonObject

__all__ = [
    "AUDIO_FORMATS",
    "BETA_VOICES",
    "FORMAT",
    "FUNCTIONS",
    "LOST",
    "MODALITIES",
    "SAME",
    "VOICE",
    "Form",
    "Partly",
]

LOST: Final = object()
"""Returned for a value that the target has no word for."""


@frozen
class Partly:
    """A value of which something was left out.

    Attributes:
        value: What is left.
    """

    value: Any


def _same(value: Any) -> Any:
    return value


@frozen
class Form:
    """A change of form, in both directions. ``null`` is never handed to it: it means the same everywhere.

    Attributes:
        says: What happens, for the reference page.
        to_ga: Turns a beta value into a GA value, `LOST`, or `Partly`.
        to_beta: Turns a GA value into a beta value, `LOST`, or `Partly`.
    """

    says: str = ""
    to_ga: Callable[[Any], Any] = field(default=_same, repr=False)
    to_beta: Callable[[Any], Any] = field(default=_same, repr=False)

    def into(self, target: Dialect, value: Any) -> Any:
        """Return *value* in the form of *target*, `LOST`, or `Partly`."""
        if value is None:
            return None
        return self.to_ga(value) if target is Dialect.GA else self.to_beta(value)


SAME = Form()

AUDIO_FORMATS: Mapping[str, JsonObject] = {
    "pcm16": {"type": "audio/pcm", "rate": 24_000},
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
}
"""Beta's word → GA's object (SPEC ``RealtimeAudioFormats``)."""

BETA_VOICES = frozenset({"alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse"})
"""All that ever spoke beta (PY158 ``Session.voice``); marin and cedar came with GA."""


def _format_to_ga(value: Any) -> Any:
    """A word that nobody knows stays: the upstream answers it, and names the field."""
    return dict(AUDIO_FORMATS[value]) if isinstance(value, str) and value in AUDIO_FORMATS else value


def _format_to_beta(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    for word, known in AUDIO_FORMATS.items():
        if known["type"] == value.get("type"):
            return word if value.get("rate", known.get("rate")) == known.get("rate") else LOST
    return LOST


def _modalities_to_ga(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return ["audio"] if "audio" in value else value


def _modalities_to_beta(value: Any) -> Any:
    return ["audio", "text"] if value == ["audio"] else value


def _voice_to_beta(value: Any) -> Any:
    return value if isinstance(value, str) and value in BETA_VOICES else LOST


def _functions_only(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    kept = [tool for tool in value if not _is_mcp(tool)]
    return value if len(kept) == len(value) else Partly(kept)


def _choice_to_beta(value: Any) -> Any:
    return LOST if _is_mcp(value) else value


def _is_mcp(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") == "mcp"


FORMAT = Form(
    "`pcm16` ↔ `{type: audio/pcm, rate: 24000}`, `g711_ulaw` ↔ `audio/pcmu`, `g711_alaw` ↔ `audio/pcma`",
    _format_to_ga,
    _format_to_beta,
)
MODALITIES = Form(
    '`["audio", "text"]` ↔ `["audio"]`; `["text"]` stays', _modalities_to_ga, _modalities_to_beta
)
VOICE = Form("beta has eight voices", to_beta=_voice_to_beta)
FUNCTIONS = Form("beta has functions only", to_beta=_functions_only)
CHOICE = Form("beta cannot choose an MCP tool", to_beta=_choice_to_beta)
