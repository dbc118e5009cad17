"""What a minute of talk costs, by the model behind a deployment.

A minute is taken to be half the caller's and half the assistant's. The caller's audio is 10 tokens a second,
the assistant's 20 (OpenAI's realtime costs guide), so it is 300 audio tokens in and 600 out. What comes on
top is left out: every response bills the conversation so far again, mostly at the price of cached tokens,
which grows with the length of a call and not with the deployment. So the figure compares deployments; it is
no bill.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from attrs import frozen

from realtime_lb.deployments import Deployment

__all__ = ["PRICES", "Price", "price_of", "price_per_minute"]

MINUTE_S = 60.0
CALLERS_TOKENS = 300
ASSISTANTS_TOKENS = 600
ASSISTANTS_SHARE = 0.5


@frozen(kw_only=True)
class Price:
    """What a model costs: by tokens, in US dollars per million, or by time.

    None where the vendor lists no such price.

    Attributes:
        text_in: Text that goes in.
        text_cached: Text that went in before.
        text_out: Text that comes out.
        audio_in: Audio that goes in.
        audio_cached: Audio that went in before.
        audio_out: Audio that comes out.
        image_in: Images that go in.
        image_cached: Images that went in before.
        minute: A minute of the session, in US dollars.
    """

    text_in: float | None = None
    text_cached: float | None = None
    text_out: float | None = None
    audio_in: float | None = None
    audio_cached: float | None = None
    audio_out: float | None = None
    image_in: float | None = None
    image_cached: float | None = None
    minute: float | None = None


def _tokens(
    text: tuple[float, float | None, float],
    audio: tuple[float, float | None, float],
    image: tuple[float | None, float | None] = (None, None),
) -> Price:
    """Return prices by tokens; each is of what goes in, what is cached, and what comes out."""
    return Price(
        text_in=text[0],
        text_cached=text[1],
        text_out=text[2],
        audio_in=audio[0],
        audio_cached=audio[1],
        audio_out=audio[2],
        image_in=image[0],
        image_cached=image[1],
    )


_REALTIME = _tokens((4, 0.40, 16), (32, 0.40, 64), (5, 0.50))
_REALTIME_2 = _tokens((4, 0.40, 24), (32, 0.40, 64), (5, 0.50))
_REALTIME_MINI = _tokens((0.60, 0.06, 2.40), (10, 0.30, 20), (0.80, 0.08))
_PREVIEW = _tokens((5, 2.50, 20), (40, 2.50, 80))
_PREVIEW_IN_ZONE = _tokens((5.5, 2.75, 22), (44, 2.50, 88))
_FIRST_PREVIEW = _tokens((5, 2.50, 20), (100, 20, 200))
_FIRST_PREVIEW_IN_ZONE = _tokens((5.5, 2.75, 22), (110, 22, 220))
_MINI_PREVIEW = _tokens((0.60, 0.30, 2.40), (10, 0.30, 20))
_MINI_PREVIEW_IN_ZONE = _tokens((0.66, 0.33, 2.64), (11, 0.33, 22))
_NOVA_SONIC = _tokens((0.33, None, 2.75), (3, None, 12))
_GEMINI_LIVE = _tokens((0.75, None, 4.50), (3, None, 12), (1, None))
_GEMINI_LIVE_2_5 = _tokens((0.50, None, 2), (3, None, 12), (3, None))
_GROK_VOICE = Price(minute=0.08)

PRICES: Mapping[str, Price] = MappingProxyType(
    {
        "gpt-realtime": _REALTIME,
        "gpt-realtime-1.5": _REALTIME,
        "gpt-realtime-2": _REALTIME_2,
        "gpt-realtime-2.1": _REALTIME_2,
        "gpt-realtime-2.1-mini": _REALTIME_MINI,
        "gpt-realtime-mini": _REALTIME_MINI,
        "gpt-4o-realtime-preview": _PREVIEW,
        "gpt-4o-mini-realtime-preview": _MINI_PREVIEW,
        "azure/gpt-4o-realtime-preview-2024-10-01": _FIRST_PREVIEW,
        "azure/us/gpt-4o-realtime-preview-2024-10-01": _FIRST_PREVIEW_IN_ZONE,
        "azure/eu/gpt-4o-realtime-preview-2024-10-01": _FIRST_PREVIEW_IN_ZONE,
        "azure/us/gpt-4o-realtime-preview": _PREVIEW_IN_ZONE,
        "azure/eu/gpt-4o-realtime-preview": _PREVIEW_IN_ZONE,
        "azure/us/gpt-4o-mini-realtime-preview": _MINI_PREVIEW_IN_ZONE,
        "azure/eu/gpt-4o-mini-realtime-preview": _MINI_PREVIEW_IN_ZONE,
        "gpt-realtime-translate": Price(minute=0.034),
        "gpt-realtime-whisper": Price(minute=0.017),
        "gpt-live-transcribe": Price(minute=0.017),
        "gpt-transcribe": Price(minute=0.0045),
        "gpt-live-1": Price(minute=0.05),
        "xai/grok-voice-latest": _GROK_VOICE,
        "xai/grok-voice-2.0": _GROK_VOICE,
        "xai/grok-voice-3.0": _GROK_VOICE,
        "amazon.nova-2-sonic": _NOVA_SONIC,
        "amazon.nova-2-5-sonic": _NOVA_SONIC,
        "gemini-3.8-live": _GEMINI_LIVE,
        "gemini-3.1-flash-live-preview": _GEMINI_LIVE,
        "gemini-live-2.5-flash-native-audio": _GEMINI_LIVE_2_5,
    }
)
"""By the model's name: without its date, unless a dated one costs something else; with a prefix where one
vendor, or one zone of Azure's, differs. OpenAI's model pages and the price list of LiteLLM 1.109.1, November
2026. What a deployment pays otherwise belongs in its own ``prices``."""

_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_VENDORS = ("azure/", "xai/")
_VENDOR_OF = {"azure": "azure/", "xai": "xai/"}
_OTHER_PRICES = frozenset({"azure_voice_live"})
"""Providers of models that have OpenAI's names, but not its prices."""


