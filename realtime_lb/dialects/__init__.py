"""How to speak: which event language each end uses."""

from __future__ import annotations

from collections.abc import Collection

from realtime_lb.typing import Dialect

__all__ = ["client_dialect"]

BETA_SUBPROTOCOL = "openai-beta.realtime-v1"
"""What browsers offer where others send ``OpenAI-Beta: realtime=v1`` (openai-realtime-api-beta)."""


def client_dialect(*, beta_header: str, subprotocols: Collection[str], preview_path: bool) -> Dialect:
    """Tell which language a client speaks, from how it knocks.

    Args:
        beta_header: Its ``OpenAI-Beta`` header, or an empty string.
        subprotocols: What it offers.
        preview_path: It came by Azure's preview address, ``/openai/realtime?api-version=...``.
    """
    features = {feature.strip() for feature in beta_header.split(",")}
    if "realtime=v1" in features or BETA_SUBPROTOCOL in subprotocols or preview_path:
        return Dialect.BETA
    return Dialect.GA
