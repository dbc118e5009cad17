"""Names that differ between a client and an upstream in any dialect: the model's, and the transcriber's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from attrs import define, field

from realtime_lb.dialects.rows import Path
from realtime_lb.typing import Dialect, JsonObject

__all__ = ["ANY_MODEL", "ModelNames"]

Rename: TypeAlias = Callable[[str], str]

ANY_MODEL = "*"
"""Key of a map of transcription models: what all others are called."""

_TRANSCRIPTION: Mapping[Dialect, Path] = {
    Dialect.GA: ("audio", "input", "transcription"),
    Dialect.BETA: ("input_audio_transcription",),
}


@define
class ModelNames:
    """What a client calls a model, and what its upstream does. Renames exact matches only.

    A session that shows another name, such as the dated snapshot behind an alias, is left alone: that is
    knowledge.

    Attributes:
        shown: The client's name of the model: an alias or a model group.
        served: The upstream's: a model, or an Azure deployment.
        transcription: The client's name of a transcription model → the upstream's; `ANY_MODEL` for the rest.
    """

    shown: str | None = None
    served: str | None = None
    transcription: Mapping[str, str] = field(factory=dict)
    _asked: dict[str, str] = field(factory=dict, init=False)

    @property
    def differ(self) -> bool:
        """There is anything to rename."""
        return bool(self.transcription) or (
            self.shown is not None and self.served is not None and self.shown != self.served
        )

    def to_upstream(self, session: JsonObject, dialect: Dialect) -> JsonObject:
        """Return a client's session, in *dialect*, with the upstream's names."""
        return self._renamed(session, dialect, self.shown, self.served, self._served_transcriber)

    def to_client(self, session: JsonObject, dialect: Dialect) -> JsonObject:
        """Return a server's session, in *dialect*, with the client's names."""
        return self._renamed(session, dialect, self.served, self.shown, self._shown_transcriber)

    def _renamed(
        self, session: JsonObject, dialect: Dialect, old: str | None, new: str | None, transcriber: Rename
    ) -> JsonObject:
        if old is not None and new is not None and session.get("model") == old:
            session = {**session, "model": new}
        return _replaced(session, (*_TRANSCRIPTION[dialect], "model"), transcriber)

    def _served_transcriber(self, name: str) -> str:
        served = self.transcription.get(name) or self.transcription.get(ANY_MODEL, name)
        self._asked = {served: name}  # the one in force: a session has one transcriber
        return served

    def _shown_transcriber(self, name: str) -> str:
        if name in self._asked:
            return self._asked[name]
        known = {served: shown for shown, served in self.transcription.items() if shown != ANY_MODEL}
        return known.get(name, name)


def _replaced(value: JsonObject, path: Path, change: Rename) -> JsonObject:
    """Return *value* with the text at *path* changed; *value* itself where there is none."""
    name, *deeper = path
    inner = value.get(name)
    if not deeper:
        return {**value, name: change(inner)} if isinstance(inner, str) else value
    return {**value, name: _replaced(inner, tuple(deeper), change)} if isinstance(inner, dict) else value
