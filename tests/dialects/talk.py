"""A translator to talk to: events in, events out."""

import json
from typing import Any

from attrs import define, field

from realtime_lb.dialects import Translator
from realtime_lb.frames import Frame, Opcode
from realtime_lb.typing import Dialect

GA, BETA = Dialect.GA, Dialect.BETA


def text(event: Any) -> Frame:
    return Frame(Opcode.TEXT, json.dumps(event).encode())


@define
class Pair:
    """A client and an upstream with a translator between them."""

    translator: Translator
    lost: list[tuple[str, str]] = field(factory=list)

    @classmethod
    def of(cls, client: Dialect, upstream: Dialect, **options: Any) -> "Pair":
        lost: list[tuple[str, str]] = []
        translator = Translator(
            client=client, upstream=upstream, on_loss=lambda *loss: lost.append(loss), **options
        )
        return cls(translator, lost)

    def up(self, event: Any) -> list[Any]:
        return [json.loads(bytes(out.payload)) for out in self.translator.from_client(text(event))]

    def down(self, event: Any) -> list[Any]:
        return [json.loads(bytes(out.payload)) for out in self.translator.from_upstream(text(event))]
