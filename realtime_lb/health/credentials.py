"""Refused credentials: what one deployment is told of its key holds for all that would show the same one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from urllib.parse import urlsplit

from realtime_lb.deployments import Deployment
from realtime_lb.health.breaker import Breaker, Trigger

__all__ = ["Credentials", "identity", "renews_itself"]


def identity(deployment: Deployment) -> Hashable:
    """Return what is equal for two deployments exactly if they show the same credential to the same host.

    The host belongs to it: a key that one server refuses says nothing about the next of its kind, and Azure
    answers 401 where an Entra identity lacks its role on one resource. Holds `Secret` values, never their
    text.
    """
    return (
        deployment.provider,
        _host(deployment.api_base),
        deployment.api_key,
        deployment.azure_ad_token,
        deployment.entra,
        id(deployment.token_provider),  # anybody's callable, and not all are hashable
    )


def _host(api_base: str | None) -> str | None:
    try:
        host = urlsplit(api_base or "").netloc
    except ValueError:  # brackets that are no IPv6 address
        host = ""
    return host.lower() or api_base


def renews_itself(deployment: Deployment) -> bool:
    """Whether the credential is a token that is fetched anew, so that a refused one may soon be another."""
    return deployment.token_provider is not None or deployment.entra is not None


class Credentials:
    """The breakers of credentials that were refused, and of no others."""

    def __init__(self) -> None:
        self._parked: dict[Hashable, Breaker] = {}
        # A group may be large, and a refused key may stay refused for days.
        self._looked_up: dict[str, tuple[Deployment, Breaker | None]] = {}

    def __bool__(self) -> bool:
        return bool(self._parked)

    def of(self, deployment: Deployment) -> Breaker | None:
        """Return the breaker of its credential, if that was refused."""
        if not self._parked:
            return None
        looked_up = self._looked_up.get(deployment.id)
        if looked_up is None or looked_up[0] is not deployment:
            looked_up = (deployment, self._parked.get(identity(deployment)))
            self._looked_up[deployment.id] = looked_up
        return looked_up[1]

    def refused(self, deployment: Deployment, now_s: float, until_s: float) -> None:
        """Park its credential; infinity parks it until somebody is let in with it after all."""
        self._looked_up.clear()
        breaker = self._parked.setdefault(identity(deployment), Breaker())
        breaker.on(Trigger.REFUSED, now_s, until_s=until_s)

    def keep(self, deployments: Iterable[Deployment]) -> None:
        """Forget those that none of *deployments* shows."""
        shown = {identity(deployment) for deployment in deployments} if self._parked else set()
        for name in self._parked.keys() - shown:
            del self._parked[name]
        self._looked_up.clear()

    def accepted(self, deployment: Deployment) -> bool:
        """Forget that its credential was refused; return whether it was."""
        if self.of(deployment) is None:
            return False
        self._looked_up.clear()
        del self._parked[identity(deployment)]
        return True
