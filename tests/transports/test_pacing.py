"""Who sends heaps of frames is read a little at a time, and who sends them one by one again is not."""

from types import SimpleNamespace

import pytest

from realtime_lb.transports import picows_pace
from tests.support import deployment, gateway, greet_and_echo, upstream


async def test_who_talks_again_after_a_large_message_is_read_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To look at each read, and at what is missing, costs more than a frame: only a heap is worth it."""
    pacing, paced = picows_pace.Pacer.buffer_updated, 0

    def counted(pacer: picows_pace.Pacer, size: int) -> None:
        nonlocal paced
        paced += 1
        pacing(pacer, size)

    monkeypatch.setattr(picows_pace.Pacer, "buffer_updated", counted)
    monkeypatch.setattr(picows_pace, "time", SimpleNamespace(perf_counter=lambda: 0.0))  # no read took long
    async with upstream(greet_and_echo) as url, gateway(deployment("a", url)) as gate, gate.open() as client:
        await client.receive()

        async def reads_paced(*messages: str) -> int:
            before = paced
            for message in messages:
                await client.send_str(message)
                assert (await client.receive()).data == message
            return paced - before

        large, small = '{"type":"x","pad":"%s"}' % ("x" * 100_000), '{"type":"x"}'
        for _ in range(2):
            assert await reads_paced(large, *[small] * 5) > 0
            assert await reads_paced(*[small] * 20) == 0
