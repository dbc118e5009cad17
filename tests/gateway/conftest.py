"""Two lanes, one set of stories."""

import pytest

from tests import support


@pytest.fixture(params=["fast", "aiohttp"])
def each_lane(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the story's gateways read and write with picows, and once more with aiohttp alone."""
    monkeypatch.setattr(support, "LANE", request.param)
