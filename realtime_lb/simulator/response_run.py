"""The life of one response, from ``response.created`` to ``response.done``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from attrs import evolve, frozen

from realtime_lb.simulator.answers import Call, answer
from realtime_lb.simulator.conversation import Conversation
from realtime_lb.simulator.failures import failure
from realtime_lb.simulator.faults import FailResponse, Plan, Stage
from realtime_lb.simulator.ids import Ids
from realtime_lb.simulator.items import Item
from realtime_lb.simulator.settings import ResponseOrder
from realtime_lb.simulator.shape import ResponseState, Shape
from realtime_lb.simulator.usage import Tokens, item_tokens, response_usage, text_tokens
from realtime_lb.simulator.voicing import CallOutput, Output, Say, SpokenOutput, WrittenOutput
from realtime_lb.typing import JsonObject

__all__ = ["Beat", "ResponseRun", "Surroundings"]


@frozen
class Beat:
    """One step of something that takes time.

    Attributes:
        audio_ms: How much sound it made, which sets the pace.
        hold_s: How long to wait whatever the pace; infinity is for good.
    """

    audio_ms: float = 0
    hold_s: float = 0


@frozen(kw_only=True)
class Surroundings:
    """What a response works with.

    Attributes:
        shape: The dialect.
        ids: Where ids come from.
        say: Sends an event.
        conversation: What it answers to and writes to.
        known_items: Ids of items that were read before, and so are cached; grows.
        seed: Decides between answers.
        ended: Called with the run when it is over, before ``response.done`` is sent.
    """

    shape: Shape
    ids: Ids
    say: Say
    conversation: Conversation
    known_items: set[str]
    seed: int
    ended: Callable[[ResponseRun], None]


class ResponseRun:
    """One response. Its events come from `beats`, or from `stop` when it is cut short."""

    def __init__(self, order: ResponseOrder, plan: Plan, around: Surroundings) -> None:
        conversation_id = None if order.out_of_band else around.conversation.id
        self._state = ResponseState(id=around.ids.new("resp"), order=order, conversation_id=conversation_id)
        self._plan = plan
        self._around = around
        self._output: Output | None = None
        self._context = around.conversation.items if order.context is None else order.context
        self._read = self._tokens_read()

    @property
    def id(self) -> str:
        """Such as ``resp_…``."""
        return self._state.id

    @property
    def out_of_band(self) -> bool:
        """It writes nothing to the conversation, and so stands in nobody's way."""
        return self._state.order.out_of_band

    @property
    def over(self) -> bool:
        """``response.done`` has been sent."""
        return self._state.status != "in_progress"

    def start(self) -> None:
        """Announce the response."""
        self._around.say("response.created", response=self._around.shape.response(self._state))

    def beats(self) -> Iterator[Beat]:
        """Make the answer, one beat at a time. To be left alone once `stop` was called."""
        hold_s = self._plan.delay_s(Stage.RESPONSE)
        if hold_s:
            yield Beat(hold_s=hold_s)
        fault = self._plan.find(FailResponse)
        if fault is not None:
            self._fail(fault)
            return
        output = self._open()
        for audio_ms in output.beats(self._tell):
            yield Beat(audio_ms)
            if self._limit_reached(output.item):
                self.stop("incomplete", "max_output_tokens")
                return
        self._finish("completed", None)

    def stop(self, status: str, reason: str) -> None:
        """End it before its end: ``cancelled`` or ``incomplete``."""
        self._finish(status, {"type": status, "reason": reason})

    def _fail(self, fault: FailResponse) -> None:
        error = failure(fault.code, fault.message)
        self._read = (Tokens(), Tokens())
        details = {"type": error.kind, "code": error.code, "message": error.message}
        self._finish("failed", {"type": "failed", "error": details})

    def _open(self) -> Output:
        around, settings = self._around, self._state.order.settings
        made = answer(self._context, settings, around.seed)
        item_id, names = around.ids.new("item"), around.shape.names
        output: Output
        if isinstance(made, Call):
            output = CallOutput(item_id, around.ids.new("call"), made, names)
        elif settings.speaks:
            output = SpokenOutput(item_id, made, names, settings.output_format)
        else:
            output = WrittenOutput(item_id, made, names)
        self._output = output
        wire = around.shape.items.write(output.item)
        around.say("response.output_item.added", response_id=self.id, output_index=0, item=wire)
        if not self.out_of_band:
            before = around.conversation.add(output.item)
            around.say(names.item_added, previous_item_id=before, item=wire)
        return output

    def _tell(self, event_type: str, /, **fields: Any) -> None:
        """Send an event about the open item, and let the conversation hold what it has come to."""
        assert self._output is not None  # noqa: S101  # only an open output tells
        item_id = self._output.item.id
        self._around.say(event_type, response_id=self.id, item_id=item_id, output_index=0, **fields)
        self._around.conversation.replace(self._output.item)

    def _limit_reached(self, item: Item) -> bool:
        limit = self._state.order.settings.max_output_tokens
        return limit is not None and item_tokens(item).total >= limit

    def _finish(self, status: str, details: JsonObject | None) -> None:
        self._close_output("completed" if status == "completed" else "incomplete")
        usage = response_usage(*self._read, self._state.output)
        self._state = evolve(self._state, status=status, details=details, usage=usage)
        self._around.ended(self)
        self._around.say("response.done", response=self._around.shape.response(self._state))

    def _close_output(self, status: str) -> None:
        output, around = self._output, self._around
        if output is None:
            return
        output.close(self._tell)
        output.item = evolve(output.item, status=status)
        around.conversation.replace(output.item)
        self._state = evolve(self._state, output=(output.item,))
        wire = around.shape.items.write(output.item)
        around.say("response.output_item.done", response_id=self.id, output_index=0, item=wire)
        done = around.shape.names.item_done
        if done is not None and not self.out_of_band:
            before = _before(around.conversation.items, output.item.id)
            around.say(done, previous_item_id=before, item=wire)

    def _tokens_read(self) -> tuple[Tokens, Tokens]:
        """Return what was read fresh and what was cached; all of it counts as known from now on."""
        settings, known = self._state.order.settings, self._around.known_items
        prompt = Tokens(text_tokens(settings.instructions) + sum(map(_tool_tokens, settings.tools)))
        fresh, cached = (Tokens(), prompt) if known else (prompt, Tokens())
        for item in self._context:
            if item.id in known:
                cached += item_tokens(item)
            else:
                fresh += item_tokens(item)
        known.update(item.id for item in self._context)
        return fresh, cached


def _tool_tokens(tool: JsonObject) -> int:
    return text_tokens(str(tool))


def _before(items: Sequence[Item], item_id: str) -> str | None:
    ids = [item.id for item in items]
    at = ids.index(item_id) if item_id in ids else 0
    return ids[at - 1] if at else None
