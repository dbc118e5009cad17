"""Tags leave the deployments that LiteLLM's would."""

import pytest

from realtime_lb.deployments import Deployment
from realtime_lb.strategies import tagged


def group(**tags: str) -> list[Deployment]:
    return [
        Deployment(id=name, model_group="voice", model="m", tags=tuple(given.split()))
        for name, given in tags.items()
    ]


def left(deployments: list[Deployment], *tags: str, match_any: bool = True) -> str:
    return "".join(d.id for d in tagged(deployments, tags, match_any=match_any))


FULL = group(a="eu free", b="eu paid", c="us paid", d="default", e="")


@pytest.mark.parametrize(
    ("tags", "any_of", "all_of"),
    [
        ("", "d", "d"),
        ("eu", "ab", "ab"),
        ("eu paid", "abc", "b"),
        ("default", "d", "d"),
        ("default eu", "abd", ""),
        ("mars", "d", "d"),
        ("mars eu", "ab", ""),
        ("us free", "ac", ""),
        ("!eu", "d", "d"),
        ("!default", "", ""),
        ("&paid", "bc", "bc"),
        ("&paid &eu", "b", "b"),
        ("&paid !eu", "c", "c"),
        ("&mars", "", ""),
        ("eu !free", "b", "b"),
        ("eu &paid", "b", "b"),
        ("us !paid", "", ""),
        ("mars !default", "", ""),
        ("mars &eu", "", ""),
        ("! &", "d", "d"),
    ],
)
def test_which_deployments_a_requests_tags_leave(tags: str, any_of: str, all_of: str) -> None:
    assert left(FULL, *tags.split()) == any_of
    assert left(FULL, *tags.split(), match_any=False) == all_of


def test_without_a_default_a_request_without_tags_may_go_anywhere() -> None:
    without_default = group(a="eu", b="", c="us")
    assert left(without_default) == "abc"
    assert left(without_default, "!eu") == "bc"
    assert left(without_default, "mars") == ""


def test_a_tag_may_be_a_single_letter() -> None:
    letters = group(a="x", b="y")
    assert (left(letters, "x"), left(letters, "&x"), left(letters, "!x")) == ("a", "a", "b")


def test_a_mark_without_a_tag_says_nothing_even_of_an_empty_one() -> None:
    nameless = [Deployment(id="a", model_group="voice", model="m", tags=("",)), *group(b="x")]
    assert left(nameless, "!") == left(nameless, "&") == "ab"


def test_one_common_tag_is_enough_unless_said_otherwise() -> None:
    assert [d.id for d in tagged(FULL, ["eu", "paid"])] == ["a", "b", "c"]
