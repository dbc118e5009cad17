"""The types of ``openai`` 1.58.1, of beta's first months, and what later versions corrected in them.

Beta's servers have always sent what these types do not know. The package reads events without a look at its
types, so only who validates will notice; the version that a `Correction` names fits.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence

from attrs import frozen

from tests.clients.conversation import Event
from tests.clients.processes import BETA_PYTHON, BETA_VENV, Processes, Program
from tests.clients.violations import NO_SUCH_EVENT, Violation

FIRST = "1.58.1"
CORRECTED = "1.96.1"
"""Its types have all that is corrected."""


@frozen
class Correction:
    """One place where the first types say less than the wire.

    Attributes:
        place: As in `Violation`.
        kind: As in `Violation`.
        value: What stands there, as JSON.
        since: The first version whose own types have it.
        says: What it is, and who has always known, for the reference page.
    """

    place: str
    kind: str
    value: str
    since: str
    says: str

    def covers(self, violation: Violation) -> bool:
        found = (violation.place, violation.kind, violation.value)
        return found == (self.place, self.kind, self.value)


_ALWAYS = "REFC and AZ-SDK had it in 2024"
CORRECTIONS = (
    Correction(
        "previous_item_id", "string_type", "null", "1.96.0", "of the first item; AZ-SDK had it in 2024"
    ),
    Correction(
        "item.status", "literal_error", '"in_progress"', "1.96.0", f"of an item in the making; {_ALWAYS}"
    ),
    Correction(
        "response.status", "literal_error", '"in_progress"', "1.96.0", f"in `response.created`; {_ALWAYS}"
    ),
    Correction(
        "item.content[].type", "literal_error", '"audio"', "1.96.1", f"what the model said; {_ALWAYS}"
    ),
    Correction(
        "response.output[].content[].type",
        "literal_error",
        '"audio"',
        "1.96.1",
        "the same, in `response.done`",
    ),
    Correction(
        "type",
        NO_SUCH_EVENT,
        '"conversation.item.input_audio_transcription.delta"',
        "1.68.0",
        "sent since there are transcription models that stream; a client of any age passes over it",
    ),
)


class FirstTypes(Processes):
    """Beta types of several versions of ``openai``, each in a process that has it, while the block runs."""

    async def held_against(self, version: str, events: Iterable[Event]) -> list[list[Violation]]:
        """Return for each event what the beta types of ``openai`` *version* say against it."""
        return await asyncio.to_thread(self._held_against, version, tuple(events))

    def _held_against(self, version: str, events: Sequence[Event]) -> list[list[Violation]]:
        judge, says = self.of(_judge(version)), []
        for event in events:
            judge.ask(event)
            says.append([Violation(**each) for each in json.loads(judge.line())])
        return says

    async def corrections_of(self, heard: Sequence[Event]) -> list[tuple[Violation, Correction]]:
        """Return what the first types say against *heard*, each with its correction.

        Raises:
            AssertionError: Something has no correction, or the version that it names does not correct it.
        """
        by_event = await self.held_against(FIRST, heard)
        found = [(event, each) for event, said in zip(heard, by_event, strict=True) for each in said]
        missing = [violation for _, violation in found if violation.kind == "missing"]
        assert missing == []
        explained = [(event, violation, _correction(violation)) for event, violation in found]
        for version in sorted({correction.since for _, _, correction in explained}):
            concerned = [each for each in explained if each[2].since == version]
            says = await self.held_against(version, [event for event, _, _ in concerned])
            for (_, violation, _), left in zip(concerned, says, strict=True):
                assert violation.place not in {each.place for each in left}, (version, violation, left)
        return [(violation, correction) for _, violation, correction in explained]


def _judge(version: str) -> Program:
    corrected = BETA_VENV / "corrected" / version
    assert version == FIRST or corrected.is_dir(), (
        f"openai {version} is missing: make .venv/.openai-beta-ready"
    )
    judges = ("tests.clients.violations", "openai.types.beta.realtime", "realtime_server_event")
    return Program(BETA_PYTHON, judges, goes_before=None if version == FIRST else corrected)


def _correction(violation: Violation) -> Correction:
    known = [correction for correction in CORRECTIONS if correction.covers(violation)]
    assert known, f"openai {FIRST} does not know this, and no later version is named that does: {violation}"
    return known[0]
