"""Every event of both dialects: what each calls it, and what in it has to be translated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from realtime_lb.dialects.rows import Body, EventRow
from realtime_lb.typing import Dialect

__all__ = ["CLIENT_EVENTS", "SERVER_EVENTS", "events_from"]


def _both(*names: str, source: str = "PY, PY199", body: Body = Body.NONE) -> Iterable[EventRow]:
    return (EventRow(ga=name, beta=name, source=source, body=body) for name in names)


def _renamed(ga: str, beta: str) -> Iterable[EventRow]:
    for part in ("delta", "done"):
        yield EventRow(ga=f"{ga}.{part}", beta=f"{beta}.{part}", source="PY, PY199, AZ-MIG, LK")


def _ga_only(*names: str, note: str) -> Iterable[EventRow]:
    return (EventRow(ga=name, beta=None, source="PY", note=note) for name in names)


_FOLLOWS = "beta needs `previous_item_id`: null is put in where GA leaves it out"

CLIENT_EVENTS: tuple[EventRow, ...] = (
    *_both("session.update", body=Body.SESSION),
    EventRow(
        ga="session.update",
        beta="transcription_session.update",
        source="PY, PY199",
        body=Body.SESSION,
        transcription=True,
        note="GA tells the two by `session.type`",
    ),
    *_both("input_audio_buffer.append", "input_audio_buffer.commit", "input_audio_buffer.clear"),
    *_both("conversation.item.create", body=Body.ITEM),
    *_both("conversation.item.retrieve", "conversation.item.truncate", "conversation.item.delete"),
    *_both("response.create", body=Body.ORDER),
    *_both("response.cancel", "output_audio_buffer.clear"),
)

SERVER_EVENTS: tuple[EventRow, ...] = (
    *_both("session.created", "session.updated", body=Body.SESSION),
    EventRow(
        ga="session.created",
        beta="transcription_session.created",
        source="PY199, AZ-REF",
        body=Body.SESSION,
        transcription=True,
        note="GA tells the two by `session.type`",
    ),
    EventRow(
        ga="session.updated",
        beta="transcription_session.updated",
        source="PY, PY199",
        body=Body.SESSION,
        transcription=True,
        note="GA tells the two by `session.type`",
    ),
    EventRow(
        ga="conversation.created",
        beta="conversation.created",
        source="PY, PY199, REFC",
        note="GA servers hardly send it; made up for beta clients, behind `session.created`",
    ),
    EventRow(
        ga="conversation.item.added",
        beta="conversation.item.created",
        source="PY, PY199, PY158, AZ-SDK, AZ-MIG, LK",
        body=Body.ITEM,
        note=_FOLLOWS,
    ),
    EventRow(
        ga="conversation.item.done",
        beta=None,
        source="PY, GA-TRACE",
        body=Body.ITEM,
        note="beta has none; made up for GA clients when the item is complete",
    ),
    *_both("conversation.item.retrieved", body=Body.ITEM),
    *_both("conversation.item.truncated", "conversation.item.deleted"),
    *_both("conversation.item.input_audio_transcription.delta"),
    EventRow(
        ga="conversation.item.input_audio_transcription.completed",
        beta="conversation.item.input_audio_transcription.completed",
        source="PY, PY158",
        note="GA needs `usage`, which early beta lacks: zero tokens are put in",
    ),
    *_ga_only("conversation.item.input_audio_transcription.segment", note="left out for beta clients"),
    *_both("conversation.item.input_audio_transcription.failed"),
    EventRow(
        ga="input_audio_buffer.committed",
        beta="input_audio_buffer.committed",
        source="PY, PY199, PY158, AZ-SDK",
        note=_FOLLOWS,
    ),
    *_both("input_audio_buffer.cleared"),
    *_both("input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"),
    *_ga_only(
        "input_audio_buffer.timeout_triggered",
        "input_audio_buffer.dtmf_event_received",
        note="left out for beta clients",
    ),
    *_both("response.created", "response.done", body=Body.RESPONSE),
    *_both("response.output_item.added", "response.output_item.done", body=Body.ITEM),
    *_both("response.content_part.added", "response.content_part.done"),
    *_renamed("response.output_text", "response.text"),
    *_renamed("response.output_audio_transcript", "response.audio_transcript"),
    *_renamed("response.output_audio", "response.audio"),
    *_both("response.function_call_arguments.delta"),
    EventRow(
        ga="response.function_call_arguments.done",
        beta="response.function_call_arguments.done",
        source="PY, PY199",
        note="GA needs `name`: put in from `response.output_item.added`",
    ),
    *_ga_only(
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.mcp_call.in_progress",
        "response.mcp_call.completed",
        "response.mcp_call.failed",
        "mcp_list_tools.in_progress",
        "mcp_list_tools.completed",
        "mcp_list_tools.failed",
        note="left out for beta clients",
    ),
    *_both("output_audio_buffer.started", "output_audio_buffer.stopped", "output_audio_buffer.cleared"),
    *_both("rate_limits.updated"),
    *_both("error", body=Body.ERROR),
    EventRow(
        ga="conversation.item.created",
        beta="conversation.item.created",
        source="PY",
        body=Body.ITEM,
        note="in GA's schema for old clients; GA servers send `added` and `done`",
    ),
)


def events_from(rows: Iterable[EventRow], source: Dialect) -> Mapping[str, EventRow]:
    """Return the rows by what *source* calls them; of two with one name, the first."""
    found: dict[str, EventRow] = {}
    for row in rows:
        if (name := row.name(source)) is not None:
            found.setdefault(name, row)
    return found
