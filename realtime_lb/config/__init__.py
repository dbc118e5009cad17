"""Configuration: LiteLLM's YAML, and a section of our own, to `realtime_lb.settings`.

Values in, values out: only `load_config` touches a file, and nothing changes the process's environment.
"""

from realtime_lb.config.findings import ConfigWarning
from realtime_lb.config.load import LoadedConfig, load_config, parse_config

__all__ = ["ConfigWarning", "LoadedConfig", "load_config", "parse_config"]
