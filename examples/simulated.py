"""Simulated providers for the other examples, which therefore need no key and no network."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from realtime_lb.simulator import Face, Simulator

CONFIG = Path(__file__).with_name("simulated.yaml")


@asynccontextmanager
async def simulated_providers() -> AsyncIterator[Mapping[str, str]]:
    """Run a simulated OpenAI and a simulated Azure; yield the variables that ``simulated.yaml`` reads."""
    async with Simulator(Face.OPENAI) as openai, Simulator(Face.AZURE) as azure:
        yield {
            "OPENAI_BASE_URL": f"{openai.base_url}/v1",
            "OPENAI_API_KEY": openai.api_key,
            "AZURE_API_BASE": azure.base_url,
            "AZURE_API_KEY": azure.api_key,
        }
