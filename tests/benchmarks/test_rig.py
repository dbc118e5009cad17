"""The rig runs from the command line, and its table says what it did and what it could not."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.rig.options import parse
from benchmarks.rig.programme import Carousel, Turn, turns
from benchmarks.rig.samples import Run, Sample, SubjectFacts
from benchmarks.rig.subjects import all_subjects
from benchmarks.rig.summary import summarize
from benchmarks.rig.table import render
from tests.house.sizes import oversized

ROOT = Path(__file__).parents[2]
NAMES = [each.name for each in all_subjects()]


def run_rig(*arguments: str, json_file: Path) -> tuple[str, dict[str, Any]]:
    argv = [sys.executable, "-m", "benchmarks.rig", "--quick", "--json", str(json_file), *arguments]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(json_file.read_text())


def test_a_quick_run_loses_nothing_and_measures_everything(tmp_path: Path) -> None:
    table, written = run_rig("--only", "relay", json_file=tmp_path / "run.json")
    direct, relay = (line for line in table.splitlines() if line.startswith(("| no proxy", "| 40 lines")))
    assert direct.endswith("| 100 % |")
    assert relay.endswith("| 100 % |")
    assert "a quick run" in table
    figures = written["summary"]["relay"]
    for measure in (
        "voice.cpu_us_per_frame",
        "voice.latency_p99_ms",
        "flood.frames_per_s",
        "storm.opens_per_s",
    ):
        assert figures[measure]["median"] > 0, measure
    assert {"idle.pss_kb_per_session", "churn.rss_growth", "opens.added_created_p50_ms"} <= figures.keys()
    assert written["machine"]["kernel"]


def test_the_gateway_is_measured_over_tls(tmp_path: Path) -> None:
    arguments = ("--only", "ours-aiohttp-wss", "--stages", "session", "--seconds", "0.3")
    table, written = run_rig(*arguments, json_file=tmp_path / "run.json")
    assert written["summary"]["ours-aiohttp-wss"]["voice.delivered"]["median"] == 1, table


def made_up_run() -> Run:
    machine = dict.fromkeys(("cpu", "cores", "kernel", "python", "date", "commit"), "?")
    options = {
        "rounds": 3,
        "quick": False,
        "sizes": {
            "voice_sessions": 1,
            "voice_s": 1,
            "sweeps": 1,
            "heap_ms": 1,
            "growth_sessions": [50, 400],
            "idle_sessions": 2000,
        },
    }
    run = Run(
        machine | {"core_of_rig": 0, "core_of_proxy": 1, "seconds": 60},
        options,
        [
            SubjectFacts("direct", "no proxy", reads_events=False, tls=False, version=""),
            SubjectFacts("haproxy", "HAProxy", reads_events=False, tls=False, version="2.6"),
            SubjectFacts("relay", "a relay", reads_events=False, tls=False, version="3"),
            SubjectFacts(
                "nginx", "nginx", reads_events=False, tls=False, version="", missing="not installed"
            ),
        ],
    )
    for number, direct_ms in enumerate((0.1, 0.2, 0.3), start=1):
        run.samples += [
            Sample("direct", number, "voice", {"latency_p50_ms": direct_ms}),
            Sample("haproxy", number, "voice", {"cpu_us_per_frame": 10.0, "latency_p50_ms": direct_ms + 0.1}),
            Sample("relay", number, "voice", {"cpu_us_per_frame": 20.0 + number, "proxy_share": 0.99}),
            Sample("relay", number, "voice-50", {"cpu_us_per_frame": 20.0}),
            Sample("relay", number, "voice-400", {"cpu_us_per_frame": 23.0}),
        ]
    return run


def test_latency_is_given_over_no_proxys_of_the_same_round() -> None:
    figure = summarize(made_up_run()).figure("haproxy", "voice.added_latency_p50_ms")
    assert figure is not None
    assert (figure.low, figure.high) == pytest.approx((0.1, 0.1))


def test_medians_have_spread_and_ratio_beside_them() -> None:
    run = made_up_run()
    table = render(run, summarize(run))
    assert "| 22.0 ± 2 % (2.20×) |" in table
    assert "+15 %" in table


@pytest.mark.parametrize(
    ("halt_poll_us", "told"), [(None, ""), (0, "halt after 0 µs"), (200, "halt after 200 µs")]
)
def test_a_guest_whose_cores_halt_at_once_is_warned_of(halt_poll_us: float | None, told: str) -> None:
    run = made_up_run()
    run.machine["halt_poll_us"] = halt_poll_us
    table = render(run, summarize(run))
    assert told in table
    assert ("halt at once" in table) is (halt_poll_us == 0)


def test_what_is_missing_and_what_was_full_is_said() -> None:
    run = made_up_run()
    table = render(run, summarize(run))
    assert "| nginx | not available: not installed |" in table
    assert "relay, voice: its core was full" in table


def test_a_lossy_rig_is_named() -> None:
    run = made_up_run()
    run.samples.append(Sample("direct", 1, "flood", {"frames_sent": 100_000, "delivered": 0.99999}))
    table = render(run, summarize(run))
    assert "the rig is broken" in table
    assert "| 99.999 % |" in table


def test_a_run_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    run = made_up_run()
    run.write(tmp_path / "run.json", summarize(run).facts())
    assert Run.read(tmp_path / "run.json") == run


def test_each_round_begins_with_another_subject_and_leaves_none_out() -> None:
    options = parse(["--stages", "session"], NAMES)
    planned = list(turns(all_subjects(), options))
    for rounds in (
        [[each.name for each in one.subjects] for one in planned if isinstance(one, Carousel)],
        [
            [one.subject.name for one in planned if isinstance(one, Turn) and one.round == n]
            for n in (1, 2, 3)
        ],
    ):
        assert len({each[0] for each in rounds}) == 3
        assert all(sorted(each) == sorted(NAMES) for each in rounds)


def test_a_name_that_nobody_knows_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--only", "haprox"], NAMES)
    assert "unknown: haprox" in capsys.readouterr().err


def test_files_and_functions_stay_small() -> None:
    assert list(oversized(ROOT / "benchmarks")) == []
