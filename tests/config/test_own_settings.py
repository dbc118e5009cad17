"""The section ``realtime_lb`` mirrors the settings' classes: what they have, it takes."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import attrs
import pytest

from realtime_lb.config.sections import OWN_SECTIONS, kind_of
from realtime_lb.deployments import Tls
from realtime_lb.settings import HealthSettings, LimitSettings, RoutingSettings, ServerSettings

from .reading_yaml import KEY, entry_problems, load_entry, only, only_problem, warned


def test_every_section_sets_its_class() -> None:
    """One key of each type."""
    settings = load_entry(
        {},
        realtime_lb={
            "routing": {"default_model": "voice", "tries": 2, "open_timeout_s": 7, "strategy": "least-busy"},
            "health": {"ejection_jitter": 0, "allowed_fails": 0, "probe_interval_s": 60, "enabled": True},
            "limits": {"max_message_bytes": 1024, "heartbeat_s": 5, "stall_timeout_s": 2.5},
            "logging": {"level": "debug", "format": "json"},
            "server": {
                "allow_query_key": True,
                "allowed_origins": ["https://app.example.com", "http://localhost:3000"],
                "trusted_proxies": ["10.0.0.0/8", "::1"],
                "admin_port": 0,
            },
        },
        router_settings={"routing_strategy": "simple-shuffle"},
    ).settings

    assert settings.routing == RoutingSettings(
        default_model="voice", tries=2, open_timeout_s=7.0, strategy="least-busy"
    )
    assert settings.limits == LimitSettings(max_message_bytes=1024, heartbeat_s=5.0, stall_timeout_s=2.5)
    assert (settings.logging.level, settings.logging.format) == ("debug", "json")
    assert settings.server == ServerSettings(
        allow_query_key=True,
        allowed_origins=frozenset({"https://app.example.com", "http://localhost:3000"}),
        trusted_proxies=(ip_network("10.0.0.0/8"), ip_network("::1/128")),
        admin_port=0,
    )
    assert settings.health == HealthSettings(ejection_jitter=0.0, allowed_fails=0, probe_interval_s=60.0)


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"health": {"failure_share": 1.5}}, "1 or less"),
        ({"health": {"ejection_jitter": -0.1}}, "0 or more"),
        ({"health": {"ejection_s": 0}}, "more than 0 seconds"),
        ({"routing": {"retry_wait_s": -1}}, "0 or more"),
        ({"routing": {"queue_limit": -1}}, "0 or more"),
        ({"server": {"admin_port": 70_000}}, "0 to 65535"),
    ],
)
def test_a_number_out_of_its_range_is_an_error(section: dict[str, object], says: str) -> None:
    assert says in only_problem(entry_problems({}, realtime_lb=section)).message


def test_every_attribute_of_the_settings_can_be_read() -> None:
    """An attribute of a type that no kind reads would fail here, and not at a user's start."""
    assert set(OWN_SECTIONS) >= {"routing", "limits", "logging", "server"}
    for cls in OWN_SECTIONS.values():
        for attribute in attrs.fields(attrs.resolve_types(cls)):
            assert kind_of(attribute) is None or kind_of(attribute)


def test_an_empty_section_changes_nothing() -> None:
    """Nor does null, at any level."""
    plain = load_entry({}).settings

    assert load_entry({}, realtime_lb=None).settings == plain
    assert load_entry({}, realtime_lb={"routing": None, "limits": {"heartbeat_s": None}}).settings == plain


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        ("routing", {"tries": 0}, "must be 1 or more"),
        ("routing", {"open_timeout_s": -1}, "more than 0 seconds"),
        ("routing", {"default_model": "nobody"}, "no model group"),
        ("routing", {"strategy": "fastest"}, "no known strategy"),
        ("routing", {"group_aliases": {}}, "not set here"),
        ("limits", {"max_message_bytes": 1.5}, "whole number"),
        ("limits", {"heartbeat_s": "20"}, "must be a number"),
        ("logging", {"level": "trace"}, "must be one of: debug, info"),
        ("logging", {"format": "xml"}, "must be one of: console, json"),
        ("logging", {"event_types": "*"}, "not set here"),
        ("logging", {"redact_content": True}, "not set here"),
        ("server", {"master_key": "canary"}, "not set here"),
        ("server", {"allow_query_key": "yes"}, "true or false"),
        ("server", {"admin_port": -1}, "must be 0 to 65535"),
        ("server", {"admin_port": 65536}, "must be 0 to 65535"),
        ("server", {"trusted_proxies": "10.0.0.0/8"}, "must be a list"),
        ("server", {"trusted_proxies": ["10.0.0.1/8"]}, "not a network"),
        ("server", {"allowed_origins": ["*"]}, "not a web origin"),
        ("server", {"allowed_origins": ["https://a.example.com/path"]}, "not a web origin"),
    ],
)
def test_a_wrong_value_is_an_error(section: str, values: dict[str, Any], message: str) -> None:
    """Durations, counts and sizes are more than nothing; words are of the list; networks are networks."""
    problem = only_problem(entry_problems({}, realtime_lb={section: values}))

    assert problem.path.startswith(f"realtime_lb.{section}.{next(iter(values))}")
    assert message in problem.message


