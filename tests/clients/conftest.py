"""The clients' processes, for all tests of a file."""

from collections.abc import Iterator

import pytest

from tests.clients.matrix import Sdks


@pytest.fixture(scope="module")
def sdks() -> Iterator[Sdks]:
    with Sdks() as processes:
        yield processes
