"""Several processes on one port: which port, and what each may use of what a deployment grants."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from attrs import evolve, fields, frozen

from realtime_lb.cli.failures import Unusable
from realtime_lb.settings import AdmissionSettings, Settings

__all__ = ["CAPS", "SPLIT", "Share", "check_shares", "reserved_port"]

SPLIT = {"max_sessions": "max_parallel_requests", "rpm": "rpm", "tpm": "tpm"}
"""What a deployment grants to all processes together, and what that is called in the configuration.

Knowing nothing of each other, each process gets a part.
"""

CAPS = tuple(attribute.name for attribute in fields(AdmissionSettings))
"""So it is with what clients may take, and with memory."""


@frozen
class Share:
    """One worker's part.

    Attributes:
        number: Which worker, from 1.
        workers: How many there are.
    """

    number: int
    workers: int

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the share that *text* names, such as ``2/4``."""
        number, _, workers = text.partition("/")
        return cls(int(number), int(workers))

    def __str__(self) -> str:
        return f"{self.number}/{self.workers}"

    def of(self, settings: Settings) -> Settings:
        """Return *settings* with this worker's part of each cap. All workers' parts add up to the whole."""
        parts = tuple(self._part(deployment, SPLIT) for deployment in settings.deployments)
        return evolve(settings, deployments=parts, admission=self._part(settings.admission, CAPS))

    def _part(self, values: Any, names: Iterable[str]) -> Any:
        wholes = {name: getattr(values, name) for name in names}
        parts = {name: self._of(whole) for name, whole in wholes.items() if whole is not None}
        return evolve(values, **parts)

    def _of(self, whole: int) -> int:
        part, rest = divmod(whole, self.workers)
        return part + (self.number <= rest)


def check_shares(settings: Settings, workers: int) -> None:
    """See that each of *workers* gets a part of everything.

    Raises:
        Unusable: Something is smaller than the number of workers.
    """
    for what, whole in _wholes(settings):
        if whole is not None and whole < workers:
            raise Unusable(f"{what} is {whole}, which {workers} workers cannot share: start fewer --workers")


def _wholes(settings: Settings) -> Iterator[tuple[str, int | None]]:
    for deployment in settings.deployments:
        for name, configured in SPLIT.items():
            yield f"{configured} of {deployment.id!r}", getattr(deployment, name)
    for name in CAPS:
        yield f"realtime_lb.admission.{name}", getattr(settings.admission, name)


@contextmanager
def reserved_port(host: str, port: int) -> Iterator[int]:
    """Hold a port that other sockets of ours may listen on, without listening on it.

    Yields:
        The port; a free one for 0.

    Raises:
        OSError: It cannot be had; somebody else's sharing of it is no excuse.
        Unusable: This system has no such thing.
    """
    if not hasattr(socket, "SO_REUSEPORT"):
        raise Unusable("several workers cannot share a port on this system: leave --workers at 1")
    family, kind, _, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind) as alone:
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        alone.bind(address)
        bound = (host, alone.getsockname()[1], *address[2:])
    with socket.socket(family, kind) as shared:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind((address[0], *bound[1:]))
        yield bound[1]
