"""How each kind of upstream is addressed: one file per outside system, found by name."""

from realtime_lb.abc import ProviderAdapter
from realtime_lb.deployments import Deployment
from realtime_lb.providers.azure import Azure
from realtime_lb.providers.openai import OpenAI
from realtime_lb.providers.openai_compatible import OpenAICompatible
from realtime_lb.providers.registry import load_providers
from realtime_lb.providers.voice_live import VoiceLive
from realtime_lb.providers.xai import XAI
from realtime_lb.requests import SessionRequest

__all__ = ["XAI", "Azure", "OpenAI", "OpenAICompatible", "VoiceLive", "load_providers", "shown_url"]


def shown_url(adapter: ProviderAdapter, deployment: Deployment) -> str:
    """Return where a plain session on *deployment* would be dialled, for an operator's eyes.

    It holds no credential: an adapter puts none into a URL. Not for a client's eyes.

    Raises:
        ConfigError: The deployment is set up wrongly.
    """
    return adapter.dial(deployment, SessionRequest()).url
