"""Every kind of item, and of content in one."""

from __future__ import annotations

from realtime_lb.dialects.rows import KindRow

__all__ = ["CONTENT", "ITEMS", "REFERENCE"]

REFERENCE = "item_reference"

CONTENT: tuple[KindRow, ...] = (
    KindRow(ga="input_text", beta="input_text", source="PY, PY199"),
    KindRow(ga="input_audio", beta="input_audio", source="PY, PY199"),
    KindRow(ga="input_image", beta=None, source="PY", loss="beta has no images: the part is left out"),
    KindRow(ga="output_text", beta="text", source="PY, PY199, AZ-MIG, LK"),
    KindRow(ga="output_audio", beta="audio", source="PY, PY199, AZ-MIG"),
    KindRow(
        ga=None,
        beta=REFERENCE,
        source="PY199",
        loss="its place: GA has references beside messages only, so it moves before or behind its message",
    ),
)
"""The ``type`` of a part of an item's ``content``. The ``part`` of ``response.content_part.*`` is not one:
it is ``text`` or ``audio`` in both dialects (PY)."""

_MCP_LOSS = "beta has no MCP: the item is left out"

ITEMS: tuple[KindRow, ...] = (
    KindRow(ga="message", beta="message", source="PY, PY199"),
    KindRow(ga="function_call", beta="function_call", source="PY, PY199"),
    KindRow(ga="function_call_output", beta="function_call_output", source="PY, PY199"),
    KindRow(ga=REFERENCE, beta=REFERENCE, source="PY, PY199"),
    KindRow(ga="mcp_list_tools", beta=None, source="PY", loss=_MCP_LOSS),
    KindRow(ga="mcp_call", beta=None, source="PY", loss=_MCP_LOSS),
    KindRow(ga="mcp_approval_request", beta=None, source="PY", loss=_MCP_LOSS),
    KindRow(ga="mcp_approval_response", beta=None, source="PY", loss=_MCP_LOSS),
)
"""The ``type`` of an item."""
