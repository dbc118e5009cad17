"""An explanation as an operator reads it: who would be picked and why, and a line for every candidate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Console, Group, RenderableType
from rich.text import Text

from realtime_lb.cli.layout import Column, as_blocks, as_table, filled, fits, folded, shown_number, shown_text
from realtime_lb.records import HealthState, Standing
from realtime_lb.snapshots import CandidateExplained, Explanation

__all__ = ["shown_explanation"]

_EXCLUDED = {
    "cannot_serve": "cannot serve such a request",
    "tags": "has none of these tags",
    "full": "full",
    "order": "a better order has room",
    "half_open": "half open: one session is trying it",
}

_SHORT_NAME = 24
"""Characters of a deployment's id in one line of a narrow screen."""

_STYLES = {HealthState.EJECTED: "red", HealthState.PARKED: "red", HealthState.COOLDOWN: "yellow"}


def shown_explanation(told: Explanation, affinity: str | None, console: Console) -> RenderableType:
    """Return all that *told* says, as wide as *console* allows."""
    return Group(*_verdict(told, affinity), Text(), *_candidates(told, console))


def _candidates(told: Explanation, console: Console) -> Iterable[RenderableType]:
    """Return a table with a note behind each line; where that is too wide, the notes stand below."""
    names, *figures = _columns(told)
    notes = Column("note", [_note(c) for c in told.candidates])
    whole = as_table(filled([names, *figures, notes]))
    if fits(whole, console):
        return [whole]
    for columns in ([names, *figures], [folded(names, _SHORT_NAME), *figures]):
        table = as_table(filled(columns))
        if fits(table, console):
            return [table, *_notes_below(told.candidates)]
    return as_blocks(filled([names, *figures, notes]))


def _verdict(told: Explanation, affinity: str | None) -> Iterator[Text]:
    asked = told.model or told.model_group
    name = asked if asked == told.model_group else f"{asked} ({told.model_group})"
    if told.picked is None:
        yield Text.assemble(("✗ ", "red"), shown_text(name), " → ", ("nowhere", "bold red"))
        yield shown_text(f"  {told.refusal}")
    else:
        yield Text.assemble(("✓ ", "green"), shown_text(name), " → ", shown_text(told.picked, "bold green"))
        yield shown_text(f"  {_why(told, told.picked, affinity)}")
    if told.fallbacks:
        when = "then tries" if told.picked is None else "if that fails, tries"
        yield shown_text(f"  {when} {', '.join(told.fallbacks)}", "dim")


def _why(told: Explanation, picked: str, affinity: str | None) -> str:
    """Return why *picked* is picked, in a sentence."""
    if told.panic:
        return "nobody who is well has room: this is the least bad of the rest"
    asked = [c for c in told.candidates if not c.excluded]
    if len(asked) == 1:
        if asked[0].standing.state is HealthState.HALF_OPEN:
            return "nobody else is left: one session tries whether it is well again"
        return "the only one that is in question"
    who = "its affinity" if affinity else told.strategy
    return _by_score(told, picked, who, {c.deployment: c.score for c in asked if c.score is not None})


def _by_score(told: Explanation, picked: str, who: str, scores: Mapping[str, float]) -> str:
    if who == "simple-shuffle":
        return f"drawn by {who}, with chances as the scores are"
    best = (min if told.lower_is_better else max)(scores.values(), default=None)
    if best is None or scores.get(picked) != best:
        return f"chosen by {who}"  # which may look at more than the scores
    way = "lowest" if told.lower_is_better else "highest"
    equals = sum(score == best for score in scores.values())
    tie = f", which {equals} have" if equals > 1 else ""
    return f"chosen by {who}: the {way} score of {len(scores)}{tie}"


def _columns(told: Explanation) -> list[Column]:
    every = told.candidates
    tiers = [shown_number(c.order) for c in every] if len({c.order for c in every}) > 1 else []
    return [
        Column("  deployment", [_name(c, picked=c.deployment == told.picked) for c in every]),
        Column("score", [shown_number(c.score, ".3g") for c in every], right=True),
        Column("live", [Text(_live(c)) for c in every], right=True),
        *([Column("order", tiers, right=True)] if tiers else []),
        Column("first\nevent", [_duration(c.first_event_s) for c in every], right=True),
        Column("first\naudio", [_duration(c.first_audio_s) for c in every], right=True),
        Column("head-\nroom", [shown_number(c.headroom, ".0%") for c in every], right=True),
        Column("$/min", [shown_number(c.price_per_minute, ".3g") for c in every], right=True),
    ]


def _name(candidate: CandidateExplained, *, picked: bool) -> Text:
    style = "bold green" if picked else "dim" if candidate.excluded else ""
    return Text.assemble(("✓ " if picked else "  ", "green"), shown_text(candidate.deployment, style))


def _live(candidate: CandidateExplained) -> str:
    cap = "" if candidate.max_sessions is None else f"/{candidate.max_sessions}"
    return f"{candidate.live_sessions}{cap}"


def _duration(seconds: float | None) -> Text:
    if seconds is None:
        return Text()
    if seconds < 1:
        return Text(f"{seconds * 1000:.0f} ms")
    return Text(f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s")


def _note(candidate: CandidateExplained) -> Text:
    """Return why *candidate* is out, and for how long; or what is special about one that is not."""
    standing = candidate.standing
    if candidate.excluded in _EXCLUDED:
        return Text(_EXCLUDED[candidate.excluded], "dim")
    if candidate.excluded:
        return shown_text(_of_health(standing, candidate.excluded), _STYLES.get(standing.state, ""))
    if standing.state is not HealthState.ELIGIBLE:
        return Text(_of_health(standing, standing.state), "yellow")
    return Text("last resort: it failed of late", "yellow") if standing.last_resort else Text()


def _of_health(standing: Standing, state: str) -> str:
    reason = f": {_words(standing.reason)}" if standing.reason != "ok" else ""
    left = "" if standing.left_s is None else f", {_left(standing.left_s)} left"
    return f"{_words(state)}{reason}{left}"


def _left(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _notes_below(candidates: Sequence[CandidateExplained]) -> Iterator[RenderableType]:
    noted = [(c, note) for c in candidates if (note := _note(c)).plain]
    if noted:
        yield Text()
    for candidate, note in noted:
        yield Text.assemble("  ", shown_text(candidate.deployment), ": ", note)
