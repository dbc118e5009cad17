"""Who asks how a proxy is, as a process of its own: one that talks a lot would ask too late."""

from __future__ import annotations

import http.client
import json
import sys
import time
from contextlib import suppress

from attrs import frozen

from benchmarks.scoreboard.apart import apart

__all__ = ["Question", "ask"]

TIMEOUT_S = 5.0


@frozen(kw_only=True)
class Question:
    """What is asked, of whom.

    Attributes:
        port: Of whom, on 127.0.0.1.
        path: What.
        times: How often, each time over a connection of its own.
        every_s: How far apart.
    """

    port: int
    path: str
    times: int
    every_s: float


async def ask(question: Question, core: int) -> list[float | None]:
    """Have a process on *core* ask; return the seconds that each answer took, None where it was no 200."""
    async with apart(__name__, question, core) as process:
        answers, _ = await process.communicate()
    found: list[float | None] = json.loads(answers)
    return found


def main() -> None:
    """Ask what standard input says, and print how long each answer took."""
    question = Question(**json.load(sys.stdin))
    answers = []
    for _ in range(question.times):
        time.sleep(question.every_s)
        began_s = time.perf_counter()
        answers.append(time.perf_counter() - began_s if _is_well(question) else None)
    json.dump(answers, sys.stdout)


def _is_well(question: Question) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", question.port, timeout=TIMEOUT_S)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", question.path, headers={"Connection": "close"})
        answer = connection.getresponse()
        answer.read()
        return answer.status == http.client.OK
    return False


if __name__ == "__main__":
    main()
