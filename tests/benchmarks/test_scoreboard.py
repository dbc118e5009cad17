"""The scoreboard tells what each proxy did, and a case that breaks is a case that failed."""

import asyncio
from pathlib import Path

import pytest

from benchmarks.scoreboard.board import Cell, page
from benchmarks.scoreboard.case import Case, Outcome, Size
from benchmarks.scoreboard.parties import clients, greet_and_echo, upstream
from benchmarks.scoreboard.record import Record
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


async def cells_of(case: Case, subject: Subject, record: Path, *, resumes: bool = False) -> list[Cell]:
    kept = Record(record, resumes)
    await judge([case], [subject], Size.SHORT, kept, lambda _: None)
    return list(kept)


@pytest.mark.parametrize("subject", [Ours("fast"), Ours("aiohttp"), PlainRelay()], ids=lambda each: each.name)
async def test_a_case_meets_a_running_proxy(subject: Subject, tmp_path: Path) -> None:
    (cell,) = await cells_of(Echoed(), subject, tmp_path / "seen.json")
    assert cell.text == '✔ heard {"type":"word"} \\| short'


async def test_a_case_that_breaks_or_does_not_end_has_failed(tmp_path: Path) -> None:
    (broken,) = await cells_of(Broken(), PlainRelay(), tmp_path / "broken.json")
    (endless,) = await cells_of(Endless(), PlainRelay(), tmp_path / "endless.json")
    assert (broken.text, endless.text) == ("✘ ConnectionResetError: gone", "✘ not over after 0.01 s")


async def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    seen = tmp_path / "seen.json"
    await cells_of(Broken(), PlainRelay(), seen)
    both = await cells_of(Endless(), PlainRelay(), seen, resumes=True)
    assert [cell.case for cell in both] == ["Z2", "Z3"]
    assert await cells_of(Broken(), PlainRelay(), seen, resumes=True) == both
    (anew,) = await cells_of(Endless(), PlainRelay(), seen)
    assert anew.case == "Z3"


def test_the_page_has_a_row_for_each_case_and_a_column_for_each_proxy() -> None:
    subjects = all_subjects()
    cells = [Cell("Z1", each.name, reason="not asked") for each in subjects]
    text = page([Echoed()], subjects, cells, [("H2", "31 points, |t| = 0")], "On a machine.")
    assert f"| Z1 | **Nothing**: a word comes back |{' — not asked |' * 4}" in text
    assert r"| H2 | 31 points, \|t\| = 0 |" in text
    assert all(subject.title in text for subject in subjects)
