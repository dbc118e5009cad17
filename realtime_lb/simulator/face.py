"""Whose server the simulator plays."""

from __future__ import annotations

import enum

__all__ = ["Face"]


class Face(enum.StrEnum):
    """A vendor.

    ``OPENAI`` serves ``/v1/realtime`` in the GA dialect. ``AZURE`` serves ``/openai/v1/realtime`` in GA and
    ``/openai/realtime`` with an ``api-version`` in beta. ``VOICE_LIVE`` serves ``/voice-live/realtime`` in a
    superset of beta, ``XAI`` serves ``/v1/realtime`` in what it made of GA.
    """

    OPENAI = "openai"
    AZURE = "azure"
    VOICE_LIVE = "azure_voice_live"
    XAI = "xai"
