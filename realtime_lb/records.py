"""What sinks are told. Every record is a frozen value; none holds audio or a key."""

from __future__ import annotations

import enum
from typing import TypeAlias

from attrs import frozen

from realtime_lb.verdicts import Meaning

__all__ = [
    "Attempt",
    "Direction",
    "EventObserved",
    "Fault",
    "FieldDropped",
    "HealthChanged",
    "HealthState",
    "PanicChanged",
    "Record",
    "RehomeCause",
    "SessionClosed",
    "SessionOpened",
    "SessionRehomed",
    "SinkOverflowed",
    "Standing",
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
        verdict: What that means for the deployment's health.
        duration_s: From the pick to the verdict.
        detail: What went wrong, in a sentence; empty where nothing did.
        hedge: It was begun because another took long.
    """

    deployment: str
    outcome: str
    verdict: Meaning
    duration_s: float
    detail: str = ""
    hedge: bool = False


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
        attempts: Every dial, in the order in which they ended.
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
        model_group: Where it was placed; if it was not, what was asked for, resolved if it could be.
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


class RehomeCause(enum.StrEnum):
    """Why a live session was moved to another upstream."""

    CLOSED = "closed"
    LOST = "lost"
    EXPIRED = "expired"
    EXPIRING = "expiring"
    RESPONSE_FAILED = "response_failed"
    SILENT = "silent"
    DRAINED = "drained"
    CREDENTIAL_REFUSED = "credential_refused"
    REMOVED = "removed"


@frozen(kw_only=True)
class SessionRehomed:
    """A live session was moved to another upstream, and its client was told nothing of it.

    Attributes:
        session_id: Our name for the session.
        cause: ``closed``, ``lost``: the upstream ended it, with a goodbye or without; ``expired``,
            ``expiring``: its time was over, or nearly; ``response_failed``: an answer was refused before
            anything of it was heard; ``silent``: no answer came; ``drained``: somebody wanted it so;
            ``credential_refused``: nobody is let in there any more with the credential that it was;
            ``removed``: its deployment is not in the configuration any more, or is another there.
        from_deployment: Where it was, by id.
        to_deployment: Where it is.
        gap_s: For how long nothing reached the client or left it.
        items: How many items the new upstream was told of.
        replayed_bytes: How much it was told in all.
        lost: What it could not be told of, in words.
        attempts: The dials that it took.
    """

    session_id: str
    cause: RehomeCause
    from_deployment: str
    to_deployment: str
    gap_s: float
    items: int
    replayed_bytes: int
    lost: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()


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


class HealthState(enum.StrEnum):
    """Whether a deployment may be picked."""

    ELIGIBLE = "eligible"
    SLOW_START = "slow_start"
    HALF_OPEN = "half_open"
    COOLDOWN = "cooldown"
    EJECTED = "ejected"
    PARKED = "parked"


@frozen(kw_only=True)
class Standing:
    """A deployment's health at one moment.

    Attributes:
        state: ``eligible``; ``slow_start``: back, with a growing share; ``half_open``: one session tries it;
            ``cooldown``: its rate limit or quota holds; ``ejected``: it failed; ``parked``: its credential
            was refused.
        reason: What made it so.
        left_s: How long it will be so, in seconds; None without an end of its own.
        last_resort: It would be ejected, but too many of its group are already: it is picked where nobody
            else has room.
    """

    state: HealthState = HealthState.ELIGIBLE
    reason: Meaning = Meaning.OK
    left_s: float | None = None
    last_resort: bool = False


@frozen(kw_only=True)
class HealthChanged:
    """A deployment went out of use, or came back.

    Attributes:
        deployment: Its id.
        model_group: What it serves.
        standing: How it stands now.
        detail: What made it so, in a sentence.
    """

    deployment: str
    model_group: str
    standing: Standing
    detail: str = ""


@frozen(kw_only=True)
class PanicChanged:
    """A group has nobody left but deployments that failed of late, and uses the least bad; or that is over.

    Attributes:
        model_group: Its name.
        panic: It is so now.
    """

    model_group: str
    panic: bool


@frozen(kw_only=True)
class SinkOverflowed:
    """Records came faster than sinks took them.

    Attributes:
        dropped: How many were lost since the last record of this kind.
    """

    dropped: int


Record: TypeAlias = (
    SessionOpened
    | SessionClosed
    | SessionRehomed
    | EventObserved
    | FieldDropped
    | HealthChanged
    | PanicChanged
    | SinkOverflowed
)
