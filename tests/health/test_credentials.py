"""A refused credential takes out whatever would show it, and nothing else."""

import math
from typing import Any

import pytest
from attrs import evolve

from realtime_lb.deployments import Deployment, EntraId
from realtime_lb.health import Triage
from realtime_lb.health.credentials import Credentials, identity, renews_itself
from realtime_lb.records import HealthState, Standing
from realtime_lb.typing import Secret
from realtime_lb.verdicts import Meaning, Verdict, What
from tests.health.ward import EXACT, Ward, deployment

BAD, OK, UNREACHABLE = Meaning.BAD_CREDENTIAL, Meaning.OK, Meaning.UNREACHABLE
PARKED = Standing(state=HealthState.PARKED, reason=BAD)
ENTRA = EntraId(tenant_id="t", client_id="c", client_secret=Secret("s"))


async def token() -> str:
    return "token"


def azure(name: str, host: str = "one", **attributes: Any) -> Deployment:
    attributes.setdefault("api_key", Secret("shared"))
    return deployment(name, provider="azure", api_base=f"https://{host}.openai.azure.com", **attributes)


def test_all_with_the_same_key_are_parked_until_it_changes() -> None:
    story = Ward(azure("a"), azure("b"), azure("c", api_key=Secret("other")))
    assert story.report("a", BAD) == PARKED
    assert story.eligible == "c"
    assert story.standing("a") == story.standing("b") == PARKED
    assert story.report("b", BAD) is None
    assert story.after(1e6).eligible == "c"
    assert story.last_resort == ""


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (azure("a"), azure("b"), True),
        (azure("a"), azure("b", host="ONE"), True),
        (azure("a"), azure("b", host="two"), False),
        (azure("a"), azure("b", api_key=Secret("else")), False),
        (azure("a"), azure("b", azure_ad_token=Secret("t")), False),
        (azure("a", entra=ENTRA), azure("b", entra=ENTRA), True),
        (azure("a", entra=ENTRA), azure("b", entra=EntraId()), False),
        (azure("a", token_provider=token), azure("b", token_provider=token), True),
        (azure("a", token_provider=token), azure("b", token_provider=azure), False),
        (deployment("a", api_key=None), deployment("b", api_key=None), True),
        (deployment("a", api_key=None), deployment("b", api_key=None, provider="xai"), False),
        (deployment("a", api_key=None, api_base="h/x"), deployment("b", api_key=None, api_base="h/y"), False),
        (
            deployment("a", api_key=None, api_base="http://h:1/x"),
            deployment("b", api_key=None, api_base="http://h:1/y"),
            True,
        ),
        (
            deployment("a", api_key=None, api_base="http://h:1/x"),
            deployment("b", api_key=None, api_base="http://h:2/x"),
            False,
        ),
        (
            deployment("a", api_key=None, api_base="http://[x"),
            deployment("b", api_key=None, api_base="http://[x"),
            True,
        ),
        (
            deployment("a", api_key=None, api_base="http://[x"),
            deployment("b", api_key=None, api_base="http://[y"),
            False,
        ),
    ],
)
def test_what_the_same_credential_is(one: Deployment, other: Deployment, *, same: bool) -> None:
    assert (identity(one) == identity(other)) is same
    credentials = Credentials()
    credentials.refused(one, 0.0, math.inf)
    assert (credentials.of(other) is not None) is same
    assert credentials.accepted(other) is same
    assert bool(credentials) is not same


def test_one_of_two_refused_credentials_is_accepted() -> None:
    credentials, one, other = Credentials(), azure("a"), azure("b", host="two")
    for deployment_ in (one, other):
        credentials.refused(deployment_, 0.0, math.inf)
        assert credentials.of(deployment_) is not None
    assert credentials.accepted(one)
    assert credentials.of(one) is None
    assert credentials.of(other) is not None


def test_no_secret_is_shown() -> None:
    assert "shared" not in repr(identity(azure("a", entra=ENTRA)))


@pytest.mark.parametrize("attributes", [{"entra": ENTRA}, {"token_provider": token}])
def test_a_token_that_is_fetched_anew_is_tried_again(attributes: dict[str, Any]) -> None:
    """By a single session, whichever deployment it goes to."""
    story = Ward(azure("a", **attributes), azure("b", **attributes), deployment("c"))
    assert story.report("a", BAD) == Standing(state=HealthState.PARKED, reason=BAD, left_s=300)
    assert story.after(299).eligible == "c"
    assert story.after(1).eligible == "abc"
    assert story.state("b") is HealthState.HALF_OPEN
    story.admit("b")
    assert story.eligible == "c"
    assert story.state("a") is HealthState.HALF_OPEN
    assert story.report("b", BAD) is None
    assert story.standing("a") == Standing(state=HealthState.PARKED, reason=BAD, left_s=300)
    story.after(300).admit("a")
    assert story.report("a", OK) == Standing(state=HealthState.SLOW_START, left_s=30)
    assert story.state("b") is HealthState.SLOW_START
    assert not renews_itself(azure("d"))


