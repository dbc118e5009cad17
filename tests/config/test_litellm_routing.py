"""LiteLLM's keys on choosing, retries and failures mean here what they mean there."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from realtime_lb import strategies
from realtime_lb.config.load import STRATEGIES
from realtime_lb.settings import HealthSettings

from .reading_yaml import entry_problems, load, load_entry, only, only_problem, warned


@pytest.mark.parametrize("name", STRATEGIES)
def test_each_strategy_is_used_by_its_name(name: str) -> None:
    """LiteLLM's and ours."""
    config = load_entry({}, router_settings={"routing_strategy": name})

    assert config.settings.routing.strategy == name
    assert config.warnings == ()


def test_a_strategy_of_litellms_that_needs_a_body_is_not_served() -> None:
    """Its file starts all the same."""
    config = load_entry({}, router_settings={"routing_strategy": "lar1"})
    assert config.settings.routing.strategy == "adaptive"
    assert "adaptive is used instead" in warned(config, "router_settings.routing_strategy")


def test_the_names_are_those_of_the_strategies_that_there_are() -> None:
    """Configuration and strategies are rooms that do not import each other."""
    assert set(STRATEGIES) == set(strategies.STRATEGIES)


def test_without_a_name_the_one_that_we_recommend_is_used() -> None:
    assert load_entry({}).settings.routing.strategy == "adaptive"


def test_retries_and_fallbacks_have_litellms_meaning() -> None:
    """``num_retries`` counts those after the first; ``router_settings`` win over ``litellm_settings``."""
    routing = load("""\
        model_list:
          - {model_name: voice, litellm_params: {model: gpt-realtime}}
          - {model_name: spare, litellm_params: {model: gpt-realtime}}
          - {model_name: last, litellm_params: {model: gpt-realtime}}
        router_settings:
          num_retries: 4
          retry_after: 0.5
          fallbacks: [{voice: [spare, last]}, {spare: last}]
          default_fallbacks: [other]
          max_fallbacks: 2
          model_group_alias: {other: last}
          enable_tag_filtering: true
          tag_filtering_match_any: false
        litellm_settings:
          num_retries: 9
          fallbacks: [{voice: [last]}]
    """).settings.routing

    assert (routing.tries, routing.retry_after_s, routing.max_fallbacks) == (5, 0.5, 2)
    assert routing.fallbacks == {"voice": ("spare", "last"), "spare": ("last",)}
    assert routing.default_fallbacks == ("other",)
    assert (routing.tag_filtering, routing.tags_match_any) == (True, False)


def test_litellm_settings_hold_where_router_settings_say_nothing() -> None:
    settings = load_entry(
        {},
        litellm_settings={
            "num_retries": 0,
            "allowed_fails": 0,
            "cooldown_time": 60,
            "default_fallbacks": ["voice"],
            "max_fallbacks": 0,
        },
    ).settings

    assert settings.routing.tries == 1
    assert settings.routing.max_fallbacks == 0
    assert settings.routing.default_fallbacks == ("voice",)
    assert (settings.health.allowed_fails, settings.health.cooldown_s) == (0, 60.0)


def test_a_cooldown_lasts_as_long_as_it_says_each_time() -> None:
    """LiteLLM's does not grow and is not spread; ours win where both are set."""
    config = {"allowed_fails": 2, "cooldown_time": 30}
    health = load_entry({}, router_settings=config).settings.health
    assert (health.ejection_s, health.ejection_max_s) == (30, 30)
    assert (health.cooldown_s, health.cooldown_max_s) == (30, 30)
    assert (health.ejection_jitter, health.allowed_fails) == (0, 2)

    own = {"health": {"ejection_max_s": 120, "ejection_jitter": 0.1}}
    health = load_entry({}, router_settings=config, realtime_lb=own).settings.health
    assert (health.ejection_s, health.ejection_max_s, health.ejection_jitter) == (30, 120, 0.1)


def test_a_length_of_our_own_is_not_cut_by_litellms_cooldown() -> None:
    """It grows and is spread as ever; rate limits still begin with LiteLLM's."""
    own = {"health": {"ejection_s": 60}}
    health = load_entry({}, router_settings={"cooldown_time": 30}, realtime_lb=own).settings.health
    assert (health.ejection_s, health.ejection_max_s, health.ejection_jitter) == (60, 300, 0.2)
    assert health.cooldown_s == 30


