"""The benchmark of choosing: what it says of `adaptive` holds, and it says the same again."""

import asyncio
import random
from pathlib import Path

import pytest

from benchmarks.choosing.checks import checks
from benchmarks.choosing.nodes import Node, NodeSpec
from benchmarks.choosing.phases import Phase, Script
from benchmarks.choosing.report import save
from benchmarks.choosing.runs import Plan, Results, ran
from benchmarks.choosing.statistics import estimate, holm, p_greater, student_tail
from benchmarks.choosing.tables import section
from realtime_lb.testing.clock import run_jumping

SCENARIOS = ("slow", "limiting")


@pytest.fixture(scope="module")
def results() -> Results:
    return ran(Plan(SCENARIOS, ("adaptive",), seeds=2), opens=120, processes=1)


def test_no_open_fails_while_somebody_is_well(results: Results) -> None:
    for scenario in SCENARIOS:
        assert [found.avoidable for found in results.of(scenario, "adaptive")] == [0, 0]
        assert results.column(scenario, "adaptive", "failed") == [0, 0]


def test_a_dial_is_an_opens_and_nothing_elses(results: Results) -> None:
    """No session moves by itself; what is more than one is a retry, a hedge, or part of the filling."""
    for scenario in SCENARIOS:
        assert all(1 <= dials <= 1.2 for dials in results.column(scenario, "adaptive", "dials"))


def test_a_slow_endpoint_loses_its_new_sessions(results: Results) -> None:
    assert all(found.faulty_share <= 0.2 for found in results.of("slow", "adaptive"))


def test_an_endpoint_that_answers_429_is_hardly_dialled(results: Results) -> None:
    """At so few opens its probes alone are more than one dial in twenty."""
    for found in results.of("limiting", "adaptive"):
        assert found.faulty_dial_share <= 0.1
        assert found.faulty_dials_per_minute <= 2


def test_the_same_seeds_give_the_same_table(results: Results) -> None:
    again = ran(Plan(("slow",), ("adaptive",), seeds=2), opens=120, processes=1)
    assert section(again, "slow") == section(results, "slow")


def test_live_results_have_a_page_of_their_own(results: Results, tmp_path: Path) -> None:
    (tmp_path / "reference").mkdir()
    (page,) = save(results, checks(results, live=True), tmp_path, live=True)
    text = page.read_text()
    assert page.name == "choosing-benchmark-live.md"
    assert "| **adaptive** |" in text
    assert "simulated runs" not in text


def test_every_check_says_what_it_measured(results: Results) -> None:
    found = [str(check) for check in checks(results)]
    assert any(line.startswith("PASS") and "slow endpoint loses" in line for line in found)


@pytest.mark.parametrize("phase", [Phase(), Phase(slowness=10.0), Phase(opens_per_s=0.5)])
def test_the_oracle_expects_what_comes(phase: Phase) -> None:
    """Without noise it is right to the moment, also of those who have to stand in line."""

    async def story() -> None:
        node = Node(NodeSpec(name="n", capacity=2.0, spread=0.0, script=Script((phase,))), random.Random(1))
        loop = asyncio.get_running_loop()

        async def opened() -> None:
            expected_s, began_s = node.expected_first_event_s(), loop.time()
            session = await node.dialled()
            heard = loop.create_future()
            pumping = asyncio.create_task(session.pump(lambda _: heard.set_result(loop.time())))
            assert await heard - began_s == pytest.approx(expected_s)
            await session.close()
            await pumping

        async with asyncio.TaskGroup() as callers:
            callers.create_task(opened())
            await asyncio.sleep(0.001)
            callers.create_task(opened())

    run_jumping(story())


def test_the_statistics_are_those_of_the_textbook() -> None:
    assert student_tail(2.045, 29) == pytest.approx(0.025, abs=1e-4)
    assert estimate([1.0, 2.0, 3.0]).margin == pytest.approx(2.484, abs=1e-3)
    assert p_greater([2.0, 3.0, 4.0], [1.0, 2.5, 2.9]) == pytest.approx(0.0215, abs=1e-4)
    assert holm([0.001, 0.04, 0.03]) == [True, False, False]
