"""What a proxy costs is counted to its last thread and child."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.rig.proc import CpuReading, cpu_between, read_cpu, read_memory, tree

BURNER = """
import os, sys, threading, time

def burn(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass

def told(line):
    print(line, flush=True)
    sys.stdin.readline()

child = os.fork()
if not child:
    hoard = bytearray(30_000_000)
    burn(0.3)
    os.write(1, b"child\\n")
    time.sleep(60 if sys.argv[1] == "stay" else 0)
    os._exit(0)
if sys.argv[1] == "leave":
    os.waitpid(child, 0)
thread = threading.Thread(target=burn, args=(0.2,))
thread.start()
thread.join()
told("done")
if sys.argv[1] == "stay":
    os.kill(child, 9)
"""


@contextmanager
def burner(child: str) -> Iterator[subprocess.Popen[str]]:
    """A process that works 0.3 s in a child and 0.2 s in a thread; its *child* stays or leaves."""
    argv = [sys.executable, "-c", f"import sys; sys.stdin.readline()\n{BURNER}", child]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.communicate("\n\n", timeout=30)


def begin_and_finish(process: subprocess.Popen[str]) -> tuple[CpuReading, CpuReading]:
    assert process.stdin is not None
    assert process.stdout is not None
    time.sleep(0.2)  # its imports are not its work
    before = read_cpu(process.pid)
    process.stdin.write("\n")
    process.stdin.flush()
    lines = {process.stdout.readline().strip() for _ in range(2)}
    assert lines == {"child", "done"}
    return before, read_cpu(process.pid)


@pytest.mark.parametrize("child", ["stay", "leave"])
def test_threads_and_children_count_whether_they_live_or_not(child: str) -> None:
    with burner(child) as process:
        before, after = begin_and_finish(process)
    assert 0.45e9 < cpu_between(before, after) < 0.9e9


def test_a_childs_memory_counts() -> None:
    with burner("stay") as process:
        begin_and_finish(process)
        family = tree(process.pid)
        memory = read_memory(process.pid)
    assert len(family) == 2
    assert memory.rss_bytes > memory.pss_bytes > 30_000_000


def test_a_process_that_is_gone_costs_nothing_more() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert read_cpu(process.pid).threads == {}
    assert read_memory(process.pid).rss_bytes == 0
