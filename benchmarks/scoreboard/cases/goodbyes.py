"""Every way to say goodbye."""

from __future__ import annotations

from benchmarks.scoreboard.case import Case, Outcome, Size
from benchmarks.scoreboard.goodbyes import Upstreams, say_all
from benchmarks.scoreboard.stand import Stand
from benchmarks.scoreboard.wire import wire_upstream

__all__ = ["CloseMatrix"]

MOST_S = 1.0


class CloseMatrix(Case):
    """Either end says each, all at once; what the other end and the sender are told is read as bytes."""

    id = "B3"
    title = "Every close code and reason, legal or not, from either end"
    bar = "legal ones arrive, no illegal one is sent, both connections end within 1 s"

    async def run(self, stand: Stand, size: Size) -> Outcome:
        upstreams = Upstreams()
        settings = "{rehome: {enabled: false}, health: {enabled: false}}"
        async with (
            wire_upstream(upstreams.behave) as url,
            stand.proxy(url, settings=settings) as proxy,
        ):
            said = await say_all(proxy, upstreams)
        lost = sum(each.is_lost for each in said)
        illegal = sum(each.has_illegal for each in said)
        late = sum(each.took_s > MOST_S for each in said)
        figure = (
            f"of {len(said)}: {lost} lost or changed, {illegal} answered illegally, {late} open after 1 s"
        )
        return Outcome(figure, holds=lost == illegal == late == 0)
