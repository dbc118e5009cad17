"""The scoreboard tells what each proxy did, and a case that breaks is a case that failed."""

import asyncio
from collections.abc import Sequence

import pytest

from benchmarks.scoreboard.board import Cell, page
from benchmarks.scoreboard.case import Case, Outcome, Size
from benchmarks.scoreboard.parties import clients, greet_and_echo, upstream
from benchmarks.scoreboard.run import judge
from benchmarks.scoreboard.stand import Stand
from benchmarks.scoreboard.subjects import Ours, PlainRelay, Subject, all_subjects


class Echoed(Case):
    id = "Z1"
    title = "Nothing"
    bar = "a word comes back"

    async def run(self, stand: Stand, size: Size) -> Outcome:
        async with (
            upstream(greet_and_echo) as url,
            stand.proxy(url, opaque=True) as proxy,
            clients(proxy) as crowd,
            crowd.open() as client,
        ):
            await client.receive()
            await client.send_str('{"type":"word"}')
            word = (await client.receive()).data
        return Outcome(f"heard {word} | {size.value}", holds=word == '{"type":"word"}')


class Broken(Case):
    id = "Z2"
    title = "The case itself"
    bar = "is told"

    async def run(self, stand: Stand, size: Size) -> Outcome:
        raise ConnectionResetError("gone\nfor good")


class Endless(Case):
    id = "Z3"
    title = "No end"
    bar = "is ended"
    limit_s = 0.01

    async def run(self, stand: Stand, size: Size) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError


async def cells_of(case: Case, *subjects: Subject) -> Sequence[Cell]:
    return await judge([case], subjects, Size.SHORT, lambda _: None)


@pytest.mark.parametrize("subject", [Ours("fast"), Ours("aiohttp"), PlainRelay()], ids=lambda each: each.name)
async def test_a_case_meets_a_running_proxy(subject: Subject) -> None:
    (cell,) = await cells_of(Echoed(), subject)
    assert cell.text == '✔ heard {"type":"word"} \\| short'


async def test_a_case_that_breaks_or_does_not_end_has_failed() -> None:
    (broken,) = await cells_of(Broken(), PlainRelay())
    (endless,) = await cells_of(Endless(), PlainRelay())
    assert (broken.text, endless.text) == ("✘ ConnectionResetError: gone", "✘ not over after 0.01 s")


def test_the_page_has_a_row_for_each_case_and_a_column_for_each_proxy() -> None:
    subjects = all_subjects()
    cells = [Cell("Z1", each.name, reason="not asked") for each in subjects]
    text = page([Echoed()], subjects, cells, [("H2", "31 points, 0 leaks")], "On a machine.")
    assert f"| Z1 | **Nothing**: a word comes back |{' — not asked |' * 4}" in text
    assert "| H2 | 31 points, 0 leaks |" in text
    assert all(subject.title in text for subject in subjects)
