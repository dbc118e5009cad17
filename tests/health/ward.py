"""A clock that is moved by hand, deployments, and a `Health` with words for what the stories do to it."""

import random
from typing import Any

from attrs import define

from realtime_lb.deployments import Deployment
from realtime_lb.health import Health, Triage
from realtime_lb.records import HealthState, Standing
from realtime_lb.settings import HealthSettings
from realtime_lb.typing import Secret
from realtime_lb.verdicts import Meaning, Verdict, What

EXACT = HealthSettings(ejection_jitter=0.0)


@define
class Clock:
    """Seconds that pass when a story says so. It starts where no rounding hides a mistake."""

    now: float = 1024.0

    def __call__(self) -> float:
        return self.now


def deployment(name: str, **attributes: Any) -> Deployment:
    attributes.setdefault("model_group", "voice")
    attributes.setdefault("api_key", Secret(f"key-of-{name}"))
    return Deployment(id=name, model="gpt-realtime", **attributes)


def deployments(count: int, **attributes: Any) -> tuple[Deployment, ...]:
    return tuple(deployment("abcdefghijkl"[n], **attributes) for n in range(count))


class Ward:
    """A group under a `Health`, each deployment called by its id."""

    def __init__(self, *group: Deployment, settings: HealthSettings = EXACT, seed: int = 1) -> None:
        self.clock = Clock()
        self.group = group
        self.by_id = {d.id: d for d in group}
        self.health = Health(settings, self.clock, random.Random(seed))

    def after(self, seconds: float) -> "Ward":
        self.clock.now += seconds
        return self

    def triage(self) -> Triage:
        return self.health.triage(self.group)

    @property
    def eligible(self) -> str:
        return "".join(d.id for d in self.triage().eligible)

    @property
    def last_resort(self) -> str:
        return "".join(d.id for d in self.triage().last_resort)

    @property
    def spare(self) -> str:
        return "".join(d.id for d in self.triage().spare)

    @property
    def probe(self) -> str | None:
        probe = self.triage().probe
        return None if probe is None else probe.id

    def admit(self, name: str) -> None:
        self.health.admitted(self.by_id[name], self.group)

    def report(
        self,
        name: str,
        meaning: Meaning,
        *,
        times: int = 1,
        delay_s: float | None = None,
        what: What | None = None,
    ) -> Standing | None:
        standing = None
        for _ in range(times):
            standing = self.health.report(self.by_id[name], Verdict(meaning, delay_s), what=what)
        return standing

    def dial(self, name: str, meaning: Meaning = Meaning.OK, delay_s: float | None = None) -> Standing | None:
        """A whole dial: admitted, then reported."""
        self.admit(name)
        return self.report(name, meaning, delay_s=delay_s)

    def kill(self, *names: str) -> None:
        """Three dials without an answer, each."""
        for name in names:
            self.report(name, Meaning.UNREACHABLE, times=3)

    def standing(self, name: str) -> Standing:
        return self.health.standing(self.by_id[name], self.group)

    def state(self, name: str) -> HealthState:
        return self.standing(name).state
