"""What translating costs: CPU per audio delta, over passing it on untranslated, and how much is parsed.

Usage: python benchmarks/translator.py [--frames 20000] [--bytes 12288]

One frame goes through a relay's lane: tap (the meter, which reads the event's type), translate, write. The
lane's sink takes it and does nothing, so what is left is our own work. Untranslated and translated runs take
turns, and the best of each counts: the rest is the machine's noise.
"""

from __future__ import annotations

import argparse
import base64
import gc
import itertools
import json
import platform
import random
import time
from typing import Any

from realtime_lb.dialects import Translator, downward, upward
from realtime_lb.frames import Frame, Opcode
from realtime_lb.meter import Meter
from realtime_lb.relay import Lane, Translate, Way, untranslated
from realtime_lb.settings import LoggingSettings
from realtime_lb.typing import Dialect

GA, BETA = Dialect.GA, Dialect.BETA
DELTAS = {GA: "response.output_audio.delta", BETA: "response.audio.delta"}
ROUNDS = 9
LIMIT_US = 3.0


class Sink:
    """A connection that is always writable."""

    on_writable: Any = None

    def write(self, _frame: Frame) -> bool:
        """Take it, and do nothing."""
        return True


def delta(dialect: Dialect, size_bytes: int) -> Frame:
    """An audio delta as servers write it, of *size_bytes* on the wire."""
    event: dict[str, Any] = {"type": DELTAS[dialect], "event_id": "event_Cq3y0Mwh5TzXz6o8nQJ1v"}
    event |= {"response_id": "resp_Cq3y0", "item_id": "item_Cq3y0", "output_index": 0, "content_index": 0}
    room = size_bytes - len(json.dumps(event | {"delta": ""}, separators=(",", ":")))
    sound = base64.b64encode(random.Random(1).randbytes(room))[:room].decode()
    return Frame(Opcode.TEXT, json.dumps(event | {"delta": sound}, separators=(",", ":")).encode())


def append(size_bytes: int) -> Frame:
    """What a client sends fifty times a second."""
    sound = base64.b64encode(random.Random(2).randbytes(size_bytes))[: size_bytes - 50].decode()
    return Frame(Opcode.TEXT, json.dumps({"type": "input_audio_buffer.append", "audio": sound}).encode())


def run(frame: Frame, translate: Translate, frames: int, *, is_client: bool = False) -> float:
    """Return the CPU time of one frame, in microseconds."""
    meter = Meter("bench", lambda _: None, LoggingSettings(event_types=frozenset()), time.monotonic)
    tap = meter.see_client if is_client else meter.see_upstream
    way = Way(tap=tap, translate=translate)
    lane = Lane(Sink(), Sink(), way, 10.0, lambda: None)  # type: ignore[arg-type]
    forward = lane.forward
    began = time.process_time()
    for _ in range(frames):
        forward(frame)
    return (time.process_time() - began) / frames * 1e6


def count_parses() -> list[int]:
    """Count every full parse from here on."""
    parses: list[int] = []
    for module in (downward, upward):
        read: Any = module.read

        def counted(payload: Any, read: Any = read) -> Any:
            parses.append(len(payload))
            return read(payload)

        module.read = counted  # type: ignore[attr-defined]
    return parses


def best(frame: Frame, translate: Translate, frames: int, *, is_client: bool) -> tuple[float, float]:
    """Return the best times of a frame, untranslated and translated, whose runs take turns."""
    rounds = [
        [run(frame, each, frames, is_client=is_client) for each in (untranslated, translate)]
        for _ in range(ROUNDS)
    ]
    return min(plain for plain, _ in rounds), min(translated for _, translated in rounds)


def main() -> None:
    """Measure every pair of dialects, both ways; exit with 1 where the limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--frames", type=int, default=20_000, help="frames of one run")
    parser.add_argument("--bytes", type=int, default=12_288, help="size of a frame")
    given = parser.parse_args()
    parses = count_parses()
    gc.disable()
    print(f"{platform.machine()}, Python {platform.python_version()}, {given.bytes} bytes a frame")
    print(f"{'client':>7} {'upstream':>9}  {'event':<28} {'plain':>8} {'translated':>11} {'over':>8}")
    worst = 0.0
    for client, upstream in itertools.product(Dialect, Dialect):
        translator = Translator(client=client, upstream=upstream, on_loss=lambda *_: None)
        for frame, translate, is_client, name in (
            (delta(upstream, given.bytes), translator.from_upstream, False, DELTAS[upstream]),
            (append(given.bytes), translator.from_client, True, "input_audio_buffer.append"),
        ):
            plain, translated = best(frame, translate, given.frames, is_client=is_client)
            over = translated - plain
            worst = max(worst, over)
            row = f"{client:>7} {upstream:>9}  {name:<28}"
            print(f"{row} {plain:>5.2f} µs {translated:>8.2f} µs {over:>5.2f} µs")
    print(f"worst: {worst:.2f} µs over the untranslated path (limit {LIMIT_US:g})")
    print(f"full parses: {len(parses)}")
    if worst > LIMIT_US or parses:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