def price_of(deployment: Deployment) -> Price | None:
    """Return what the model behind *deployment* usually costs, whatever its own ``prices`` say.

    The model is ``base_model``, else ``model``, in LiteLLM's spelling: ``azure/eu/...`` is looked up so, then
    without the zone, then without the vendor, each with its date and without. None where nothing is found.
    """
    return next((PRICES[name] for name in _names(deployment) if name in PRICES), None)


def price_per_minute(deployment: Deployment) -> float | None:
    """Return what a minute of talk costs on *deployment*, in US dollars; None where that is not known.

    A deployment's own ``prices`` come first, in LiteLLM's names and dollars. By time:
    ``input_cost_per_second`` of the whole session and ``output_cost_per_second`` of the half in which the
    assistant talks. Else by tokens: ``input_cost_per_audio_token`` and ``output_cost_per_audio_token``; one
    of them may be missing if the model is known, or if ``input_cost_per_token`` (``output_...``) is there,
    which LiteLLM falls back to as well. What is negative or no number does not count.
    """
    own = {name: price for name, price in deployment.prices.items() if _is_price(price)}
    by_time = own.get("input_cost_per_second"), own.get("output_cost_per_second")
    if by_time != (None, None):
        return MINUTE_S * ((by_time[0] or 0.0) + ASSISTANTS_SHARE * (by_time[1] or 0.0))
    usual = price_of(deployment) or Price()
    heard = _per_token(own, "input", usual.audio_in)
    said = _per_token(own, "output", usual.audio_out)
    if heard is None or said is None:
        return usual.minute
    return CALLERS_TOKENS * heard + ASSISTANTS_TOKENS * said


def _per_token(own: Mapping[str, float], way: str, usual: float | None) -> float | None:
    """Return dollars per audio token, by the deployment's own prices or by the usual one per million."""
    audio = own.get(f"{way}_cost_per_audio_token")
    if audio is not None:
        return audio
    return own.get(f"{way}_cost_per_token") if usual is None else usual / 1e6


def _names(deployment: Deployment) -> Iterator[str]:
    """Name the model in every way that the table may, the closest first."""
    if deployment.base_model is None and deployment.provider in _OTHER_PRICES:
        return
    given = deployment.base_model or deployment.model
    vendor = next((v for v in _VENDORS if given.startswith(v)), _VENDOR_OF.get(deployment.provider, ""))
    zoned = given.removeprefix(vendor)
    plain = zoned.rpartition("/")[2]
    for name in (vendor + zoned, vendor + plain, plain):
        yield name
        yield _DATE.sub("", name)


def _is_price(value: object) -> bool:
    """Say whether *value* is one; a file may hold anything."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value >= 0
