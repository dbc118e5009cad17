"""What sinks are told. Every record is a frozen value; none holds audio or a key."""

from __future__ import annotations

import enum
from typing import TypeAlias

from attrs import frozen

__all__ = [
    "Attempt",
    "DeploymentSnapshot",
    "Direction",
    "EventObserved",
    "Fault",
    "FieldDropped",
    "Record",
    "RouterSnapshot",
    "SessionClosed",
    "SessionOpened",
    "SinkOverflowed",
    "Traffic",
    "Usage",
]


class Direction(enum.StrEnum):
    """Who sent an event."""

    CLIENT = "client"
    SERVER = "server"


class Fault(enum.StrEnum):
    """Whose doing it was that a session ended."""

    NOBODY = "nobody"
    CLIENT = "client"
    UPSTREAM = "upstream"
    GATEWAY = "gateway"


@frozen(kw_only=True)
class Attempt:
    """One dial.

    Attributes:
        deployment: Its id.
        outcome: ``accepted``, or what went wrong, in a word: ``http_429``, ``refused_model_not_found``.
        duration_s: From the pick to the verdict.
        detail: What went wrong, in a sentence; empty where nothing did.
    """

    deployment: str
    outcome: str
    duration_s: float
    detail: str = ""


@frozen(kw_only=True)
class Usage:
    """Tokens, summed over all responses of a session (OpenAI's ``response.usage``).

    Attributes:
        responses: How many ``response.done`` were counted.
        input_tokens: All input, of whatever kind.
        output_tokens: All output.
        input_text_tokens: Text in, its cached part included.
        input_audio_tokens: Audio in, its cached part included.
        cached_tokens: The part of the input that was cached.
        output_text_tokens: Text out.
        output_audio_tokens: Audio out.
    """

    responses: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    input_text_tokens: int = 0
    input_audio_tokens: int = 0
    cached_tokens: int = 0
    output_text_tokens: int = 0
    output_audio_tokens: int = 0


@frozen(kw_only=True)
class Traffic:
    """Frames and payload bytes that one leg sent."""

    frames: int = 0
    bytes: int = 0


@frozen(kw_only=True)
class SessionOpened:
    """A client was connected to an upstream.

    Attributes:
        session_id: Our name for the session.
        model_group: What it was placed in.
        deployment: Where it went, by id.
        principal: Who called.
        client_address: Where from.
        attempts: Every dial, the accepted one last.
        open_s: From the request to the upgraded client.
    """

    session_id: str
    model_group: str
    deployment: str
    principal: str
    client_address: str | None = None
    attempts: tuple[Attempt, ...]
    open_s: float


@frozen(kw_only=True)
class SessionClosed:
    """A session ended, or never came to be.

    Attributes:
        session_id: Our name for the session.
        model_group: What was asked for, resolved if it could be.
        deployment: Where it was, by id; None if no upstream accepted it.
        principal: Who called.
        client_address: Where from.
        attempts: Every dial.
        duration_s: From the request to the end.
        first_event_s: From the request to the upstream's first event, if there was one.
        first_audio_s: From the request to the first audio delta, if there was one.
        from_client: What the client sent.
        from_upstream: What the upstream sent.
        usage: Tokens over all responses.
        http_status: The status that a refused client was answered with; None once it was upgraded.
        close_code: The code that the client was given, or gave; None if it was never upgraded.
        close_reason: The words beside it.
        error: The code of the error that ended it, if one did.
        fault: Whose doing the end was.
    """

    session_id: str
    model_group: str | None
    deployment: str | None
    principal: str
    client_address: str | None = None
    attempts: tuple[Attempt, ...]
    duration_s: float
    first_event_s: float | None
    first_audio_s: float | None
    from_client: Traffic
    from_upstream: Traffic
    usage: Usage
    http_status: int | None = None
    close_code: int | None
    close_reason: str
    error: str | None
    fault: Fault


@frozen(kw_only=True)
class EventObserved:
    """An event passed whose type somebody asked to see.

    Attributes:
        session_id: Our name for the session.
        direction: Who sent it.
        type: The event's type.
        payload: Its JSON text, long base64 runs replaced by their length; None where contents are kept
            out of the log.
        size_bytes: How large it was on the wire.
    """

    session_id: str
    direction: Direction
    type: str
    payload: bytes | None
    size_bytes: int


@frozen(kw_only=True)
class FieldDropped:
    """A field was left out that the upstream's dialect has no word for; told once for each of a session.

    Attributes:
        session_id: Our name for the session.
        deployment: Where it is, by id.
        event_type: The type of the client's event.
        field: The field's dotted place in it, in the client's dialect.
    """

    session_id: str
    deployment: str
    event_type: str
    field: str


@frozen(kw_only=True)
class SinkOverflowed:
    """Records came faster than sinks took them.

    Attributes:
        dropped: How many were lost since the last record of this kind.
    """

    dropped: int


Record: TypeAlias = SessionOpened | SessionClosed | EventObserved | FieldDropped | SinkOverflowed


@frozen(kw_only=True)
class DeploymentSnapshot:
    """A deployment at one moment.

    Attributes:
        id: Its id.
        model_group: What clients ask for.
        provider: Its adapter.
        model: What the upstream calls it.
        dialect: The event language that it speaks.
        order: Its tier.
        live_sessions: Leases out on it.
        max_sessions: Its cap.
    """

    id: str
    model_group: str
    provider: str
    model: str
    dialect: str
    order: int | None
    live_sessions: int
    max_sessions: int | None


@frozen(kw_only=True)
class RouterSnapshot:
    """A router at one moment.

    Attributes:
        models: Every name that may be asked for, aliases included, wildcards as written.
        deployments: In the order of the configuration.
        live_sessions: Sessions between their request and their end.
        records_dropped: Records that sinks did not take in time, ever.
    """

    models: tuple[str, ...]
    deployments: tuple[DeploymentSnapshot, ...]
    live_sessions: int
    records_dropped: int
