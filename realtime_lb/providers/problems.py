"""How a provider says that a deployment is set up wrongly."""

from __future__ import annotations

from realtime_lb.deployments import Deployment
from realtime_lb.errors import ConfigError, ConfigProblem

__all__ = ["misconfigured"]


def misconfigured(deployment: Deployment, attribute: str, message: str, hint: str = "") -> ConfigError:
    """Return the error to raise for one attribute of *deployment*.

    The text names the deployment by its id and never quotes the attribute's value: an address or a header
    may hold a key, and an error may be shown to anybody.
    """
    return ConfigError([ConfigProblem(f"{deployment.id}.{attribute}", message, hint)])
