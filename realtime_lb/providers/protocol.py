"""What ``realtime_protocol`` says."""

from __future__ import annotations

from realtime_lb.deployments import Deployment
from realtime_lb.providers.problems import misconfigured
from realtime_lb.typing import Dialect

__all__ = ["stated_dialect"]

_STATED = {"ga": Dialect.GA, "v1": Dialect.GA, "beta": Dialect.BETA, "preview": Dialect.BETA}
"""LiteLLM's two words, and the names of Azure's endpoints for the same two things."""


def stated_dialect(deployment: Deployment) -> Dialect | None:
    """Return the dialect that *deployment* states, in any letter case; None where it states none.

    Raises:
        ConfigError: It states something else.
    """
    if not deployment.realtime_protocol:
        return None
    stated = _STATED.get(deployment.realtime_protocol.strip().lower())
    if stated is None:
        raise misconfigured(deployment, "realtime_protocol", "is neither 'GA' nor 'beta'")
    return stated
