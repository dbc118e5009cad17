"""Fallbacks lead where LiteLLM's lead, whatever form they are written in."""

from __future__ import annotations

import pytest

from realtime_lb.settings import RoutingSettings

from .reading_yaml import entry_problems, load, load_entry, only_problem, problems_of, warned

MODELS = """\
model_list:
  - {model_name: voice, litellm_params: {model: gpt-realtime}}
  - {model_name: spare, litellm_params: {model: gpt-realtime}}
  - {model_name: last, litellm_params: {model: gpt-realtime}}
  - {model_name: claude, litellm_params: {model: anthropic/claude}}
"""


def routing(section: str) -> RoutingSettings:
    return load(
        f"{MODELS}router_settings:\n  model_group_alias: {{other: last}}\n  {section}"
    ).settings.routing


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("[{voice: [spare, last]}, {spare: [other]}]", {"voice": ("spare", "last"), "spare": ("other",)}),
        ("{voice: [spare], spare: [last]}", {"voice": ("spare",), "spare": ("last",)}),
        ("[{voice: spare}]", {"voice": ("spare",)}),
        ("[{voice: [{model: spare}, last]}]", {"voice": ("spare", "last")}),
        ("[{voice: [spare, spare, last]}]", {"voice": ("spare", "last")}),
        ("[{other: [voice]}]", {"other": ("voice",)}),
        ("[{voice: []}]", {"voice": ()}),
        ("[]", {}),
        ("null", {}),
    ],
)
def test_a_rule_may_be_written_in_any_of_litellms_forms(
    written: str, meant: dict[str, tuple[str, ...]]
) -> None:
    """Mappings of one key; targets as names or as mappings with a ``model``; aliases are names, too."""
    assert routing(f"fallbacks: {written}").fallbacks == meant


@pytest.mark.parametrize(
    ("section", "meant"),
    [
        ("default_fallbacks: [spare, other]", ("spare", "other")),
        ("default_fallbacks: spare", ("spare",)),
        ('fallbacks: [{"*": [spare]}]', ("spare",)),
        ('fallbacks: [{"*": [spare]}]\n  default_fallbacks: [last]', ("last",)),
        ('fallbacks: [{"*": [spare]}]\n  default_fallbacks: []', ("spare",)),
        ("default_fallbacks: []", ()),
    ],
)
def test_a_star_is_every_group_without_a_rule(section: str, meant: tuple[str, ...]) -> None:
    """LiteLLM's other way to write ``default_fallbacks``, which come before it."""
    read = routing(section)
    assert read.default_fallbacks == meant
    assert read.fallbacks == {}


def test_the_first_rule_for_a_group_counts() -> None:
    """As in LiteLLM, which looks no further; the second says that it does nothing."""
    config = load(f"{MODELS}router_settings: {{fallbacks: [{{voice: [spare]}}, {{voice: [last]}}]}}")
    assert config.settings.routing.fallbacks == {"voice": ("spare",)}
    assert "earlier rule" in warned(config, "router_settings.fallbacks[1].voice")


def test_litellm_settings_hold_where_the_routers_are_empty() -> None:
    config = load(f"""{MODELS}
router_settings: {{fallbacks: [], default_fallbacks: []}}
litellm_settings: {{fallbacks: [{{voice: [spare]}}], default_fallbacks: [last]}}
""")
    assert config.settings.routing.fallbacks == {"voice": ("spare",)}
    assert config.settings.routing.default_fallbacks == ("last",)


def test_a_group_whose_fallbacks_are_all_chat_models_has_those_of_all_others() -> None:
    """LiteLLM would get there as well, by way of the chat model's own fallbacks."""
    config = load(
        f"{MODELS}router_settings: {{fallbacks: [{{voice: [claude]}}], default_fallbacks: [spare]}}"
    )
    assert config.settings.routing.fallbacks == {}
    assert config.settings.routing.default_fallbacks == ("spare",)
    assert "not a realtime one" in warned(config, "router_settings.fallbacks[0].voice[0]")


def test_fallbacks_of_chat_models_are_nobodys_business() -> None:
    config = load(f"{MODELS}router_settings: {{fallbacks: [{{claude: [gpt-5, voice]}}]}}")
    assert config.settings.routing.fallbacks == {}
    assert [warning.path for warning in config.warnings] == ["model_list[3]"]


@pytest.mark.parametrize("target", ["voise", "zzzzzzz"])
def test_a_fallback_must_lead_to_a_group(target: str) -> None:
    for section in ({"fallbacks": [{"voice": [target]}]}, {"default_fallbacks": [target]}):
        problem = only_problem(entry_problems({}, router_settings=section))
        assert "unknown model group" in problem.message
        assert "voice" in problem.hint


def test_an_alias_may_have_been_meant() -> None:
    problem = only_problem(
        problems_of(f"""{MODELS}
router_settings: {{model_group_alias: {{receptionist: last}}, fallbacks: [{{voice: [receptionis]}}]}}
""")
    )
    assert problem.hint == "did you mean receptionist?"


def test_fallbacks_of_a_group_that_does_not_exist_are_a_warning() -> None:
    """Unlike what they lead to: LiteLLM's users have rules left over from models long gone."""
    config = load_entry({}, router_settings={"fallbacks": [{"voise": ["voice"]}]})
    (warning,) = config.warnings
    assert "does not exist" in warning.message
    assert "did you mean voice?" in warning.hint


@pytest.mark.parametrize("rule", ["{voice: [voice, spare]}", "{other: [last, spare]}"])
def test_a_group_is_no_fallback_of_its_own(rule: str) -> None:
    config = load(f"{MODELS}router_settings: {{model_group_alias: {{other: last}}, fallbacks: [{rule}]}}")
    assert [*config.settings.routing.fallbacks.values()] == [("spare",)]
    assert any("the group that failed" in warning.message for warning in config.warnings)


def test_groups_may_fall_back_on_each_other() -> None:
    config = load(f"{MODELS}router_settings: {{fallbacks: [{{voice: [spare]}}, {{spare: [voice]}}]}}")
    assert config.settings.routing.fallbacks == {"voice": ("spare",), "spare": ("voice",)}
    assert [warning.path for warning in config.warnings] == ["model_list[3]"]


def test_what_a_target_overrides_is_said_to_do_nothing() -> None:
    config = load(f"{MODELS}router_settings: {{fallbacks: [{{voice: [{{model: spare, user: x}}]}}]}}")
    assert "goes on as it was asked for" in warned(config, "router_settings.fallbacks[0].voice[0].user")


@pytest.mark.parametrize(
    ("section", "path", "message"),
    [
        ("fallbacks: voice", "fallbacks", "must be a list, not a string"),
        ("fallbacks: [spare]", "fallbacks[0]", "must be a mapping, not a string"),
        ("fallbacks: [{voice: 7}]", "fallbacks[0].voice", "must be a list, not a whole number"),
        ("fallbacks: [{voice: [7]}]", "fallbacks[0].voice[0]", "must be a string, not a whole number"),
        ("fallbacks: [{voice: [{user: x}]}]", "fallbacks[0].voice[0]", "names no model group"),
        ("default_fallbacks: {voice: spare}", "default_fallbacks", "must be a list, not a mapping"),
    ],
)
def test_a_rule_of_another_form_is_an_error_at_its_place(section: str, path: str, message: str) -> None:
    problem = only_problem(problems_of(f"{MODELS}router_settings: {{{section}}}"))
    assert (problem.path, problem.message) == (f"router_settings.{path}", message)
