"""Whether a deployment answers: one real dial, as a session would make it."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import time
from collections.abc import Mapping

from attrs import evolve, frozen

from realtime_lb.abc import ProviderAdapter
from realtime_lb.cli.configuration import Configuration
from realtime_lb.cli.failures import printable
from realtime_lb.deployments import Deployment
from realtime_lb.errors import AllUpstreamsFailed, FirstEventRefused, HandshakeRefused, RealtimeError
from realtime_lb.router import RealtimeRouter
from realtime_lb.settings import Settings

__all__ = ["Answer", "Answers", "Failed", "NotDialled", "probe_all"]

_AT_ONCE = 16
"""Dials under way together, so that the times that are shown are the upstreams' and not this process's."""

_STATUS_HINTS = {
    401: "is api_key right?",
    403: "may this key use realtime, from this network?",
    404: "are api_base and the model or deployment name right?",
    429: "the key or the deployment is at its limit",
}


@frozen
class Answer:
    """The deployment took a session.

    Attributes:
        after_s: From the dial to its first event.
    """

    after_s: float


@frozen
class Failed:
    """The deployment took none.

    Attributes:
        reason: Why, for an operator's eyes.
        after_s: From the dial to the failure.
    """

    reason: str
    after_s: float


@frozen
class NotDialled:
    """There was nothing to dial.

    Attributes:
        reason: Why.
    """

    reason: str


Answers = Mapping[str, Answer | Failed | NotDialled]


async def probe_all(configuration: Configuration) -> Answers:
    """Dial every deployment of *configuration* once and close again; return what came of it, by id.

    A session is opened and nothing is asked of the model.
    """
    turn = asyncio.Semaphore(_AT_ONCE)

    async def probe(deployment: Deployment) -> Answer | Failed | NotDialled:
        async with turn:
            return await _probe(deployment, configuration.settings, configuration.providers)

    async with asyncio.TaskGroup() as group:
        tasks = {d.id: group.create_task(probe(d)) for d in configuration.settings.deployments}
    return {name: task.result() for name, task in tasks.items()}


async def _probe(
    deployment: Deployment, settings: Settings, providers: Mapping[str, ProviderAdapter]
) -> Answer | Failed | NotDialled:
    if "*" in deployment.model_group:
        return NotDialled("a wildcard names no model")
    routing = evolve(settings.routing, tries=1, group_aliases={}, default_model=None)
    alone = evolve(settings, deployments=(deployment,), routing=routing)
    dialect = providers[deployment.provider].dialect(deployment)
    began_s = time.monotonic()
    try:
        async with (
            RealtimeRouter(alone, sinks=()) as router,
            router.connect(deployment.model_group, dialect=dialect),
        ):
            return Answer(time.monotonic() - began_s)
    except RealtimeError as error:
        return Failed(_reason(error), time.monotonic() - began_s)


def _reason(error: RealtimeError) -> str:
    if isinstance(error, AllUpstreamsFailed) and error.failures:
        error = error.failures[0]
    if isinstance(error, HandshakeRefused):
        return _joined(f"HTTP {error.status}", _STATUS_HINTS.get(error.status))
    if isinstance(error, FirstEventRefused):
        return _joined(error.message, printable(error.upstream_code))
    network = _network_reason(error.__cause__)
    return f"no connection: {network}" if network else str(error)


def _network_reason(cause: BaseException | None) -> str | None:
    """Return what the system said, in words that cannot hold more than the system knows."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message or "the certificate is not trusted"
    if isinstance(cause, socket.gaierror):
        return "no such host; is api_base right?"
    if isinstance(cause, OSError) and cause.errno is not None and cause.errno in errno.errorcode:
        return os.strerror(cause.errno).lower()  # other numbers are not the system's, such as a resolver's
    return None


def _joined(what: str, more: str | None) -> str:
    return f"{what}: {more}" if more else what