def test_a_token_that_could_not_be_had_is_tried_again_soon() -> None:
    story = Ward(azure("a", entra=ENTRA), azure("b", entra=ENTRA), deployment("c"))
    standing = story.report("a", BAD, what=What.CREDENTIAL_UNAVAILABLE)
    assert standing == Standing(state=HealthState.PARKED, reason=BAD, left_s=30)
    assert story.eligible == "c"


@pytest.mark.parametrize("how", ["abandoned", "unreachable", "callers_fault"])
def test_a_probe_that_says_nothing_of_the_credential_leaves_it_parked(how: str) -> None:
    story = Ward(azure("a", entra=ENTRA), azure("b", entra=ENTRA), deployment("c"))
    story.report("a", BAD)
    story.after(300).admit("a")
    if how == "abandoned":
        story.health.abandoned(story.by_id["a"])
    else:
        story.report("a", Meaning(how))
    assert story.eligible == "abc"


def test_a_probe_that_found_no_credential_leaves_its_place_to_the_next() -> None:
    story = Ward(azure("a", entra=ENTRA), deployment("c"), settings=evolve(EXACT, ejection_s=10))
    story.kill("a")
    story.after(10).admit("a")
    story.report("a", BAD, what=What.CREDENTIAL_UNAVAILABLE)
    assert story.eligible == "c"
    assert story.after(10).eligible == "ac"


def test_a_group_whose_every_key_was_refused_is_still_tried_once_a_second() -> None:
    story = Ward(azure("a"), azure("b"))
    story.report("a", BAD)
    assert story.triage() == Triage(eligible=(), probe=story.by_id["b"], down=True)
    story.admit("b")
    assert story.triage() == Triage(eligible=(), down=True, retry_after_s=1.0)
    story.report("b", BAD)
    assert story.after(1).probe == "a"
    story.admit("a")
    assert story.report("a", OK) == Standing(state=HealthState.SLOW_START, left_s=30)
    assert story.eligible == "ab"


def test_a_refused_key_that_nobody_shows_any_more_is_forgotten() -> None:
    story = Ward(azure("a"), azure("b"))
    story.report("a", BAD)
    story.dial("b", BAD)
    other = azure("x", model_group="other", api_key=Secret("another"))
    story.health.report(other, Verdict(BAD))
    assert not story.triage().probe
    story.health.keep([other])
    assert story.eligible == "ab"


def test_a_late_success_shows_that_the_credential_is_good() -> None:
    story = Ward(azure("a"), azure("b"), deployment("c"))
    story.admit("b")
    story.report("a", BAD)
    assert story.report("b", OK) == Standing(state=HealthState.SLOW_START, left_s=30)
    assert story.state("a") is HealthState.SLOW_START


def test_a_response_in_an_old_session_shows_nothing_of_it() -> None:
    story = Ward(azure("a"), deployment("c"))
    story.report("a", BAD)
    story.report("a", OK, what=What.RESPONSE_COMPLETED)
    assert story.eligible == "c"


def test_the_key_of_another_group_is_parked_with_it() -> None:
    story = Ward(azure("a"))
    other = azure("x", model_group="other")
    story.report("a", BAD)
    assert story.health.triage([other]).probe is other


def test_a_changed_key_is_a_new_one() -> None:
    story = Ward(azure("a"), deployment("c"))
    story.report("a", BAD)
    assert story.eligible == "c"
    changed = azure("a", api_key=Secret("new"))
    assert story.health.triage([changed]).eligible == (changed,)
    assert story.health.standing(changed, [changed]) == Standing()


def test_a_parked_deployment_that_also_cools_down_is_not_probed() -> None:
    story = Ward(azure("a"))
    story.report("a", Meaning.RATE_LIMITED, delay_s=7)
    story.report("a", BAD)
    assert story.triage() == Triage(eligible=(), down=True, retry_after_s=1.0)
    assert story.after(7).probe == "a"


def test_nobody_is_the_last_resort_whose_credential_was_refused() -> None:
    story = Ward(azure("a"), deployment("c"), settings=evolve(EXACT, max_ejected_share=0.0))
    story.kill("a")
    assert story.last_resort == "a"
    story.report("a", BAD)
    assert story.last_resort == ""


def test_nobody_is_spare_whose_credential_was_refused() -> None:
    story = Ward(azure("a"), deployment("c"))
    story.report("a", Meaning.RATE_LIMITED, delay_s=9, what=What.RESPONSE_FAILED)
    assert story.triage().spare == (story.by_id["a"],)
    story.report("a", BAD)
    assert story.triage().spare == ()


def test_the_longer_of_two_reasons_is_told() -> None:
    story = Ward(azure("a", entra=ENTRA), deployment("c"))
    story.kill("a")
    story.report("a", BAD)
    assert story.standing("a").left_s == 300
    assert story.after(299.5).eligible == "c"
    assert story.after(0.5).eligible == "ac"
