"""Which lane there is: what is asked for, or the best that is installed in a version that we know."""

import pytest

from realtime_lb.errors import MissingExtra
from realtime_lb.transports import lanes
from realtime_lb.transports.lanes import lane_or_best


def test_the_best_lane_is_the_fast_one() -> None:
    assert lane_or_best() == "fast"
    assert (lane_or_best("fast"), lane_or_best("aiohttp")) == ("fast", "aiohttp")


@pytest.mark.parametrize("package", ["picows", "aiofastnet"])
@pytest.mark.parametrize("missing", ["all of it", "a version of it that we know"])
def test_without_packages_that_we_know_aiohttp_serves(
    missing: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing == "all of it":
        monkeypatch.setitem(lanes.__dict__, "find_spec", lambda name: None if name == package else object())
    else:
        monkeypatch.setitem(lanes.KNOWN, package, "99.")
    assert (lane_or_best(), lane_or_best("aiohttp")) == ("aiohttp", "aiohttp")
    with pytest.raises(MissingExtra) as error:
        lane_or_best("fast")
    assert "realtime-lb[fast]" in error.value.hint
