"""``realtime-lb simulate``: the simulated providers, for clients of any kind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack

import click

from realtime_lb.cli.failures import Unusable
from realtime_lb.cli.processes import entered_listening, until_signal
from realtime_lb.simulator import GRAMMAR, Face, Fault, FaultTextError, Simulator, parse_faults

__all__ = ["simulate"]

_EPILOG = "\n\n".join(f"\b\n{paragraph}" for paragraph in ("Faults:", *GRAMMAR.split("\n\n")))
"""``\\b`` keeps click from filling a paragraph."""

_VARIABLES = {
    Face.OPENAI: ("OPENAI_BASE_URL={root}/v1", "OPENAI_API_KEY={key}"),
    Face.AZURE: ("AZURE_API_BASE={root}", "AZURE_API_KEY={key}"),
    Face.VOICE_LIVE: ("AZURE_VOICELIVE_ENDPOINT={root}", "AZURE_VOICELIVE_API_KEY={key}"),
    Face.XAI: ("XAI_API_BASE={root}/v1", "XAI_API_KEY={key}"),
}
"""What the vendors' SDKs and LiteLLM read."""

_NAMES = {
    Face.OPENAI: "OpenAI",
    Face.AZURE: "Azure OpenAI",
    Face.VOICE_LIVE: "Azure Voice Live",
    Face.XAI: "xAI",
}


@click.command(epilog=_EPILOG, short_help="Run simulated providers to test clients against.")
@click.option(
    "--face",
    type=click.Choice([*(face.value for face in Face), "all"]),
    default="all",
    show_default=True,
    help="Whose API to simulate.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535 - len(Face)),
    default=4010,
    show_default=True,
    help="Port to listen on; each further face takes the next one. 0 takes free ones.",
)
@click.option("--api-key", default="sk-sim", show_default=True, help="The key that opens it.")
@click.option(
    "--fault", "faults", multiple=True, metavar="FAULT", help="What goes wrong, as below. May be given again."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Decides between answers.")
@click.option(
    "--speed",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Seconds of audio that are sent in a second.",
)
def simulate(
    face: str, host: str, port: int, api_key: str, faults: tuple[str, ...], seed: int, speed: float
) -> None:
    """Run a simulated provider until SIGTERM or Ctrl-C, and print what to export for its clients.

    It answers as the real one does, by echoing: no key, no network, no bill.
    """
    faces = list(Face) if face == "all" else [Face(face)]
    simulators = [
        Simulator(
            each,
            host=host,
            port=port and port + position,
            api_key=api_key,
            faults=_read_faults(faults),
            seed=seed,
            realtime_factor=speed,
        )
        for position, each in enumerate(faces)
    ]
    asyncio.run(_simulate(simulators))


def _read_faults(texts: Sequence[str]) -> list[Fault]:
    try:
        return [fault for text in texts for fault in parse_faults(text)]
    except FaultTextError as error:
        text = str(error).partition("\n")[0]
        raise Unusable(f"{text}; 'realtime-lb simulate --help' shows how faults are written") from None


async def _simulate(simulators: Sequence[Simulator]) -> None:
    async with until_signal() as told, AsyncExitStack() as running:
        for simulator in simulators:
            await running.enter_async_context(entered_listening(simulator, simulator.host, simulator.port))
        click.echo("\n".join(_introduction(simulators)))
        await told


def _introduction(simulators: Sequence[Simulator]) -> Iterator[str]:
    for simulator in simulators:
        yield f"# {_NAMES[simulator.face]}, simulated on {simulator.base_url}"
        for variable in _VARIABLES[simulator.face]:
            yield f"export {variable.format(root=simulator.base_url, key=simulator.api_key)}"
    yield "# Ctrl-C ends it"
