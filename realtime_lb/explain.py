"""Why a session would go where it would: the questions of a pick, answered without dialling."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

from attrs import evolve

from realtime_lb.abc import Strategy
from realtime_lb.chooser import Able, Chooser, Field
from realtime_lb.deployments import Deployment, ModelGroup
from realtime_lb.requests import SessionRequest
from realtime_lb.snapshots import CandidateExplained, Explanation

__all__ = ["explain"]


def explain(
    chooser: Chooser, strategy: str, groups: Sequence[ModelGroup], request: SessionRequest
) -> Explanation:
    """Return where *request* would go now. Changes nothing.

    Args:
        chooser: Whose choice it is.
        strategy: What its strategy is called.
        groups: The group that the request means, then its fallbacks.
        request: What is asked for.
    """
    chooser = evolve(chooser, strategy=_copied(chooser.strategy))
    able = chooser.able(groups[0], request)
    for deployment in able.deployments:
        able.can(deployment)
    field = chooser.field(able, ())
    pick = chooser.pick(able, field) if field.candidates else None
    refusal = None if pick else chooser.nobody(able, field).refusal
    scores = pick.scores if pick else {}
    return Explanation(
        model=request.model,
        model_group=groups[0].name,
        strategy=strategy,
        picked=pick.candidate.deployment.id if pick else None,
        refusal="" if refusal is None else str(refusal),
        lower_is_better=pick.lower_is_better if pick else True,
        panic=field.panic,
        candidates=tuple(
            _candidate(chooser, d, able, field, scores.get(d.id)) for d in groups[0].deployments
        ),
        fallbacks=tuple(group.name for group in groups[1:]),
    )


def _copied(strategy: Strategy) -> Strategy:
    """A strategy may remember what it picks."""
    try:
        return deepcopy(strategy)
    except TypeError:  # somebody's own holds what cannot be copied
        return strategy


def _candidate(
    chooser: Chooser, deployment: Deployment, able: Able, field: Field, score: float | None
) -> CandidateExplained:
    seen = chooser.signals.candidate(deployment, chooser.leases.live(deployment.id))
    return CandidateExplained(
        deployment=deployment.id,
        score=score,
        excluded=_excluded(chooser, deployment, able, field),
        standing=chooser.health.standing(deployment, able.deployments),
        live_sessions=seen.live_sessions,
        max_sessions=deployment.max_sessions,
        order=deployment.order,
        first_event_s=seen.first_event_s,
        first_audio_s=seen.first_audio_s,
        headroom=seen.headroom,
        price_per_minute=seen.price_per_minute,
    )


def _excluded(chooser: Chooser, deployment: Deployment, able: Able, field: Field) -> str:
    """Return the first question that *deployment* did not pass; empty if it passed all."""
    if deployment.id in able.excluded:
        return able.excluded[deployment.id]
    if deployment.id in chooser.drained:
        return "drained"
    if any(c.deployment.id == deployment.id for c in field.candidates):
        return ""
    if deployment not in field.triage.eligible:
        return str(chooser.health.standing(deployment, able.deployments).state)
    return "order" if chooser.has_room(deployment) else "full"