def test_the_operators_port_may_be_0_which_does_not_listen() -> None:
    loaded = load_entry({}, realtime_lb={"server": {"admin_host": "::1", "admin_port": 0}})

    assert (loaded.settings.server.admin_host, loaded.settings.server.admin_port) == ("::1", 0)


def test_what_litellm_has_a_key_for_is_set_there() -> None:
    """A master key in another place must not be overlooked: the gateway would be open."""
    problem = only_problem(entry_problems({}, realtime_lb={"server": {"master_key": "canary"}}))

    assert problem.hint == "set general_settings.master_key"


def test_a_default_model_may_be_an_alias_or_match_a_wildcard() -> None:
    """As any request's model may."""
    aliased = load_entry(
        {},
        router_settings={"model_group_alias": {"a": "voice"}},
        realtime_lb={"routing": {"default_model": "a"}},
    )

    assert aliased.settings.routing.default_model == "a"


def test_unknown_keys_and_sections_are_warned_of() -> None:
    """With what may be meant."""
    config = load_entry({}, realtime_lb={"limit": {}, "limits": {"heartbeats_s": 3}})

    assert "did you mean limits?" in warned(config, "realtime_lb.limit")
    assert "did you mean heartbeat_s?" in warned(config, "realtime_lb.limits.heartbeats_s")


@pytest.mark.parametrize("document", [{"realtime_lb": []}, {"realtime_lb": {"routing": 3}}])
def test_a_section_must_be_a_mapping(document: dict[str, Any]) -> None:
    """One error at the section."""
    assert "must be a mapping" in only_problem(entry_problems({}, **document)).message


def test_only_a_boolean_gives_up_the_certificates_check() -> None:
    """For one deployment, or for all that say nothing else."""
    assert only(load_entry({"ssl_verify": False})).tls == Tls(verify=False)
    assert only(load_entry({}, litellm_settings={"ssl_verify": False})).tls == Tls(verify=False)
    both = load_entry({"ssl_verify": True}, litellm_settings={"ssl_verify": False})
    assert only(both).tls == Tls(verify=True)


@pytest.mark.parametrize("word", ["false", "False", "no", "off", "0", "true", "/no/such/file.pem", "a\0b"])
@pytest.mark.parametrize("section", ["litellm_params", "litellm_settings"])
def test_text_never_gives_up_the_certificates_check(word: str, section: str) -> None:
    """It is a path that exists, or an error."""
    given = {"ssl_verify": word}
    problems = (
        entry_problems(given) if section == "litellm_params" else entry_problems({}, litellm_settings=given)
    )

    assert only_problem(problems).path.endswith(f"{section}.ssl_verify")


def test_a_variable_may_keep_the_check_but_not_give_it_up() -> None:
    """What a deployment's environment holds is seen by fewer eyes than this file."""
    given = {"ssl_verify": "os.environ/VERIFY"}

    assert only(load_entry(given, {**KEY, "VERIFY": "True"})).tls == Tls()
    assert "in this file" in only_problem(entry_problems(given, {**KEY, "VERIFY": "False"})).hint


def test_a_ca_bundle_is_a_file_that_exists(tmp_path: Path) -> None:
    """Of one deployment, or of all that say nothing themselves."""
    bundle, own = tmp_path / "ca.pem", tmp_path / "own.pem"
    bundle.write_text("")
    own.write_text("")

    assert only(load_entry({"ssl_verify": str(bundle)})).tls == Tls(ca_file=bundle)
    everywhere = {"ssl_verify": str(bundle)}
    assert only(load_entry({}, litellm_settings=everywhere)).tls == Tls(ca_file=bundle)
    assert only(load_entry({"ssl_verify": str(own)}, litellm_settings=everywhere)).tls == Tls(ca_file=own)
