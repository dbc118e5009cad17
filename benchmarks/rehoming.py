"""What re-homing is worth, and what it costs.

``python -m benchmarks.rehoming calls`` has 200 calls talk over three upstreams, each somewhere in a turn, has
one upstream go, or all in turn, and counts who gets through. ``cost`` times the journal per frame of sound.
``gap`` times the telling of 50 items beside a bare dial. ``drain`` has a call talk and ask for items while
its deployment is drained, and times every answer: what a planned move delays.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Callable
from itertools import cycle
from typing import Any

from realtime_lb.frames import Frame, Opcode
from realtime_lb.journal import Journal
from realtime_lb.typing import Dialect
from tests.clients.conversation import sound
from tests.rehoming.caller import Caller, house
from tests.rehoming.crowd import CAUSES, KINDS, crowd

FRAMES = 200_000
FRAME_S = 0.02


TALK_S = 5.0
"""Longer than a turn lasts, so that each call is somewhere else in one."""


async def calls(sessions: int, causes: list[str], victim: str, seed: int) -> None:
    """Print one line for each cause."""
    print(f"The upstream that goes: {victim}; seed {seed}")
    print(f"{'cause':<16} sessions  struck  survivors  moves   gap p50   gap p99  newcomers  refused")
    for cause in causes:
        outcome = await crowd(cause, sessions=sessions, seed=seed, victim=victim, talk_s=TALK_S, pace=1.0)
        print(
            f"{cause:<16} {outcome.sessions:>8} {outcome.struck:>7} {outcome.survivors:>10} "
            f"{len(outcome.moves):>6} {outcome.gap_ms(0.5):>6.0f} ms {outcome.gap_ms(0.99):>6.0f} ms "
            f"{outcome.newcomers:>10} {len(outcome.refused):>8}  {outcome.causes}",
            flush=True,
        )
        for failure in (*outcome.failures[:5], *outcome.refused[:2]):
            print(f"    {failure[:300]}")


def cost() -> None:
    """Print what the journal adds to a frame of sound, either way."""
    journal = Journal(Dialect.GA)
    audio = sound(loud_ms=20, silent_ms=0)[0]
    up = json.dumps({"type": "input_audio_buffer.append", "audio": audio}).encode()
    down = (
        b'{"type":"response.output_audio.delta","event_id":"event_1","response_id":"resp_1","item_id":"item_1",'
        b'"output_index":0,"content_index":0,"delta":"' + b"A" * 12_800 + b'"}'
    )
    for kind, fields in (
        ("response.created", {"response": {"id": "resp_1"}}),
        (
            "response.output_item.added",
            {"response_id": "resp_1", "output_index": 0, "item": {"id": "item_1"}},
        ),
    ):
        journal.client_told(kind, Frame(Opcode.TEXT, json.dumps({"type": kind, **fields}).encode()))
    ways: tuple[tuple[str, Callable[[str, Any], object], bytes | Frame], ...] = (
        ("input_audio_buffer.append", journal.client_said, up),
        ("response.output_audio.delta", journal.client_told, Frame(Opcode.TEXT, down)),
    )
    for name, see, message in ways:
        began_s = time.process_time()
        for _ in range(FRAMES):
            see(name, message)
        print(f"{name:<30} {(time.process_time() - began_s) / FRAMES * 1e6:.2f} µs")


async def gap(items: int, rounds: int) -> None:
    """Print how long a client waits when its upstream is cut, and how long a bare dial takes."""
    gaps, dials = [], []
    for _ in range(rounds):
        async with house("OpenAI GA", "Azure v1") as stage, stage.caller() as caller:
            for number in range(items // 2):
                await caller.write(f"What about number {number}?")
                await caller.ask(output_modalities=["text"])
            stage.simulators["OpenAI GA 0"].cut()
            moved = await stage.moved()
            gaps.append(moved.gap_s * 1e3)
            dials.append(moved.attempts[-1].duration_s * 1e3)
    print(f"{items} items: gap p50 {statistics.median(gaps):.1f} ms, max {max(gaps):.1f} ms", end=", ")
    print(f"of which the dial p50 {statistics.median(dials):.1f} ms")


async def drain(items: int, rounds: int) -> None:
    """Print how late answers come while a session moves in good time, beside how late they come before."""
    before: list[float] = []
    around: list[float] = []
    gaps: list[float] = []
    for _ in range(rounds):
        async with (
            house("OpenAI GA", "Azure v1", rules={"realtime_factor": 1.0}) as stage,
            stage.caller() as caller,
        ):
            for number in range(items // 2):
                await caller.write(f"What about number {number}?")
                await caller.ask(output_modalities=["text"])
            await caller.configure(transcribe=False)
            trips: list[tuple[float, float]] = []
            async with asyncio.TaskGroup() as tasks:
                talking = tasks.create_task(_talk(caller))
                asking = tasks.create_task(_ask_for(caller, caller.view.items[0].id, trips))
                await caller.seen("response.done", items // 2 + 1)
                drained_s = time.perf_counter()
                stage.router.drain("OpenAI GA 0")
                gaps.append((await stage.moved()).gap_s * 1e3)
                await asyncio.sleep(1)
                talking.cancel()
                asking.cancel()
            before += [took_ms for sent_s, took_ms in trips if sent_s < drained_s]
            around += [took_ms for sent_s, took_ms in trips if sent_s >= drained_s]
    for name, took_ms in (("before", before), ("from the drain on", around)):
        ordered = sorted(took_ms)
        p99 = ordered[int(0.99 * len(ordered))]
        print(f"{name:<18} {len(ordered)} answers, p50 {statistics.median(ordered):.1f} ms", end=", ")
        print(f"p99 {p99:.1f} ms, max {ordered[-1]:.1f} ms")
    print(
        f"{rounds} moves of {items} items: gap p50 {statistics.median(gaps):.1f} ms, max {max(gaps):.1f} ms"
    )


async def _talk(caller: Caller) -> None:
    """Keep a microphone open, in which somebody says something every three seconds."""
    due_s = time.perf_counter()
    for chunk in cycle(sound(loud_ms=600, silent_ms=2_400)):
        await caller.send("input_audio_buffer.append", audio=chunk)
        due_s += FRAME_S
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))


async def _ask_for(caller: Caller, item_id: str, trips: list[tuple[float, float]]) -> None:
    """Ask for an item and wait for it, again and again: when that was, and how many milliseconds it took."""
    while True:
        sent_s = time.perf_counter()
        await caller.send("conversation.item.retrieve", item_id=item_id)
        await caller.seen("conversation.item.retrieved", len(trips) + 1)
        trips.append((sent_s, (time.perf_counter() - sent_s) * 1e3))
        await asyncio.sleep(max(0.0, sent_s + FRAME_S - time.perf_counter()))


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("calls", "cost", "gap", "drain"))
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--cause", action="append", choices=list(CAUSES))
    parser.add_argument("--victim", choices=KINDS, default=KINDS[0])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.what == "cost":
        cost()
    elif options.what == "gap":
        asyncio.run(gap(50, 20))
    elif options.what == "drain":
        asyncio.run(drain(50, 10))
    else:
        asyncio.run(calls(options.sessions, options.cause or list(CAUSES), options.victim, options.seed))


if __name__ == "__main__":
    main()
