"""When one leg ends, the other hears a legal code, and the log hears whose fault it was."""

import pytest

from realtime_lb.endings import Ending, farewell
from realtime_lb.frames import Close
from realtime_lb.records import Direction, Fault

LEGAL = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}


@pytest.mark.parametrize("code", [0, *range(998, 1017), 2999, 3000, 3999, 4000, 4999, 5000, 65535])
@pytest.mark.parametrize("by", Direction)
def test_no_illegal_code_is_ever_sent(by: Direction, code: int) -> None:
    goodbye = farewell(Ending(by, Close(code, "why")), 10.0)
    assert {goodbye.to_client.code, goodbye.to_upstream.code} <= LEGAL
    if code in LEGAL:
        passed_on = goodbye.to_upstream if by is Direction.CLIENT else goodbye.to_client
        assert passed_on == Close(code, "why")


@pytest.mark.parametrize(
    ("ending", "to_client", "to_upstream", "fault"),
    [
        (Ending(Direction.CLIENT, Close(1000)), 1000, 1000, Fault.NOBODY),
        (Ending(Direction.CLIENT, Close(1005)), 1000, 1000, Fault.NOBODY),
        (Ending(Direction.CLIENT, Close(1006)), 1000, 1000, Fault.CLIENT),
        (Ending(Direction.CLIENT, Close(1009)), 1009, 1009, Fault.CLIENT),
        (Ending(Direction.CLIENT, Close(1008), stalled=True), 1008, 1001, Fault.CLIENT),
        (Ending(Direction.SERVER, Close(1000)), 1000, 1000, Fault.NOBODY),
        (Ending(Direction.SERVER, Close(1001)), 1001, 1001, Fault.NOBODY),
        (Ending(Direction.SERVER, Close(1005)), 1011, 1000, Fault.UPSTREAM),
        (Ending(Direction.SERVER, Close(1006)), 1011, 1001, Fault.UPSTREAM),
        (Ending(Direction.SERVER, Close(4000)), 4000, 4000, Fault.UPSTREAM),
        (Ending(Direction.SERVER, Close(1008), stalled=True), 1011, 1001, Fault.UPSTREAM),
        (Ending(None, Close(1001)), 1001, 1001, Fault.GATEWAY),
    ],
)
def test_who_is_told_what(ending: Ending, to_client: int, to_upstream: int, fault: Fault) -> None:
    goodbye = farewell(ending, 10.0)
    assert (goodbye.to_client.code, goodbye.to_upstream.code, goodbye.fault) == (
        to_client,
        to_upstream,
        fault,
    )


def test_a_client_is_told_of_an_upstream_that_vanished() -> None:
    goodbye = farewell(Ending(Direction.SERVER, Close(1006)), 10.0)
    assert goodbye.tell_client
    assert goodbye.error is not None
    assert goodbye.error.as_event("event_7")["error"]["event_id"] == "event_7"


def test_a_client_is_told_of_a_gateway_that_goes() -> None:
    goodbye = farewell(Ending(None, Close(1001)), 10.0)
    assert (goodbye.to_client.reason, goodbye.to_upstream.reason) == ("server_error.shutting_down", "")
    assert goodbye.tell_client
    assert goodbye.error is not None
    assert goodbye.error.as_event()["error"]["code"] == "shutting_down"


def test_a_reason_is_cut_to_what_a_close_frame_holds() -> None:
    cut = Close(4000, "é" * 100).sendable(unsaid=1011)
    assert cut.reason == "é" * 61
