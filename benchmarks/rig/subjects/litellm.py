"""LiteLLM's proxy: the gateway whose configuration realtime-lb reads."""

from __future__ import annotations

from pathlib import Path

from benchmarks.rig.events import MODEL
from benchmarks.rig.processes import Command
from benchmarks.rig.subjects.base import KEY, ROOT, Place, Subject, first_line

__all__ = ["LiteLLM"]

_CONFIG = """\
model_list:
  - model_name: {model}
    litellm_params:
      model: openai/{model}
      api_base: http://127.0.0.1:{upstream}
      api_key: {key}
general_settings:
  master_key: {key}
"""
_PROGRAM = ROOT / ".venv-litellm" / "bin" / "litellm"


class LiteLLM(Subject):
    """One worker, in a virtual environment of its own."""

    name = "litellm"
    title = "LiteLLM"
    reads_events = True
    is_slow = True
    stages = frozenset({"session", "idle"})

    def missing(self) -> str | None:
        return None if _PROGRAM.exists() else "LiteLLM is not installed (make bench-peers)"

    def version(self) -> str:
        code = "from importlib.metadata import version; print('LiteLLM', version('litellm'))"
        return first_line([str(_PROGRAM.with_name("python")), "-c", code])

    def command(self, place: Place) -> Command:
        text = _CONFIG.format(model=MODEL, upstream=place.upstream_port, key=KEY)
        return self.start(place.write("litellm.yaml", text), place.port, place.folder)

    def start(self, config: Path, port: int, folder: Path) -> Command:
        """Say how to start it with a configuration."""
        argv = [str(_PROGRAM), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        # It fetches a price list at its start unless it is told to use its own.
        env = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "NO_PROXY": "*"}
        return Command([*argv, "--num_workers", "1"], env, folder, ready_s=90.0)
