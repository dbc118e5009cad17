"""What can stand between client and upstream: a class each, which says how to start it and what to dial."""

from __future__ import annotations

from benchmarks.rig.subjects.base import Place, Subject
from benchmarks.rig.subjects.direct import Direct
from benchmarks.rig.subjects.haproxy import HAProxy
from benchmarks.rig.subjects.litellm import LiteLLM
from benchmarks.rig.subjects.nginx import Nginx
from benchmarks.rig.subjects.ours import Ours
from benchmarks.rig.subjects.relay import BareRelay, PlainRelay

__all__ = ["Place", "Subject", "all_subjects"]


def all_subjects() -> list[Subject]:
    """Return every subject, in the order of the table."""
    return [
        Direct(),
        HAProxy(),
        Nginx(),
        Ours("fast"),
        Ours("fast", stays=True),
        Ours("aiohttp"),
        PlainRelay(),
        BareRelay(),
        LiteLLM(),
        HAProxy(tls=True),
        Nginx(tls=True),
        BareRelay(tls=True),
        Ours("fast", tls=True),
        Ours("aiohttp", tls=True),
    ]
