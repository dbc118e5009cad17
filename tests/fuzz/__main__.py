"""Fuzz one of our parsers, led by what it runs: ``python -m tests.fuzz TARGET SECONDS``, or ``make fuzz``.

What is found on the way is kept in ``.fuzz``; what breaks a parser, in ``.fuzz/broke-*``. A file of that kind
belongs into ``tests/fuzz/corpus``, where the tests run it for good.
"""

import sys
from pathlib import Path

import atheris

CORPUS = Path(__file__).parent / "corpus"
FOUND = Path(".fuzz")


def main() -> None:
    name, seconds = sys.argv[1:3]
    with atheris.instrument_imports(include=["realtime_lb"]):
        from tests.fuzz.targets import TARGETS
    found = FOUND / name
    found.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        "-max_len=2048",
        "-timeout=10",
        "-verbosity=0",
        "-print_final_stats=1",
    ]
    options += [f"-artifact_prefix={FOUND}/broke-{name}-", "-close_fd_mask=1"]
    atheris.Setup([sys.argv[0], *options, str(found), str(CORPUS / name)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
