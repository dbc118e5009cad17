"""The plug-in page: every contract of the library, the guarantee first.

Each has a conformance check in `realtime_lb.testing` that the built-ins run and that your own class can run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Protocol, runtime_checkable

from attrs import field, frozen

from realtime_lb.count import Count
from realtime_lb.deployments import Deployment
from realtime_lb.errors import CredentialUnavailable
from realtime_lb.frames import Close, Frame, OnFrame
from realtime_lb.quirks import NO_QUIRKS, Quirks
from realtime_lb.records import Record
from realtime_lb.requests import DialRequest, Principal, SessionRequest
from realtime_lb.shortcut import Seen
from realtime_lb.typing import Dialect, JsonObject, Secret
from realtime_lb.verdicts import Outcome, Verdict

__all__ = [
    "Authenticator",
    "Candidate",
    "Connection",
    "EventSink",
    "Pick",
    "ProviderAdapter",
    "Splice",
    "Strategy",
    "Transport",
]


class ProviderAdapter:
    """Knows how one kind of upstream is addressed. Subclass it; instances hold no state of a session.

    Attributes:
        name: What ``litellm_params.model`` starts with (``azure/...``) and what the entry point is called.
    """

    name: ClassVar[str] = ""

    def dial(self, deployment: Deployment, request: SessionRequest) -> DialRequest:
        """Return the websocket to open for *request*.

        Pure: no I/O, no clock, no credential. ``request.model`` is not for the wire: the upstream's own
        name is ``deployment.model``. Runs at every dial, and in ``realtime-lb check``.

        Raises:
            InvalidRequest: This provider cannot serve such a request at all.
            ConfigError: The deployment is set up wrongly; told when the router is built.
        """
        raise NotImplementedError

    def dialect(self, deployment: Deployment) -> Dialect:  # noqa: ARG002  # subclasses look at it
        """Return the event language that *deployment* speaks.

        Raises:
            ConfigError: The deployment is set up wrongly; told when the router is built.
        """
        return Dialect.GA

    def quirks(self, deployment: Deployment) -> Quirks:  # noqa: ARG002  # subclasses look at it
        """Return how *deployment* departs from its dialect. The default departs in nothing."""
        return NO_QUIRKS

    async def credentials(self, deployment: Deployment) -> Mapping[str, Secret]:
        """Return the headers that prove who we are, fresh for this dial.

        May wait for a token. Cancelled when the dial runs out of time. The default sends ``api_key`` as
        ``Authorization: Bearer``.

        Raises:
            CredentialUnavailable: There is no credential to be had.
        """
        if deployment.api_key is None:
            raise CredentialUnavailable(f"Deployment {deployment.id!r} has no api_key")
        return {"Authorization": Secret(f"Bearer {deployment.api_key.reveal()}")}

    def accepts(self, first_event: JsonObject) -> bool:
        """Say whether an upstream that opens with *first_event* is up.

        OpenAI answers a bad key with a 101, then an ``error``, then a close: an open socket proves nothing.
        Others read *first_event* after it, so it is not to be changed.
        """
        return first_event.get("type") != "error"

    def forget_credentials(self, deployment: Deployment) -> bool:  # noqa: ARG002  # subclasses look at it
        """Drop what is kept of *deployment*'s credential; say whether `credentials` may give another now.

        Asked when an upstream has refused it. True means that the same deployment is dialled once more with
        what `credentials` then returns. The default keeps nothing and has no other.
        """
        return False

    def classify(self, outcome: Outcome) -> Verdict | None:  # noqa: ARG002  # subclasses look at it
        """Say what *outcome* means, where this provider's words are not OpenAI's or Azure's.

        Pure. None, the default, leaves it to the common table (`realtime_lb.health.classify`).
        """
        return None

    async def aclose(self) -> None:
        """Release what is shared between dials, such as a token's cache. Idempotent."""


