"""Explanations and sessions, as a terminal shows them: true, whole, and no wider than it is."""

import io
from typing import Any

import pytest
from attrs import evolve
from rich.console import Console

from realtime_lb.cli.explained import shown_explanation
from realtime_lb.cli.sessions import shown_sessions
from realtime_lb.records import HealthState, Standing, Usage
from realtime_lb.snapshots import CandidateExplained, Explanation, SessionSnapshot
from realtime_lb.verdicts import Meaning


def candidate(name: str, **known: Any) -> CandidateExplained:
    plain = CandidateExplained(
        deployment=name,
        score=0.25,
        excluded="",
        standing=Standing(),
        live_sessions=3,
        max_sessions=20,
        order=1,
        first_event_s=0.21,
        first_audio_s=1.2,
        headroom=0.4,
        price_per_minute=0.048,
    )
    return evolve(plain, **known)


OUT = Standing(state=HealthState.EJECTED, reason=Meaning.UNREACHABLE, left_s=90.0)
TOLD = Explanation(
    model="gpt-4o",
    model_group="voice",
    strategy="adaptive",
    picked="azure-sweden",
    refusal="",
    lower_is_better=True,
    panic=False,
    candidates=(
        candidate("azure-sweden"),
        candidate("openai", score=0.5, order=2),
        candidate("azure-eastus2-of-the-other-team", score=None, excluded="ejected", standing=OUT),
    ),
    fallbacks=("backup",),
)


def printed(what: Any, width: int) -> list[str]:
    screen = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    screen.print(what(screen))
    assert isinstance(screen.file, io.StringIO)
    return [line.rstrip() for line in screen.file.getvalue().splitlines()]


def squeezed(lines: list[str]) -> str:
    """Undo what folding may have done."""
    return "".join("".join(lines).split())


@pytest.mark.parametrize("width", [40, 80, 120])
def test_an_explanation_fits_its_terminal_and_loses_nothing(width: int) -> None:
    lines = printed(lambda screen: shown_explanation(TOLD, None, screen), width)
    assert max(map(len, lines)) <= width
    text = squeezed(lines)
    for shown in (
        "✓ gpt-4o (voice) → azure-sweden",
        "chosen by adaptive: the lowest score of 2",
        "if that fails, tries backup",
        *("0.25", "3/20", "210 ms", "1.2 s", "40%", "0.048"),
        "ejected: unreachable, 90 s left",
    ):
        assert squeezed([shown]) in text
    assert ("note" in text) == (width != 80), "there, the notes stand below the table"


@pytest.mark.parametrize(
    ("changed", "affinity", "why"),
    [
        ({"strategy": "simple-shuffle"}, None, "drawn by simple-shuffle, with chances as the scores are"),
        ({"lower_is_better": False}, None, "chosen by adaptive"),
        (
            {"picked": "openai", "lower_is_better": False},
            "x",
            "chosen by its affinity: the highest score of 2",
        ),
        ({"panic": True}, None, "nobody who is well has room: this is the least bad of the rest"),
        ({"candidates": (candidate("azure-sweden"),)}, None, "the only one that is in question"),
        (
            {"candidates": (candidate("azure-sweden"), candidate("b"))},
            None,
            "chosen by adaptive: the lowest score of 2, which 2 have",
        ),
        (
            {
                "candidates": (
                    candidate("azure-sweden", standing=Standing(state=HealthState.HALF_OPEN)),
                    TOLD.candidates[2],
                )
            },
            None,
            "nobody else is left: one session tries whether it is well again",
        ),
    ],
)
def test_the_reason_is_the_true_one(changed: dict[str, Any], affinity: str | None, why: str) -> None:
    told = evolve(TOLD, **changed)
    assert printed(lambda screen: shown_explanation(told, affinity, screen), 120)[1].strip() == why


@pytest.mark.parametrize(
    ("known", "note"),
    [
        ({"standing": Standing(last_resort=True)}, "last resort: it failed of late"),
        ({"standing": Standing(state=HealthState.SLOW_START, left_s=9.0)}, "slow start, 9 s left"),
        (
            {
                "excluded": "parked",
                "standing": Standing(state=HealthState.PARKED, reason=Meaning.BAD_CREDENTIAL),
            },
            "parked: bad credential",
        ),
        ({"excluded": "cannot_serve"}, "cannot serve such a request"),
        ({"excluded": "something_new"}, "something new"),
    ],
)
def test_a_candidate_has_a_note_where_there_is_something_to_note(known: dict[str, Any], note: str) -> None:
    told = evolve(TOLD, candidates=(candidate("odd", **known),))
    assert printed(lambda screen: shown_explanation(told, None, screen), 120)[-1].endswith(f"  {note}")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_sessions_fit_their_terminal_and_lose_nothing(width: int) -> None:
    """What a stranger may have named is shown without what would steer the terminal."""
    live = [
        SessionSnapshot(
            id=f"rlb_{number:024}",
            model_group="voice" if number else None,
            deployment=f"azure-{number % 2}" if number else None,
            principal="master_key",
            client_address="10.0.0.9\x1b[2J",
            age_s=3725.0,
            usage=Usage(responses=3, input_tokens=1000, output_tokens=234),
        )
        for number in range(4)
    ]
    lines = printed(lambda screen: shown_sessions(live, screen), width)
    assert max(map(len, lines)) <= width
    text = squeezed(lines)
    for session in live:
        assert session.id in text
    for shown in ("beingplaced", "azure-1", "62:05", "10.0.0.9?[2J", "1,234"):
        assert shown in text
    assert "\x1b" not in text
    assert ("2sessionsofvoice" in text) == (width == 80)
