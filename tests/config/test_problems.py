"""Everything that is wrong is told at once, in file order, with the line, the path and a way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from realtime_lb.config import load_config
from realtime_lb.errors import ConfigError

from .reading_yaml import KEY, entry_problems, load, load_entry, only, only_problem, problems_of, warned


def test_all_problems_are_told_at_once_in_file_order_with_their_lines() -> None:
    """Sections are read in another order than they are written; the report is not."""
    problems = problems_of(
        """\
        general_settings:
          master_key: 1234
        realtime_lb:
          logging: {level: loud}
        model_list:
          - model_name: voice
            litellm_params:
              model: openai/gpt-realtime
              rpm: -1
              weight: heavy
              api_key: os.environ/UNSET_KEY
            model_info: {id: one}
          - model_name: voice
            litellm_params: {model: azure/v, api_base: ftp://x, realtime_protocol: gamma}
            model_info:
              id: one
        router_settings:
          routing_strategy: fastest
          model_group_alias:
            other: nowhere
        """
    )

    assert [(problem.line, problem.path) for problem in problems] == [
        (2, "general_settings.master_key"),
        (4, "realtime_lb.logging.level"),
        (9, "model_list[0].litellm_params.rpm"),
        (10, "model_list[0].litellm_params.weight"),
        (11, "model_list[0].litellm_params.api_key"),
        (14, "model_list[1].litellm_params.api_base"),
        (14, "model_list[1].litellm_params.realtime_protocol"),
        (16, "model_list[1].model_info.id"),
        (18, "router_settings.routing_strategy"),
        (20, "router_settings.model_group_alias.other"),
    ]
    assert all(problem.file == "x.yaml" for problem in problems)
    assert "line 12" in problems[7].message


def test_problems_on_one_line_are_told_from_left_to_right() -> None:
    """Though an item's parameters are read after what it is."""
    problems = problems_of(
        "model_list: [{litellm_params: {model: gpt-realtime, rpm: x}, model_name: v, model_info: {id: []}}]"
    )

    assert [problem.path.rpartition(".")[2] for problem in problems] == ["rpm", "id"]


def test_a_problem_prints_as_an_editor_can_follow_it() -> None:
    """File, line, path, what, and how to mend it; a warning looks the same."""
    text = "model_list:\n- model_name: v\n  litellm_params: {model: gpt-realtime, rmp: 3}\n"
    with pytest.raises(ConfigError) as caught:
        load(text.replace("rmp", "rpm").replace("3}", "-3}"))

    assert str(caught.value) == (
        "1 problem in the configuration\nx.yaml:3: model_list[0].litellm_params.rpm: must be 0 or more"
    )
    assert str(load(text).warnings[0]) == (
        "x.yaml:3: model_list[0].litellm_params.rmp: ignored: no such key is known\n"
        "    hint: did you mean rpm?"
    )


def test_a_key_that_is_missing_for_a_slip_of_the_finger_is_told_with_the_slip() -> None:
    """What is unknown keeps nobody from starting, but here it is why he cannot."""
    text = "model_list:\n- model_name: v\n  litellm_params: {model: gpt-realtime, api_kye: sk-x}\n"
    with pytest.raises(ConfigError) as caught:
        load(text, {})

    assert [problem.path for problem in caught.value.problems] == ["model_list[0].litellm_params.api_key"]
    assert [(w.path, w.hint) for w in caught.value.warnings] == [
        ("model_list[0].litellm_params.api_kye", "did you mean api_key?")
    ]


@pytest.mark.parametrize(
    ("params", "message", "hint"),
    [
        ({"rpm": True}, "must be a number, not a boolean", ""),
        ({"rpm": "10"}, "must be a number, not a string", "remove the quotes"),
        ({"tpm": "1e6"}, "must be a number, not a string", "YAML reads 1e6 as text"),
        ({"tpm": "many"}, "must be a number, not a string", ""),
        ({"rpm": 1.5}, "must be a whole number", "decimal point"),
        ({"rpm": 3.0}, "must be a whole number", "decimal point"),
        ({"order": []}, "must be a number, not a list", ""),
        ({"weight": -0.1}, "must be 0 or more", ""),
        ({"weight": float("nan")}, "out of range", "finite"),
        ({"weight": 10**400}, "out of range", "finite"),
        ({"timeout": float("inf")}, "out of range", "finite"),
        ({"timeout": 0}, "more than 0 seconds", ""),
        ({"max_parallel_requests": -1}, "must be 0 or more", ""),
        ({"opaque": "true"}, "must be true or false, not a string", "remove the quotes"),
        ({"opaque": 1}, "must be true or false, not a whole number", ""),
        ({"tags": "eu"}, "must be a list, not a string", "[one, two]"),
        ({"api_key": 1234}, "must be a string, not a whole number", "in quotes"),
        ({"api_key": {"a": 1}}, "must be a string, not a mapping", ""),
        ({"api_key": b"binary"}, "must be a string, not binary data", ""),
        ({"api_version": __import__("datetime").date(2024, 12, 17)}, "not a date", "in quotes"),
        ({"extra_headers": ["a"]}, "must be a mapping, not a list", ""),
        ({"realtime_protocol": "gaa"}, "must be GA or beta", "did you mean ga?"),
        ({"api_base": "api.example.com"}, "must start with https://", ""),
        ({"api_base": "https://user:pw@host"}, "user name or a password", "api_key"),
        ({"api_base": "https://host/v1?api-version=1"}, "a query or a fragment", "api_version"),
        ({"api_base": "https://host/#x"}, "a query or a fragment", ""),
        ({"api_base": "https://host?"}, "a query or a fragment", ""),
        ({"api_base": "https:///v1"}, "names no host", ""),
        ({"api_base": "https://[::1"}, "is not a URL", "brackets"),
        ({"api_base": "https://host:99999"}, "is not a URL", "port"),
        ({"api_base": "https://host\\@evil"}, "is not a URL", ""),
        ({"api_base": "https://host/a b"}, "is not a URL", ""),
        ({"api_base": "https://host/\n"}, "is not a URL", ""),
        ({"project": "a\nX-Evil: 1"}, "line break", "header"),
    ],
)
def test_a_value_that_a_key_cannot_take_is_one_error(params: dict[str, Any], message: str, hint: str) -> None:
    """Nothing is converted in silence."""
    problem = only_problem(entry_problems(params))

    assert problem.path == f"model_list[0].litellm_params.{next(iter(params))}"
    assert message in problem.message
    assert hint in problem.hint


def test_every_wrong_item_of_a_list_or_mapping_is_told() -> None:
    """Each at its own place."""
    problems = entry_problems({"tags": ["a", 1, ["b"]], "extra_headers": {"A": 1, "B:": "x", "C": "y"}})

    assert [problem.path.removeprefix("model_list[0].litellm_params.") for problem in problems] == [
        "extra_headers.A",
        'extra_headers["B:"]',
        "tags[1]",
        "tags[2]",
    ]


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("rpm", "12", 12),
        ("weight", "0.5", 0.5),
        ("timeout", "1e1", 10.0),
        ("opaque", "True", True),
        ("opaque", "off", False),
    ],
)
def test_text_from_the_environment_is_read_as_the_key_wants(key: str, text: str, expected: object) -> None:
    """A variable has no other type than text."""
    attribute = {"timeout": "dial_timeout_s"}.get(key, key)
    config = load_entry(
        {key: "os.environ/VALUE"},
        {**KEY, "VALUE": text},
        realtime_lb={"routing": {"open_timeout_s": 20}},
    )

    assert getattr(only(config), attribute) == expected
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("rpm", "many", "VALUE must hold a number"),
        ("rpm", "1.5", "whole number"),
        ("weight", "9" * 400, "out of range"),
        ("timeout", "later", "VALUE must hold a number"),
        ("opaque", "maybe", "VALUE must hold true or false"),
        ("api_key", "", "VALUE is empty"),
    ],
)
def test_text_from_the_environment_that_does_not_fit_names_its_variable(
    key: str, text: str, message: str
) -> None:
    """And not what it holds."""
    problem = only_problem(entry_problems({key: "os.environ/VALUE"}, {**KEY, "VALUE": text}))

    assert message in str(problem)
    assert not text or f" {text}" not in str(problem)


