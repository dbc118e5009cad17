"""LiteLLM's keys on failures, as settings of ours: cooldowns, allowed fails, health checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from realtime_lb.config.document import Node
from realtime_lb.config.keys import GeneralSettings, LitellmSettings, RouterSettings
from realtime_lb.config.reading import Reading
from realtime_lb.settings import HealthSettings

__all__ = ["health_values", "warn_of_no_cooldown", "warn_of_short_limit"]

HEALTH_CHECK_INTERVAL_S = 300.0
"""LiteLLM's default for ``health_check_interval``."""


def health_values(
    router: RouterSettings, litellm: LitellmSettings, general: GeneralSettings, own: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return what LiteLLM's sections set of `HealthSettings`.

    Args:
        router: LiteLLM's ``router_settings``.
        litellm: Its ``litellm_settings``.
        general: Its ``general_settings``.
        own: What ``realtime_lb.health`` sets, which wins.
    """
    values: dict[str, Any] = {}
    if router.disable_cooldowns:
        values["enabled"] = False
    allowed = router.allowed_fails if router.allowed_fails is not None else litellm.allowed_fails
    if allowed is not None:
        values["allowed_fails"] = allowed
    if cooldown_s := router.cooldown_time or litellm.cooldown_time:
        values |= _cooldown(cooldown_s, own)
    if general.background_health_checks:
        values["probe_interval_s"] = general.health_check_interval or HEALTH_CHECK_INTERVAL_S
    return values


def _cooldown(cooldown_s: float, own: Mapping[str, Any]) -> Mapping[str, float]:
    """Return settings by which each ejection lasts *cooldown_s*, unless its length is set by *own*."""
    of_limits = {"cooldown_s": cooldown_s, "cooldown_max_s": cooldown_s}
    if "ejection_s" in own:
        return of_limits
    return {**of_limits, "ejection_s": cooldown_s, "ejection_max_s": cooldown_s, "ejection_jitter": 0.0}


def warn_of_no_cooldown(node: Node | None, cooldown_s: float | None, reading: Reading) -> None:
    """Warn of a ``cooldown_time`` of 0: LiteLLM uses its default then, which its author did not want."""
    if node is not None and cooldown_s == 0:
        reading.findings.warn(
            node.place,
            "has no effect: 0 is no length, as in LiteLLM",
            "router_settings.disable_cooldowns: true takes nobody out of use",
        )


def warn_of_short_limit(own: Node | None, health: HealthSettings, reading: Reading) -> None:
    """Warn of an ``ejection_s`` in *own*, ``realtime_lb.health``, that is longer than the longest may be."""
    length = own.get("ejection_s") if own else None
    if length is not None and health.ejection_s > health.ejection_max_s:
        reading.findings.warn(
            length.place,
            f"no ejection lasts longer than ejection_max_s, which is {health.ejection_max_s:g} s",
            "raise realtime_lb.health.ejection_max_s",
        )
