"""What users may import, and how it is called, changes only on purpose."""

from pathlib import Path

from tests.house.public_api import overview

PINNED = Path(__file__).parent / "public_api.txt"


def test_the_public_api_is_as_pinned() -> None:
    """If this is on purpose: ``python -m tests.house.public_api > tests/house/public_api.txt``."""
    assert overview() == PINNED.read_text()
