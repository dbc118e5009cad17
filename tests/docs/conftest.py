"""A place to run what the pages show: files that they name, and simulated providers behind the variables."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trustme

from realtime_lb import RealtimeRouter
from realtime_lb.server import listening
from realtime_lb.simulator import Face, Simulator
from tests.docs.pages import ROOT

NAMES = ("SWEDEN", "EASTUS2")


async def _simulate(ready: threading.Event, environ: dict[str, str], told: list[asyncio.Event]) -> None:
    async with AsyncExitStack() as stack:
        openai = await stack.enter_async_context(Simulator(Face.OPENAI, api_key="sk-docs"))
        azure = await stack.enter_async_context(Simulator(Face.AZURE, api_key="azure-docs"))
        environ |= {"OPENAI_BASE_URL": f"{openai.base_url}/v1", "OPENAI_API_KEY": "sk-docs"}
        environ |= {"AZURE_API_BASE": azure.base_url, "AZURE_API_KEY": "azure-docs"}
        for name in NAMES:
            environ |= {f"AZURE_{name}_API_BASE": azure.base_url, f"AZURE_{name}_API_KEY": "azure-docs"}
        environ |= {"MASTER_KEY": "master-docs", "XAI_API_KEY": "xai-docs", "ACME_KEY": "acme-docs"}
        environ["AZURE_VOICELIVE_API_KEY"] = "voicelive-docs"
        environ |= {"TENANT_ID": "tenant", "CLIENT_ID": "client", "CLIENT_SECRET": "secret"}
        router = RealtimeRouter.from_config(ROOT / "examples" / "simulated.yaml", environ=environ)
        environ["GATEWAY"] = await stack.enter_async_context(listening(router))
        told.append(asyncio.Event())
        ready.set()
        await told[0].wait()


@pytest.fixture(scope="session")
def simulated() -> Iterator[Mapping[str, str]]:
    """Simulated providers, and a gateway over them, in a thread: a snippet's loop is its own."""
    ready, environ, told = threading.Event(), dict[str, str](), list[asyncio.Event]()
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        thread = threading.Thread(target=runner.run, args=(_simulate(ready, environ, told),))
        thread.start()
        assert ready.wait(20)
        try:
            yield environ
        finally:
            loop.call_soon_threadsafe(told[0].set)
            thread.join(20)


@pytest.fixture
def workplace(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    logging_restored: None,
    simulated: Mapping[str, str],
) -> Mapping[str, str]:
    """A working directory with the files that the pages name, and the variables that they read."""
    shutil.copy(ROOT / "examples" / "simulated.yaml", tmp_path / "config.yaml")
    (tmp_path / "ca.pem").write_bytes(trustme.CA().cert_pem.bytes())
    monkeypatch.chdir(tmp_path)
    for name, value in simulated.items():
        monkeypatch.setenv(name, value)
    return simulated