def test_what_stands_behind_os_environ_must_be_a_name() -> None:
    """A key pasted there is not repeated."""
    problem = only_problem(entry_problems({"api_key": "os.environ/sk canary"}))

    assert "canary" not in str(problem)


def test_a_long_dial_or_strategy_that_cannot_be_read_is_one_error() -> None:
    """It is looked at twice and told once."""
    problems = entry_problems(
        {"timeout": "os.environ/UNSET"},
        router_settings={"routing_strategy": "os.environ/UNSET", "timeout": "x"},
        realtime_lb={"routing": {"default_model": 3}},
    )

    assert [problem.path for problem in problems] == [
        "model_list[0].litellm_params.timeout",
        "realtime_lb.routing.default_model",
        "router_settings.routing_strategy",
        "router_settings.timeout",
    ]


@pytest.mark.parametrize(
    ("section", "hint"),
    [({"routing_strategy": "least-bussy"}, "least-busy"), ({"routing_strategy": "zzz"}, "known strategies")],
)
def test_an_unknown_strategy_is_an_error(section: dict[str, str], hint: str) -> None:
    """With what may be meant, or what there is."""
    assert hint in only_problem(entry_problems({}, router_settings=section)).hint


@pytest.mark.parametrize(
    ("target", "message", "hint"),
    [
        ("voise", "unknown model group", "did you mean voice?"),
        ("zzzzzzz", "unknown model group", "known groups: voice"),
        ({"hidden": True}, "names no model group", "model"),
        (3, "must be a string", ""),
        ({"model": 3}, "must be a string", ""),
    ],
)
def test_an_alias_must_lead_to_a_group(target: object, message: str, hint: str) -> None:
    """Otherwise its callers would learn it first."""
    problem = only_problem(entry_problems({}, router_settings={"model_group_alias": {"a": target}}))

    assert message in problem.message
    assert hint in problem.hint


