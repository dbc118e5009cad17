"""Any bytes at our own parsers: a value, or an error that is documented. ``make fuzz`` looks longer."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import __file__ as package
from tests.fuzz.targets import TARGETS
from tests.solid.mutants import noise

CORPUS = Path(package).parent / "corpus"
EXAMPLES = {name: [path.read_bytes() for path in sorted((CORPUS / name).iterdir())] for name in TARGETS}


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_before(name: str) -> None:
    assert EXAMPLES[name]
    for data in EXAMPLES[name]:
        TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_and_what_is_almost_right(name: str) -> None:
    rounds = st.integers(1, 3)

    @settings(max_examples=100)
    @given(st.binary(max_size=60) | st.sampled_from(EXAMPLES[name]), st.integers(), rounds)
    def anything(data: bytes, seed: int, times: int) -> None:
        rng = random.Random(seed)
        for _ in range(times):
            data = noise(data, rng)
        TARGETS[name](data)

    anything()
