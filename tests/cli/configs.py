"""Configurations, as their authors would write them."""

from pathlib import Path

LITELLM = """\
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-realtime-preview
      api_key: os.environ/AZURE_SWEDEN_API_KEY
      api_base: os.environ/AZURE_SWEDEN_API_BASE
  - model_name: openai-gpt-4o-realtime-audio
    litellm_params:
      model: openai/gpt-4o-realtime-preview-2024-10-01
      api_key: os.environ/OPENAI_API_KEY
litellm_settings:
  logged_real_time_event_types: "*"         # or a list
"""
"""The page that users of LiteLLM come from."""

CANARY = "sk-canary-2f81"
"""A key that must never be printed."""

SWEDEN = {
    "AZURE_SWEDEN_API_KEY": CANARY,
    "AZURE_SWEDEN_API_BASE": "https://sweden.openai.azure.com",
    "OPENAI_API_KEY": CANARY,
}


def draining(text: str, admit_s: float, timeout_s: float) -> str:
    """*text*, with so much time to stop in."""
    server = f"drain_admit_s: {admit_s}, drain_timeout_s: {timeout_s}"
    return f"{text}realtime_lb: {{server: {{{server}}}}}\n"


def written(folder: Path, text: str) -> str:
    path = folder / "config.yaml"
    path.write_text(text)
    return str(path)


def openai_group(**bases: str) -> str:
    """A group ``voice`` with a deployment at each of *bases*, named by it."""
    items = (
        f"  - model_name: voice\n    litellm_params: {{model: openai/gpt-realtime, api_key: {CANARY}, "
        f"api_base: '{base}'}}\n    model_info: {{id: {name}}}\n"
        for name, base in bases.items()
    )
    return "model_list:\n" + "".join(items)