def test_an_alias_of_a_group_whose_item_is_wrong_is_no_second_problem() -> None:
    """The group is known; its fault is told where it is."""
    aliases = {"model_group_alias": {"a": "voice"}}

    assert only_problem(entry_problems({"rpm": -1}, router_settings=aliases)).path.endswith("rpm")
    assert only_problem(entry_problems({"model": 3}, router_settings=aliases)).path.endswith("model")


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"general_settings": {"master_key": ""}}, "general_settings.master_key"),
        ({"general_settings": []}, "general_settings"),
        ({"model_info": {"id": ""}}, "model_list[0].model_info.id"),
        ({"model_info": {"id": True}}, "model_list[0].model_info.id"),
        (
            {"litellm_settings": {"logged_real_time_event_types": 3}},
            "litellm_settings.logged_real_time_event_types",
        ),
    ],
)
def test_what_must_not_be_empty_or_of_another_type(document: dict[str, Any], path: str) -> None:
    """An empty master key would leave open a door that was meant to be shut."""
    assert only_problem(entry_problems({}, **document)).path == path


def test_a_model_list_of_the_wrong_type_is_one_problem() -> None:
    """It is not told a second time that it holds no model."""
    assert only_problem(problems_of("model_list: {a: 1}")).message == "must be a list, not a mapping"


@pytest.mark.parametrize(
    ("section", "key", "meant"),
    [
        ("router_settings", "routing_stategy", "routing_strategy"),
        ("litellm_settings", "drop_param", "drop_params"),
        ("general_settings", "masterkey", "master_key"),
    ],
)
def test_a_misspelt_key_is_warned_of_with_what_may_be_meant(section: str, key: str, meant: str) -> None:
    """Among all keys of the section, used or not."""
    document: dict[str, Any] = {section: {key: "x"}, "zzz": 1}
    config = load_entry({}, **document)

    assert f"did you mean {meant}?" in warned(config, f"{section}.{key}")
    assert warned(config, "zzz").endswith("| ")


def test_a_missing_file_is_a_problem_with_a_hint(tmp_path: Path) -> None:
    """So are a folder, a path that is none and bytes that are no text."""
    (tmp_path / "latin.yaml").write_bytes(b"model_list: \xff")
    for name, message in [
        ("none.yaml", "no such file"),
        ("", "cannot be read"),
        ("a\0b", "cannot be read"),
        ("latin.yaml", "not UTF-8"),
    ]:
        with pytest.raises(ConfigError) as caught:
            load_config(tmp_path / name, environ={})
        assert message in only_problem(caught.value.problems).message
