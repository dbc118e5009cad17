"""Who is put to the test: realtime-lb in each lane, the relay that anybody would write first, LiteLLM."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import yaml
from attrs import frozen

from benchmarks.rig.events import MODEL
from benchmarks.rig.processes import Command
from benchmarks.rig.subjects import litellm, relay
from benchmarks.rig.subjects.base import KEY, ROOT

__all__ = ["Ours", "Site", "Subject", "all_subjects"]


@frozen(kw_only=True)
class Site:
    """Where a proxy is to stand, and before whom.

    Attributes:
        folder: For its configuration.
        port: Where it is to listen, on 127.0.0.1.
        upstreams: Root addresses of its upstreams, such as ``http://127.0.0.1:4321``.
        settings: Text of the section ``realtime_lb`` of our configuration; others know nothing of it.
        opaque: Frames are anything, not events, for a proxy that can be told so.
        arguments: Further arguments of ``realtime-lb serve``; others know nothing of them.
    """

    folder: Path
    port: int
    upstreams: Sequence[str]
    settings: str = ""
    opaque: bool = False
    arguments: Sequence[str] = ()

    def write(self, name: str, value: object) -> Path:
        """Write *value* as a YAML file."""
        path = self.folder / name
        path.write_text(yaml.safe_dump(value))
        return path


class Subject(ABC):
    """A proxy.

    Attributes:
        name: What ``--only`` calls it.
        title: What the table calls it.
        is_slow: Whether hundreds of sessions would take it minutes.
    """

    name: str
    title: str
    is_slow: bool = False

    def missing(self) -> str | None:
        """Say why it cannot run here; None if it can."""
        return None

    def version(self) -> str:
        """Say what runs."""
        return ""

    @abstractmethod
    def command(self, site: Site) -> Command:
        """Write what it needs and say how to start it."""


class Ours(Subject):
    """``realtime-lb serve``.

    Args:
        lane: ``fast`` or ``aiohttp``.
    """

    def __init__(self, lane: str) -> None:
        self.lane = lane
        self.name = f"ours-{lane}"
        self.title = f"realtime-lb, {lane} lane"

    def command(self, site: Site) -> Command:
        models = [
            _deployment("openai_compatible", f"{upstream}/v1", opaque=site.opaque)
            for upstream in site.upstreams
        ]
        content: dict[str, object] = {"model_list": models, "general_settings": {"master_key": KEY}}
        if site.settings:
            content["realtime_lb"] = yaml.safe_load(site.settings)
        config = site.write("realtime-lb.yaml", content)
        argv = [sys.executable, "-m", "realtime_lb", "serve", "--config", str(config), "--host", "127.0.0.1"]
        argv += ["--port", str(site.port), "--admin-port", "0", "--lane", self.lane, *site.arguments]
        return Command(argv, folder=ROOT)


class PlainRelay(Subject):
    """Forty lines of aiohttp, before the first of the upstreams."""

    name = "relay"
    title = relay.PlainRelay.title

    def version(self) -> str:
        return relay.PlainRelay().version()

    def command(self, site: Site) -> Command:
        program = ROOT / "benchmarks" / "rig" / "subjects" / "plain_relay.py"
        upstream = f"{site.upstreams[0].replace('http', 'ws', 1)}/v1/realtime"
        return Command([sys.executable, str(program), str(site.port), upstream])


class LiteLLM(Subject):
    """LiteLLM's proxy, one worker."""

    name = "litellm"
    title = "LiteLLM"
    is_slow = True

    def missing(self) -> str | None:
        return litellm.LiteLLM().missing()

    def version(self) -> str:
        return litellm.LiteLLM().version()

    def command(self, site: Site) -> Command:
        content = {
            "model_list": [_deployment("openai", upstream) for upstream in site.upstreams],
            "general_settings": {"master_key": KEY},
        }
        return litellm.LiteLLM().start(site.write("litellm.yaml", content), site.port, site.folder)


def all_subjects() -> list[Subject]:
    """Return every subject, in the order of the table."""
    return [Ours("fast"), Ours("aiohttp"), PlainRelay(), LiteLLM()]


def _deployment(provider: str, base: str, **params: object) -> dict[str, object]:
    params = {"model": f"{provider}/{MODEL}", "api_base": base, "api_key": KEY, **params}
    return {"model_name": MODEL, "litellm_params": params}
