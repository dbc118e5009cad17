"""Which subjects meet which patterns, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from benchmarks.rig.bench import Pattern
from benchmarks.rig.options import Options, Sizes
from benchmarks.rig.patterns.churn import Churn
from benchmarks.rig.patterns.flood import Flood
from benchmarks.rig.patterns.idle import Idle
from benchmarks.rig.patterns.opens import Opens, Storm
from benchmarks.rig.patterns.voice import Voice
from benchmarks.rig.subjects import Subject
from benchmarks.rig.subjects.direct import Direct

__all__ = ["Carousel", "Turn", "chosen", "growth_name", "turns"]

SLOW_SHARE = 10


@frozen
class Turn:
    """One start of one subject.

    Attributes:
        round: From 1.
        subject: Who.
        patterns: What is done to it, in this order.
    """

    round: int
    subject: Subject
    patterns: tuple[Pattern, ...]


@frozen
class Carousel:
    """Subjects that are all started, with sessions open to each, and have short turns one after the other.

    So what else goes on at this hour meets all of them. Were each measured at one piece, it would be chance
    whom it meets.

    Attributes:
        round: From 1.
        subjects: Who, in this order.
        settling: What is done to each at first, so that it holds what it will hold.
        patterns: What is done to one in its turn, in this order, to the same sessions.
        sweeps: How many turns each has.
    """

    round: int
    subjects: tuple[Subject, ...]
    settling: Voice
    patterns: tuple[Voice, ...]
    sweeps: int


def chosen(subjects: Sequence[Subject], only: Sequence[str]) -> list[Subject]:
    """Return the subjects that are asked for, and no proxy: it is what the others are given over."""
    return [each for each in subjects if not only or each.name in only or isinstance(each, Direct)]


def turns(subjects: Sequence[Subject], options: Options) -> Iterator[Turn | Carousel]:
    """Yield every turn of a run.

    In each round every subject has one turn of each stage. Each round begins with another subject, so that
    none always comes first, or always in the hour at which the machine does something else.
    """
    for number in range(1, options.rounds + 1):
        first = (number - 1) * len(subjects) // options.rounds
        for stage in options.stages:
            if number > 1 and stage in {"idle", "churn"}:
                continue
            order = (*subjects[first:], *subjects[:first])
            if stage == "session":
                yield _carousel(number, order, options.sizes)
            for subject in order:
                if patterns := _patterns(stage, subject, options.sizes):
                    yield Turn(number, subject, patterns)


def growth_name(sessions: int) -> str:
    """Return what the voice pattern is called in the growth stage."""
    return f"voice-{sessions}"


def _carousel(number: int, subjects: Sequence[Subject], sizes: Sizes) -> Carousel:
    count, seconds, warm_s = sizes.voice_sessions, sizes.voice_s, sizes.warm_s
    return Carousel(
        number,
        tuple(each for each in subjects if "session" in each.stages),
        Voice(count, sizes.settle_s, 0.0, name="settling"),
        (
            Voice(count, seconds, warm_s),
            Voice(count, seconds, warm_s, sizes.heap_ms, "heaps"),
        ),
        sizes.sweeps,
    )


def _patterns(stage: str, subject: Subject, sizes: Sizes) -> tuple[Pattern, ...]:
    if stage not in subject.stages:
        return ()
    if stage == "growth":
        # The scheme of the upstream changes what a frame costs, but not how that grows.
        few_and_many = () if subject.tls else sizes.growth_sessions
        return tuple(
            Voice(each, sizes.growth_s, sizes.settle_s, name=growth_name(each)) for each in few_and_many
        )
    if stage == "idle":
        return (Idle(sizes.idle_sessions // (SLOW_SHARE if subject.is_slow else 1), sizes.idle_s),)
    if stage == "churn":
        return (Churn(sizes.churn_sessions, sizes.churn_limit_s),)
    return (
        Flood(sizes.flood_sessions, sizes.flood_s),
        Opens(sizes.opens),
        Storm(sizes.storm_s),
    )
