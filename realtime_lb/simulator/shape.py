"""What differs between the dialects: the names of events, and the forms of sessions and responses.

The rest of the simulator thinks in `SessionSettings` and `Item`; a `Shape` is how that looks on the wire.
Each dialect is written down here natively, so that a translator can be tested against it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, TypeAlias

from attrs import frozen

from realtime_lb.simulator.checks import Check
from realtime_lb.simulator.face import Face
from realtime_lb.simulator.item_schema import ItemSchema
from realtime_lb.simulator.items import Item
from realtime_lb.simulator.refusals import EventRefused, invalid_value
from realtime_lb.simulator.settings import ResponseOrder, SessionKind, SessionSettings
from realtime_lb.typing import Dialect, JsonObject

__all__ = ["EventNames", "ItemReader", "ResponseState", "Shape", "Terms", "conversation_created"]

ItemReader: TypeAlias = Callable[[JsonObject, str], Item]
"""Reads one element of ``response.input`` at its place: an item, or a reference to one."""


@frozen(kw_only=True)
class Terms:
    """What was agreed when the session was opened and never changes.

    Attributes:
        face: Whose server this is.
        dialect: The event language.
        kind: What the session is for.
        model: The model or deployment.
        session_id: Such as ``sess_…``.
        expires_at: When the session ends, in Unix seconds.
        transcription_models: What ``transcription.model`` may name; None means any.
        conversation_first: xAI: ``conversation.created`` comes before ``session.created``.
    """

    face: Face
    dialect: Dialect
    kind: SessionKind
    model: str | None
    session_id: str
    expires_at: int
    transcription_models: frozenset[str] | None = None
    conversation_first: bool = False


def conversation_created(conversation_id: str) -> tuple[str, JsonObject]:
    """Return the event that shows a new conversation."""
    return "conversation.created", {
        "conversation": {"id": conversation_id, "object": "realtime.conversation"}
    }


@frozen(kw_only=True)
class EventNames:
    """What a dialect calls the events that carry an answer, without ``.delta`` and ``.done``.

    Attributes:
        text: Written words.
        audio: Sound.
        transcript: Words of that sound.
        item_added: An item has joined the conversation.
        item_done: An item is complete; None where the dialect has no such event.
        calls_named: The end of a call's arguments names the function once more.
    """

    text: str
    audio: str
    transcript: str
    item_added: str
    item_done: str | None
    calls_named: bool = True


@frozen(kw_only=True)
class ResponseState:
    """A response as it stands.

    Attributes:
        id: Such as ``resp_…``.
        order: What was asked for.
        status: ``in_progress``, ``completed``, ``cancelled``, ``failed`` or ``incomplete``.
        details: ``status_details``.
        output: The items made so far.
        conversation_id: The conversation that they join; None out of band.
        usage: Tokens, once it is over.
    """

    id: str
    order: ResponseOrder
    status: str = "in_progress"
    details: JsonObject | None = None
    output: tuple[Item, ...] = ()
    conversation_id: str | None = None
    usage: JsonObject | None = None


class Shape(ABC):
    """One dialect, for one session.

    Attributes:
        names: What its events are called.
        items: What its items look like.
    """

    names: EventNames
    items: ItemSchema
    answers_commits: ClassVar[bool] = False
    """A commit of speech starts a response by itself."""
    commits_under_vad: ClassVar[bool] = True
    """A client may commit while the server finds the ends of turns."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms

    @abstractmethod
    def client_events(self) -> Mapping[str, Check]:
        """Return the client events of this dialect and kind of session, each with its check."""

    @property
    def session_family(self) -> str:
        """What ``.created`` and ``.updated`` are put behind."""
        return "session"

    @abstractmethod
    def new_session(self) -> JsonObject:
        """Return the session object of ``session.created``."""

    @abstractmethod
    def updated(self, session: JsonObject, update: JsonObject, *, spoke: bool) -> JsonObject:
        """Return *session* with *update* applied.

        Args:
            session: The session object in force; not changed.
            update: What the client sent.
            spoke: The model has been heard, so its voice is fixed.

        Raises:
            EventRefused: Some field is wrong; then nothing of the update applies.
        """

    @abstractmethod
    def settings(self, session: JsonObject) -> SessionSettings:
        """Read a session object."""

    @abstractmethod
    def order(
        self, session: JsonObject, params: JsonObject, read: ItemReader, *, spoke: bool
    ) -> ResponseOrder:
        """Read a ``response.create``.

        Raises:
            EventRefused: Some field is wrong.
        """

    @abstractmethod
    def response(self, state: ResponseState) -> JsonObject:
        """Return the response object of ``response.created`` and ``response.done``."""

    def opening(self, session: JsonObject, conversation_id: str) -> Sequence[tuple[str, JsonObject]]:  # noqa: ARG002  # some shapes show it
        """Return the events that open a session: their types and fields."""
        return ((f"{self.session_family}.created", {"session": session}),)

    def dress(self, event_type: str, fields: JsonObject) -> tuple[str, JsonObject]:
        """Return an event as this server words it. Called once for each event, in order."""
        return event_type, fields

    def hold_model(self, update: JsonObject) -> None:
        """Refuse an update that names another model than the session's; naming the same one is common."""
        if update.get("model", self.terms.model) != self.terms.model:
            raise invalid_value("session.model", "The model of a session cannot be changed.")

    def hold_voice(self, place: str, old: object, new: object, *, spoke: bool) -> None:
        """Refuse another voice once the model has been heard."""
        if spoke and new != old:
            raise EventRefused(
                "Cannot update a conversation's voice if assistant audio is present.",
                code="cannot_update_voice",
                param=place,
            )

    def hold_transcription_model(self, place: str, transcription: JsonObject | None) -> None:
        """Refuse a transcription model that nobody serves."""
        known = self.terms.transcription_models
        model = (transcription or {}).get("model")
        if model is not None and known is not None and model not in known:
            names = ", ".join(f"'{name}'" for name in sorted(known))
            raise invalid_value(place, f"Invalid value: '{model}'. Supported values are: {names}.")
