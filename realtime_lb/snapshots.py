"""What a router shows of itself when it is asked: frozen values of one moment."""

from __future__ import annotations

from attrs import frozen

from realtime_lb.records import Standing, Usage

__all__ = [
    "CandidateExplained",
    "DeploymentSnapshot",
    "Explanation",
    "Reconfigured",
    "RouterSnapshot",
    "SessionSnapshot",
]


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
        standing: Its health.
    """

    id: str
    model_group: str
    provider: str
    model: str
    dialect: str
    order: int | None
    live_sessions: int
    max_sessions: int | None
    standing: Standing


@frozen(kw_only=True)
class SessionSnapshot:
    """A live session at one moment.

    Attributes:
        id: Our name for it.
        model_group: What it was placed in; None while that is not known.
        deployment: Where it is, by id; None while it is being placed.
        principal: Who called.
        client_address: Where from.
        age_s: Since its request.
        usage: Tokens so far.
    """

    id: str
    model_group: str | None
    deployment: str | None
    principal: str
    client_address: str | None
    age_s: float
    usage: Usage


@frozen(kw_only=True)
class CandidateExplained:
    """What a deployment is worth to the next open, and why.

    Attributes:
        deployment: Its id.
        score: What the strategy makes of it; None where it is not asked.
        excluded: Why the strategy is not asked: ``cannot_serve``, ``tags``, ``drained``, ``full``,
            ``order``, or its state of health. Empty where it is.
        standing: Its health.
        live_sessions: Leases out on it.
        max_sessions: Its cap.
        order: Its tier.
        first_event_s, first_audio_s, headroom, price_per_minute: What the strategy sees.
    """

    deployment: str
    score: float | None
    excluded: str
    standing: Standing
    live_sessions: int
    max_sessions: int | None
    order: int | None
    first_event_s: float | None
    first_audio_s: float | None
    headroom: float
    price_per_minute: float | None


@frozen(kw_only=True)
class Explanation:
    """Where the next session for a model would go, and why.

    Attributes:
        model: What was asked for.
        model_group: What that means.
        strategy: Who decides.
        picked: Where it would go, by id; None if nowhere.
        refusal: What the client would be told instead; empty if it would be placed.
        lower_is_better: How to read the scores.
        panic: Only those are left that failed of late: the least bad is used.
        candidates: Every deployment of the group, in the configuration's order.
        fallbacks: The groups that would be tried next.
    """

    model: str | None
    model_group: str
    strategy: str
    picked: str | None
    refusal: str
    lower_is_better: bool
    panic: bool
    candidates: tuple[CandidateExplained, ...]
    fallbacks: tuple[str, ...]


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


@frozen(kw_only=True)
class Reconfigured:
    """What another configuration has changed.

    Attributes:
        added: Ids of deployments that were not there before.
        removed: Ids of those that are not there any more.
        changed: Ids of those that reach another upstream now, or with other words.
        moving: How many sessions leave those.
        fixed: What is different in it and stays as it was, such as ``server.master_key``.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    moving: int
    fixed: tuple[str, ...]
