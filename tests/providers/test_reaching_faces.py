"""From a line of YAML to a session: each provider's dial opens the simulated server of its vendor."""

import aiohttp
import pytest

from realtime_lb.config import parse_config
from realtime_lb.providers import load_providers
from realtime_lb.requests import SessionRequest
from realtime_lb.simulator import Face, Simulator
from realtime_lb.typing import Secret

FACES = [
    (Face.OPENAI, "openai_compatible/gpt-realtime", "/v1", "session.created"),
    (Face.AZURE, "azure/my-deployment", "", "session.created"),
    (Face.VOICE_LIVE, "azure_voice_live/gpt-realtime", "", "session.created"),
    (Face.XAI, "xai/grok-voice-latest", "/v1", "conversation.created"),
]


@pytest.mark.parametrize(("face", "model", "path", "first"), FACES)
async def test_a_deployment_from_a_file_opens_a_session(
    face: Face, model: str, path: str, first: str
) -> None:
    """xAI may open with its conversation: that counts as well."""
    async with Simulator(face, conversation_first=True) as simulator, aiohttp.ClientSession() as http:
        text = f"""
        model_list:
          - model_name: voice
            litellm_params: {{model: {model}, api_base: "{simulator.base_url}{path}", api_key: sk-sim}}
        """
        (deployment,) = parse_config(text, environ={}).settings.deployments
        adapter = load_providers([])[deployment.provider]
        dial = adapter.dial(deployment, SessionRequest(model="voice"))
        headers = dial.with_headers(await adapter.credentials(deployment)).headers
        plain = {name: v.reveal() if isinstance(v, Secret) else v for name, v in headers.items()}
        async with http.ws_connect(dial.url, headers=plain) as ws:
            event = await ws.receive_json()
            assert event["type"] == first
            assert adapter.accepts(event)
            assert simulator.sessions[0].terms.dialect is adapter.dialect(deployment)
            assert simulator.sessions[0].terms.model == deployment.model