@pytest.mark.parametrize("section", ["router_settings", "litellm_settings"])
def test_a_cooldown_of_nothing_is_none_and_says_so(section: str) -> None:
    """LiteLLM starts with it and cools down for its default; a file that it starts with is no error here."""
    sections: dict[str, Any] = {section: {"cooldown_time": 0}}
    config = load_entry({}, **sections)
    assert config.settings.health == HealthSettings()
    assert "disable_cooldowns" in warned(config, f"{section}.cooldown_time")


def test_an_ejection_that_its_longest_would_cut_is_warned_of() -> None:
    config = load_entry({}, realtime_lb={"health": {"ejection_s": 600}})
    assert "which is 300 s" in warned(config, "realtime_lb.health.ejection_s")


def test_cooldowns_can_be_switched_off() -> None:
    assert load_entry({}, router_settings={"disable_cooldowns": True}).settings.health.enabled is False
    assert load_entry({}).settings.health.enabled is True


@pytest.mark.parametrize(
    ("general", "every_s"),
    [
        ({}, None),
        ({"background_health_checks": False, "health_check_interval": 60}, None),
        ({"background_health_checks": True}, 300.0),
        ({"background_health_checks": True, "health_check_interval": 60}, 60.0),
    ],
)
def test_background_health_checks_probe_at_their_interval(
    general: dict[str, object], every_s: float | None
) -> None:
    assert load_entry({}, general_settings=general).settings.health.probe_interval_s == every_s


def test_prices_of_an_item_win_over_those_of_its_info() -> None:
    config = load_entry(
        {"input_cost_per_audio_token": 0.00002, "warm": 2, "hedge_after_s": 0.5},
        model_info={"input_cost_per_audio_token": 0.00004, "output_cost_per_second": 0.0005},
    )
    assert only(config).prices == {"input_cost_per_audio_token": 0.00002, "output_cost_per_second": 0.0005}
    assert (only(config).warm, only(config).hedge_after_s) == (2, 0.5)


@pytest.mark.parametrize("written", ["4e-07", "4.0e-7", "0.0000004", '"0.0000004"', "os.environ/PRICE"])
def test_a_price_may_be_written_as_price_lists_write_it(written: str) -> None:
    """YAML takes a number with an exponent and no point for text; LiteLLM takes text for a number."""
    text = f"""\
        model_list:
          - model_name: v
            litellm_params: {{model: gpt-realtime, input_cost_per_audio_token: {written}}}
    """
    assert only(load(text, {"OPENAI_API_KEY": "k", "PRICE": "4e-7"})).prices == {
        "input_cost_per_audio_token": 4e-7
    }


@pytest.mark.parametrize(
    ("written", "says"),
    [("-1", "0 or more"), ("free", "not a string"), ("1e999", "out of range"), ("'1__0'", "not a string")],
)
def test_a_price_is_a_number(written: str, says: str) -> None:
    problem = only_problem(entry_problems({}, model_info={"output_cost_per_token": yaml.safe_load(written)}))
    assert says in problem.message


def test_a_strategy_that_the_caller_knows_is_used() -> None:
    """The names are a parameter, so that a later strategy needs no change here."""
    text = """\
        model_list: [{model_name: v, litellm_params: {model: gpt-realtime}}]
        router_settings: {routing_strategy: latency-based-routing}
    """
    config = load(text, strategies=("latency-based-routing",))

    assert config.settings.routing.strategy == "latency-based-routing"
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("params", "kept", "says"),
    [
        ({"warm": 2}, 2, ""),
        ({"warm": 2, "max_parallel_requests": 2}, 2, ""),
        ({"warm": 3, "max_parallel_requests": 2}, 2, "cut to 2"),
    ],
)
def test_connections_are_kept_warm_as_far_as_that_can_be(
    params: dict[str, object], kept: int, says: str
) -> None:
    """Each counts as a session, so they do not go beyond the cap."""
    config = load_entry(params)
    assert only(config).warm == kept
    assert [says in warning.message for warning in config.warnings] == [True] * bool(says)


@pytest.mark.parametrize(("warm", "warnings"), [(2, 1), (0, 0)])
def test_a_wildcard_cannot_be_kept_warm(warm: int, warnings: int) -> None:
    config = load(f'model_list: [{{model_name: "*", litellm_params: {{model: "openai/*", warm: {warm}}}}}]')
    assert only(config).warm == 0
    assert ["names no model" in warning.message for warning in config.warnings] == [True] * warnings