class Connection(Protocol):
    """One websocket, after its handshake. The owner is one task; nothing here is safe across threads.

    Reading is pushed, since a task switch per frame is what a relay costs most. Writing never waits, so that
    nothing queues between two connections but what their buffers hold.

    Attributes:
        on_writable: Called once after `write` returned False, as soon as there is room again. Set by the
            owner, at any time. Not called any more once the connection has ended.
    """

    on_writable: Callable[[], None]

    async def pump(self, on_frame: OnFrame) -> Close:
        """Deliver every frame to *on_frame*, in order, until the connection ends; return how it ended.

        Call it exactly once. A lost network is not an error but `Close` 1006. A message over the cap ends it
        with 1009. Pings are answered while reading is not paused. *on_frame* must not raise: if it does, the
        connection is aborted and the exception passes. Cancelling leaves the connection open, and it
        must then be closed.
        """
        ...

    def redirect(self, on_frame: OnFrame, splice: Splice | None = None) -> None:
        """Deliver to *on_frame* from the next frame on, while `pump` runs. Else it does nothing.

        Args:
            on_frame: Who gets them.
            splice: Until the next redirection, messages that may be written elsewhere instead. A transport
                that saves nothing by it delivers them all.
        """
        ...

    def write(self, frame: Frame) -> bool:
        """Send *frame* after all before it; return False when the peer should be given time.

        Takes the frame in any case and needs its payload only during the call. After False the caller stops
        writing until `on_writable`. On a connection that has ended the frame is dropped and True returned:
        the end is `pump`'s to tell.
        """
        ...

    @property
    def taken_bytes(self) -> int:
        """A number that grows while the peer takes what was written. Only its growth means anything."""
        ...

    def pause(self) -> None:
        """Stop delivering frames soon: what has already been read may still come. Idempotent.

        Before `pump`, nothing comes until `resume`.
        """
        ...

    def resume(self) -> None:
        """Undo `pause`. Idempotent. Frames come later, never from within this call."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the connection: closing handshake within its deadline, then abort.

        Frames written before are sent before. Idempotent; never raises for a network's sake. `pump` returns
        soon after. Cancelling aborts at once.
        """
        ...

    def abort(self) -> None:
        """End the connection now, without a word. Idempotent; `pump` returns soon after."""
        ...


@frozen(eq=False)
class Splice:
    """Messages of one connection that it may write to another itself, as they are.

    Text alone, whole, with one of the heads in front and a closing brace at the end. Each is counted, then
    told of, then written. None is taken while *sink* has no room, or has ended.

    Attributes:
        heads: How they begin.
        count: Counts them.
        seen: Told of each that is `bytes`, which it may keep, unless it is None.
        seen_view: Told of each that is a view, valid during the call, unless it is None.
        sink: Where they go.
        on_full: Called behind one after which *sink* has no more room; its `on_writable` then tells of some.
        on_due: Called behind one that is `bytes`, with which the count has reached what is due. What came as
            a view puts that off by its size: who is told of one bounds by itself what it keeps.
    """

    heads: tuple[bytes, ...]
    count: Count
    seen: Callable[[bytes], object] | None
    seen_view: Seen | None
    sink: Connection
    on_full: Callable[[], None]
    on_due: Callable[[], None]


class Transport(Protocol):
    """Opens connections."""

    async def connect(self, dial: DialRequest, timeout_s: float) -> Connection:
        """Open one websocket.

        Args:
            dial: Where and with what.
            timeout_s: Limit for name lookup, TCP, TLS and HTTP upgrade together, in seconds.

        Raises:
            DialError: One of its members; no exception of the underlying library gets out. Redirects are
                refusals. Cancelling leaves no socket behind.
        """
        ...

    async def aclose(self) -> None:
        """Release what is shared between connections. Idempotent."""
        ...


@frozen(kw_only=True)
class Candidate:
    """A deployment that may be picked: eligible, of the best tier, below its cap, not yet tried.

    Attributes:
        deployment: What would be picked.
        live_sessions: Leases out on it now.
        first_event_s: How long an open takes there, in seconds: the recent peak, falling back to what is
            usual as it ages. A failure counts as a long one. None where nothing is known yet.
        first_audio_s: The same for the time from the end of a turn to the first audio or token of the answer.
        usual_event_s: How long an open takes there on average, of late, in seconds; a failure counts as a
            long one. Unlike the peak it does not grow with how many opens there were. None where nothing is
            known.
        usual_audio_s: The same for the first audio or token.
        headroom: What is left of its ``rpm`` or ``tpm``, whichever is scarcer: 1 all or unknown, 0 nothing.
        price_per_minute: What a minute of talk costs there, in US dollars; None where the price is not known.
    """

    deployment: Deployment
    live_sessions: int = 0
    first_event_s: float | None = None
    first_audio_s: float | None = None
    usual_event_s: float | None = None
    usual_audio_s: float | None = None
    headroom: float = 1.0
    price_per_minute: float | None = None


@frozen(kw_only=True)
class Pick:
    """A choice that can explain itself.

    Attributes:
        candidate: The chosen one.
        scores: What each candidate was worth, by deployment id.
        lower_is_better: How to read the scores.
    """

    candidate: Candidate
    scores: Mapping[str, float] = field(factory=dict)
    lower_is_better: bool = True


class Strategy(Protocol):
    """Chooses. Pure: values in, a value out; its randomness was handed to it."""

    def pick(self, candidates: Sequence[Candidate], request: SessionRequest, /) -> Pick:
        """Return one of *candidates*, of which there is at least one. Must not block or wait."""
        ...


@runtime_checkable
class EventSink(Protocol):
    """Observes. A bounded ring stands in front of it; what it cannot take in time is counted and lost."""

    def __call__(self, record: Record, /) -> None:
        """Take one record. Must not block. An exception is logged once and the record is lost."""
        ...


class Authenticator(Protocol):
    """Tells who is calling."""

    async def authenticate(self, key: Secret | None) -> Principal:
        """Return the caller that *key* stands for; None is a caller without one.

        Raises:
            Unauthenticated: Nobody has this key.
        """
        ...
