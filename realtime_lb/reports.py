"""What sessions show of their deployments, told to those who remember it: one way from outcome to health."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from attrs import define, evolve, field

from realtime_lb.abc import ProviderAdapter
from realtime_lb.deployments import Deployment
from realtime_lb.errors import DialError
from realtime_lb.events import STREAMED, event_of
from realtime_lb.frames import Close, Frame
from realtime_lb.health import (
    Health,
    Signals,
    TurnClock,
    classify,
    outcome_of_event,
    outcome_of_failure,
)
from realtime_lb.records import HealthChanged, Record
from realtime_lb.requests import SessionRequest
from realtime_lb.typing import Clock, JsonObject, Secret, hidden
from realtime_lb.verdicts import Meaning, Outcome, Verdict, What

__all__ = ["Reports", "Watch"]

_log = logging.getLogger("realtime_lb")

_ACCEPTED = Outcome(what=What.ACCEPTED)


@define(kw_only=True, eq=False)
class Reports:
    """Turns what happened into verdicts, and verdicts into what is remembered.

    Attributes:
        health: Remembers who may be picked.
        signals: Remembers how good they are.
        providers: Adapters by name, each of which may read its provider's words itself.
        emit: Takes the record of a change.
        clock: Monotonic seconds.
        is_known: Says whether what a deployment shows is still of use.
        on_accepted: Called with each deployment of which a dial was accepted, after it was taken in.
        on_failed: The same for one that failed, with the reason.
    """

    health: Health
    signals: Signals
    providers: Mapping[str, ProviderAdapter]
    emit: Callable[[Record], None]
    clock: Clock
    is_known: Callable[[Deployment], bool] = field(default=lambda _: True)
    on_accepted: Callable[[Deployment], None] = field(default=lambda _: None)
    on_failed: Callable[[Deployment, DialError], None] = field(default=lambda *_: None)

    def verdict(self, deployment: Deployment, outcome: Outcome) -> Verdict:
        """Return what *outcome* means at *deployment*, without remembering it."""
        try:
            said = self.providers[deployment.provider].classify(outcome)
        except Exception:  # noqa: BLE001  # an adapter may be anybody's, and the common table knows most
            _log.exception("an adapter raised, asked what became of %s", deployment.id)
            said = None
        return said or classify(outcome)

    def refuses_credential(self, deployment: Deployment, error: DialError) -> bool:
        """Say whether *error* means that the credential was refused."""
        verdict = self.verdict(deployment, outcome_of_failure(error))
        return verdict.meaning is Meaning.BAD_CREDENTIAL

    def accepted(self, deployment: Deployment, first_event_s: float) -> Verdict:
        """Take in that a dial was accepted, *first_event_s* after it began."""
        if self.is_known(deployment):
            self.signals.opened(deployment.id, first_event_s)
        verdict = self._take(deployment, _ACCEPTED)
        self.on_accepted(deployment)
        return verdict

    def failed(self, deployment: Deployment, error: DialError, request: SessionRequest) -> Verdict:
        """Take in that a dial failed."""
        outcome = outcome_of_failure(error)
        outcome = evolve(outcome, attached=_by_own_wish(deployment, request, outcome))
        verdict = self._take(deployment, outcome, str(error))
        self.on_failed(deployment, error)
        return verdict

    def outpaced(self, deployment: Deployment, waited_s: float) -> Verdict:
        """Take in that another dial was accepted while this one, begun before, had waited *waited_s*."""
        if self.is_known(deployment):
            self.signals.outpaced(deployment.id, waited_s)
        return self._take(deployment, Outcome(what=What.OUTPACED), f"not done after {waited_s:.2f} s")

    def abandoned(self, deployment: Deployment, waited_s: float) -> None:
        """Take in that nobody waits for this dial any more, which says little: it had taken *waited_s*."""
        if self.is_known(deployment):
            self.signals.abandoned(deployment.id, waited_s)
        self.health.abandoned(deployment)

    def answered(self, deployment: Deployment, waited_s: float) -> None:
        """Take in that a session was answered, *waited_s* after its turn."""
        if self.is_known(deployment):
            self.signals.answered(deployment.id, waited_s)

    def used(self, deployment: Deployment, tokens: int) -> None:
        """Take in that a response was billed for so many tokens."""
        if self.is_known(deployment):
            self.signals.used(deployment.id, tokens)

    def closed(
        self, deployment: Deployment, close: Close, opened_s: float, *, attached: bool = False
    ) -> Verdict:
        """Take in that the upstream ended a session, or stopped reading it; return what that means.

        Args:
            deployment: Whose session.
            close: How it ended.
            opened_s: How long it had been open, in seconds.
            attached: It was that of a call of the client's own, which ends when it ends.
        """
        outcome = Outcome(
            what=What.CLOSED,
            close_code=close.code,
            message=close.reason,
            opened_s=opened_s,
            attached=attached,
        )
        return self._take(deployment, outcome, f"closed a session with {close.code}")

    def said(self, deployment: Deployment, event: JsonObject) -> None:
        """Take in an event that may say something about its deployment: an error, an answer, its limits."""
        if event.get("type") == "rate_limits.updated":
            limits = event.get("rate_limits")
            if self.is_known(deployment):
                self.signals.limited(deployment.id, limits if isinstance(limits, list) else ())
            return
        outcome = outcome_of_event(event)
        if outcome is not None:
            self._take(deployment, outcome, outcome.message or outcome.code or outcome.what)

    def _take(self, deployment: Deployment, outcome: Outcome, detail: str = "") -> Verdict:
        verdict = self.verdict(deployment, outcome)
        if not self.is_known(deployment):
            return verdict
        self.signals.failed(deployment.id, verdict)
        changed = self.health.report(deployment, verdict, what=outcome.what)
        if changed is not None:
            self.emit(
                HealthChanged(
                    deployment=deployment.id,
                    model_group=deployment.model_group,
                    standing=changed,
                    detail=hidden(detail, _secrets_of(deployment)),
                )
            )
        return verdict


def _secrets_of(deployment: Deployment) -> Sequence[Secret]:
    """Return what an upstream may repeat in its errors; a token that is fetched is not among it."""
    entra = deployment.entra.client_secret if deployment.entra is not None else None
    named = (deployment.api_key, deployment.azure_ad_token, entra, *deployment.extra_headers.values())
    return [secret for secret in named if secret is not None]


def _by_own_wish(deployment: Deployment, request: SessionRequest, outcome: Outcome) -> bool:
    """Say whether the client asked for something that may not be there: what it names must eject nobody."""
    if request.call_id is not None or request.intent == "transcription" or "*" in deployment.model_group:
        return True
    bad_value = outcome.status == 400 or outcome.code == "invalid_value"
    return bad_value and bool(request.forwarded_headers)


_TELLING = frozenset({"error", "rate_limits.updated"})
"""Events that say something of their deployment, beside ``response.done``, which its meter has parsed."""


class Watch:
    """Follows one live session for what it shows of its deployment.

    Args:
        reports: Who is told.
        deployment: Where the session is.

    Attributes:
        is_streamed_to: The upstream's last event was a piece of an answer. Another tells nothing new.
    """

    __slots__ = ("_deployment", "_reports", "_turns", "is_streamed_to")

    def __init__(self, reports: Reports, deployment: Deployment) -> None:
        self._reports = reports
        self._deployment = deployment
        self._turns = TurnClock()
        self.is_streamed_to = False

    def client_sent(self, kind: str) -> None:
        """Follow the client's event of this type."""
        self._turns.client_sent(kind, self._reports.clock())

    def upstream_sent(self, kind: str, frame: Frame) -> None:
        """Follow the upstream's event of this type."""
        self.is_streamed_to = kind in STREAMED
        waited_s = self._turns.upstream_sent(kind, self._reports.clock())
        if waited_s is not None:
            self._reports.answered(self._deployment, waited_s)
        if kind in _TELLING and (event := event_of(frame)) is not None:
            self._reports.said(self._deployment, event)

    def responded(self, event: JsonObject, tokens: int) -> None:
        """Take in a ``response.done``, and the tokens that it was billed for."""
        self._reports.used(self._deployment, tokens)
        self._reports.said(self._deployment, event)
