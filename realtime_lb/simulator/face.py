"""Whose server the simulator plays."""

from __future__ import annotations

import enum

__all__ = ["Face"]


class Face(enum.StrEnum):
    """A vendor.

    ``OPENAI`` serves ``/v1/realtime`` in the GA dialect. ``AZURE`` serves ``/openai/v1/realtime`` in GA and
    ``/openai/realtime`` with an ``api-version`` in beta.
    """

    OPENAI = "openai"
    AZURE = "azure"
