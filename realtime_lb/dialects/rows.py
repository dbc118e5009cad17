"""What the tables are made of: one row for each event, field and kind of content, each with its source.

The translator reads the tables to translate, the reference page to be written: there is no second list.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from attrs import frozen

from realtime_lb.dialects.forms import SAME, Form
from realtime_lb.typing import Dialect

__all__ = ["SOURCES", "Body", "EventRow", "FieldRow", "KindRow", "Path", "names", "path_of"]

Path: TypeAlias = tuple[str, ...]

SOURCES: Mapping[str, str] = {
    "PY": "openai-python 3.54, `openai/types/realtime`",
    "PY199": "openai-python 1.99.9, `openai/types/beta/realtime`",
    "PY158": "openai-python 1.58.1, `openai/types/beta/realtime`",
    "SPEC": "openai/openai-openapi @f85dbe2 (2026-08-21)",
    "AZ-MIG": "Microsoft: migration guide from the preview to the GA realtime API",
    "AZ-REF": "Microsoft: realtime audio reference",
    "AZ-SDK": "Azure-Samples/aoai-realtime-audio-sdk @225dfd1, `python/rtclient/models.py` of 2024",
    "AZ-400": "openai/openai-python#2638, pipecat-ai/pipecat#1324: what Azure's preview answers with "
    "`unknown_parameter`",
    "LK": "livekit/agents @da6af86: its Azure event map, session map and client events",
    "LL": "litellm 1.109.1, `realtime_streaming.py`",
    "REFC": "openai/openai-realtime-api-beta: what a beta client waits for",
    "GA-TRACE": "recorded GA sessions: order of `response.output_item.done`, `conversation.item.done`, "
    "`response.done`",
}


class Body(enum.Enum):
    """What of an event has to be translated beside its name; the value is the key that holds it."""

    NONE = ""
    SESSION = "session"
    ITEM = "item"
    ORDER = "response "  # the ``response`` of a response.create; other fields than a server's
    RESPONSE = "response"
    ERROR = "error"

    @property
    def key(self) -> str:
        """The event's field that holds it."""
        return self.value.strip()


@frozen(kw_only=True)
class EventRow:
    """One event in both dialects.

    Attributes:
        ga: Its name in GA; None where GA has no such event.
        beta: Its name in beta; None where beta has no such event.
        source: Tags of `SOURCES`.
        body: What of it has to be translated.
        transcription: It belongs to transcription sessions only.
        note: What else happens to it.
    """

    ga: str | None
    beta: str | None
    source: str
    body: Body = Body.NONE
    transcription: bool = False
    note: str = ""

    def name(self, dialect: Dialect) -> str | None:
        """Return what *dialect* calls it."""
        return self.ga if dialect is Dialect.GA else self.beta


@frozen(kw_only=True)
class FieldRow:
    """One field in both dialects.

    Attributes:
        ga: Its dotted place in GA; None where GA has no such field.
        beta: Its dotted place in beta; None where beta has no such field.
        source: Tags of `SOURCES`.
        form: How the value changes.
        loss: What is lost, for the reference page; empty where nothing is.
        implied: The target knows it without being told, so leaving it out loses nothing.
    """

    ga: str | None
    beta: str | None
    source: str
    form: Form = SAME
    loss: str = ""
    implied: bool = False

    def path(self, dialect: Dialect) -> Path | None:
        """Return its place in *dialect*."""
        return path_of(self.ga if dialect is Dialect.GA else self.beta)


@frozen(kw_only=True)
class KindRow:
    """One value of ``type`` of an item or of a part of its content, in both dialects.

    Attributes:
        ga: Its name in GA; None where GA has no such thing there.
        beta: Its name in beta; None where beta has no such thing.
        source: Tags of `SOURCES`.
        loss: What is lost, for the reference page.
    """

    ga: str | None
    beta: str | None
    source: str
    loss: str = ""

    def name(self, dialect: Dialect) -> str | None:
        """Return what *dialect* calls it."""
        return self.ga if dialect is Dialect.GA else self.beta


def path_of(dotted: str | None) -> Path | None:
    """Split a dotted place."""
    return None if dotted is None else tuple(dotted.split("."))


def names(rows: Sequence[KindRow], source: Dialect, target: Dialect) -> Mapping[str, str | None]:
    """Return what *target* calls that which *source* calls by name."""
    return {name: row.name(target) for row in rows if (name := row.name(source)) is not None}
