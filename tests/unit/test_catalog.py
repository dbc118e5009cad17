"""A model name finds its group: by itself, by an alias, by a wildcard, or not at all."""

import pytest

from realtime_lb.catalog import Catalog
from realtime_lb.deployments import Deployment
from realtime_lb.errors import InvalidRequest, UnknownModel
from realtime_lb.settings import RoutingSettings, Settings

DEPLOYMENTS = (
    Deployment(id="1", model_group="voice", model="gpt-realtime"),
    Deployment(id="2", model_group="voice", model="my-azure", provider="azure"),
    Deployment(id="3", model_group="openai/*", model="*"),
    Deployment(id="4", model_group="openai/gpt-realtime-*", model="gpt-realtime-*"),
    Deployment(id="5", model_group="fixed-*", model="gpt-realtime-mini"),
)


def catalog(**routing: object) -> Catalog:
    return Catalog(Settings(deployments=DEPLOYMENTS, routing=RoutingSettings(**routing)))  # type: ignore[arg-type]


def found(name: str | None, **routing: object) -> list[tuple[str, str]]:
    return [(d.id, d.model) for d in catalog(**routing).resolve(name).deployments]


def route(name: str | None, **routing: object) -> list[str]:
    return [group.name for group in catalog(**routing).route(name)]


def test_the_same_model_name_is_one_group() -> None:
    assert found("voice") == [("1", "gpt-realtime"), ("2", "my-azure")]


def test_an_alias_is_another_name_of_a_group() -> None:
    assert found("gpt-4o-realtime", group_aliases={"gpt-4o-realtime": "voice"}) == found("voice")


def test_a_wildcard_passes_on_what_its_star_matched() -> None:
    assert found("openai/whatever-1") == [("3", "whatever-1")]
    assert found("fixed-x") == [("5", "gpt-realtime-mini")]


def test_the_most_telling_wildcard_wins() -> None:
    assert found("openai/gpt-realtime-mini") == [("4", "gpt-realtime-mini")]


def test_no_name_means_the_default_or_a_400() -> None:
    assert found(None, default_model="voice") == found("voice")
    with pytest.raises(InvalidRequest) as refusal:
        catalog().resolve(None)
    assert (refusal.value.http_status, refusal.value.code) == (400, "missing_model")


def test_an_unknown_name_is_a_404_that_lists_the_known_ones() -> None:
    with pytest.raises(UnknownModel) as refusal:
        catalog(group_aliases={"alias": "voice"}).resolve("vioce")
    assert refusal.value.http_status == 404
    assert "alias, fixed-*, openai/*, openai/gpt-realtime-*, voice" in str(refusal.value)
    assert len(str(UnknownModel("x" * 10_000, []))) < 300


def test_a_group_is_followed_by_its_fallbacks_and_each_of_them_by_its_own() -> None:
    """As LiteLLM goes on from a fallback that fails; a circle is walked once."""
    rules = {"voice": ("fixed-a", "fixed-b"), "fixed-a": ("fixed-c",), "fixed-c": ("voice",)}
    assert route("voice", fallbacks=rules) == ["voice", "fixed-a", "fixed-c", "fixed-b"]
    assert route("fixed-c", fallbacks=rules) == ["fixed-c", "voice", "fixed-a", "fixed-b"]


@pytest.mark.parametrize(("most", "tried"), [(0, 1), (1, 2), (3, 4), (9, 5)])
def test_no_more_fallbacks_are_tried_than_may_be(most: int, tried: int) -> None:
    """However they are linked."""
    rules = {"voice": ("fixed-a", "fixed-b"), "fixed-a": ("fixed-c", "fixed-d")}
    assert len(route("voice", fallbacks=rules, max_fallbacks=most)) == tried


def test_groups_without_fallbacks_of_their_own_have_the_default_ones() -> None:
    """An empty list is one's own: nobody is to follow."""
    routing = {"fallbacks": {"fixed-a": ()}, "default_fallbacks": ("fixed-a", "voice")}
    assert route("fixed-b", **routing) == ["fixed-b", "fixed-a", "voice"]
    assert route("fixed-a", **routing) == ["fixed-a"]


def test_fallbacks_belong_to_the_name_that_was_asked_for() -> None:
    """Else to the group that it means."""
    aliases = {"vip": "voice", "guest": "voice"}
    rules = {"vip": ("fixed-a",), "voice": ("fixed-b",)}
    assert route("vip", fallbacks=rules, group_aliases=aliases) == ["voice", "fixed-a"]
    assert route("guest", fallbacks=rules, group_aliases=aliases) == ["voice", "fixed-b"]
    assert route(None, fallbacks=rules, default_model="voice") == ["voice", "fixed-b"]
