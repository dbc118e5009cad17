"""Whatever is said, wherever it is cut: the client's view is the upstream's, nothing happens twice.

``make test`` holds the same 300 conversations each time. A long run holds as many as are asked for, others
with each seed, and says how many they were: ``REHOMING_EXAMPLES=10000 python -m pytest --timeout=0
--hypothesis-seed=7 --hypothesis-show-statistics tests/rehoming/test_conversations.py``.
"""

import base64
import itertools
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from realtime_lb.typing import Dialect
from tests.clients.conversation import TOOL, sound
from tests.rehoming.stage import Session, said
from tests.rehoming.view import Seen

DIALECTS = st.sampled_from(Dialect)
LOUD = list(sound(loud_ms=200, silent_ms=0))
QUIET = list(sound(loud_ms=0, silent_ms=200))
VAD = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}
WORDS = st.sampled_from(["hello", "what about Oslo", "one two three four five six seven", 'say "hi" \\ ü'])
LONG_RUN = os.environ.get("REHOMING_EXAMPLES")


class Calls(RuleBasedStateMachine):
    """A client that does anything, an upstream that dies at any moment."""

    session: Session

    @initialize(client=DIALECTS, upstream=DIALECTS, seed=st.integers(0, 5))
    def begin(self, client: Dialect, upstream: Dialect, seed: int) -> None:
        self.session = Session(client, seed)
        self.session.begin(upstream)
        self.session.deliver(1)
        self.names = itertools.count(1)
        self.cuts = 0

    # -- the client -------------------------------------------------------------------------------------

    def _items(self, **wanted: Any) -> list[Seen]:
        view = self.session.view
        return [s for s in view.items if all(s.item.get(n) == v for n, v in wanted.items())]

    @rule(text=WORDS, own_id=st.booleans(), at=st.integers(0, 4))
    def write(self, text: str, own_id: bool, at: int) -> None:
        more = {"id": f"msg_{next(self.names)}"} if own_id else {}
        items = self.session.view.items
        after = {} if at == 0 else {"previous_item_id": "root" if at == 1 or not items else items[-1].id}
        self.session.send("conversation.item.create", item=said(text, **more), **after)

    @rule(aside=st.booleans(), text_only=st.booleans(), call=st.booleans())
    def ask(self, aside: bool, text_only: bool, call: bool) -> None:
        order: dict[str, Any] = {}
        if text_only:
            order |= {"output_modalities" if self.session.client is Dialect.GA else "modalities": ["text"]}
        if call:
            order |= {"tools": [TOOL], "tool_choice": "required"}
        if aside:
            order |= {"conversation": "none", "metadata": {"aside": "1"}}
        self.session.send("response.create", **({"response": order} if order else {}))

    @rule(data=st.data())
    def give_result(self, data: st.DataObject) -> None:
        made = self.session.view.calls_made
        calls = [s for s in self._items(type="function_call") if s.item["call_id"] in made]
        if calls:
            call_id = data.draw(st.sampled_from(calls)).item["call_id"]
            item = {"type": "function_call_output", "call_id": call_id, "output": "sunny"}
            self.session.send("conversation.item.create", item=item)

    @rule(chunks=st.integers(1, 12), loud=st.booleans())
    def speak(self, chunks: int, loud: bool) -> None:
        source = LOUD if loud else QUIET
        for number in range(chunks * 5):
            self.session.send("input_audio_buffer.append", audio=source[number % len(source)])

    @rule(verb=st.sampled_from(["commit", "clear"]))
    def end_speech(self, verb: str) -> None:
        self.session.send(f"input_audio_buffer.{verb}")

    @rule(vad=st.booleans(), transcribe=st.booleans(), answer=st.booleans(), words=WORDS)
    def configure(self, vad: bool, transcribe: bool, answer: bool, words: str) -> None:
        turn = {**VAD, "create_response": answer} if vad else None
        heard = {"model": "whisper-1"} if transcribe else None
        session: dict[str, Any] = {"instructions": words, "tools": [TOOL]}
        if self.session.client is Dialect.GA:
            audio = {"input": {"turn_detection": turn, "transcription": heard}}
            session |= {"type": "realtime", "audio": audio}
        else:
            session |= {"turn_detection": turn, "input_audio_transcription": heard, "temperature": 0.7}
        self.session.send("session.update", session=session)

    @rule()
    def cancel(self) -> None:
        self.session.send("response.cancel")

    @rule(data=st.data(), ms=st.integers(0, 1_000))
    def truncate(self, data: st.DataObject, ms: int) -> None:
        spoken = [s for s in self._items(role="assistant") if s.sound_chars]
        inserts = self.session.journal.tail.waiting("conversation.item.create")
        if any(said.event.get("previous_item_id") == "root" for said in inserts):
            return  # where a shortened item goes is then not to be known; re-homing.md says so
        if spoken:
            item = data.draw(st.sampled_from(spoken))
            until_ms = min(ms, len(base64.b64decode("A" * (item.sound_chars // 4 * 4))) // 48)
            self.session.send(
                "conversation.item.truncate", item_id=item.id, content_index=0, audio_end_ms=until_ms
            )

    @rule(data=st.data(), verb=st.sampled_from(["delete", "retrieve"]))
    def look_at(self, data: st.DataObject, verb: str) -> None:
        if self.session.view.items:
            item = data.draw(st.sampled_from(self.session.view.items))
            if verb == "retrieve" or item.done or self.session.client is Dialect.BETA:
                self.session.send(f"conversation.item.{verb}", item_id=item.id)

    # -- the upstream -----------------------------------------------------------------------------------

    @rule(steps=st.integers(1, 30))
    def work(self, steps: int) -> None:
        self.session.work(steps)

    @rule(count=st.integers(1, 30))
    def deliver(self, count: int) -> None:
        self.session.deliver(count)

    @rule(steps=st.integers(1, 9))
    def converse(self, steps: int) -> None:
        self.session.work(steps)
        self.session.deliver()

    @precondition(lambda self: self.cuts < 4)
    @rule(dialect=DIALECTS)
    def cut(self, dialect: Dialect) -> None:
        self.cuts += 1
        self.session.cut(dialect)

    @precondition(lambda self: self.cuts < 4)
    @rule(dialect=DIALECTS, heard=st.integers(1, 7), call=st.booleans())
    def cut_an_answer_short(self, dialect: Dialect, heard: int, call: bool) -> None:
        """The narrow moments: what was announced, and little or nothing of it heard."""
        self.session.drain()
        self.ask(aside=False, text_only=False, call=call)
        self.session.work(4)
        self.session.deliver(heard)
        self.cut(dialect)

    @rule()
    def rest(self) -> None:
        self.session.drain()
        self._hush()
        view = self.session.view
        view.nothing_is_open()
        self.session.check_equal()
        self.session.check_answered()

    def _hush(self) -> None:
        """Let a turn that began come to its end."""
        for _ in range(3):
            turns = self.session.view.turns
            if turns and turns[-1][2] is None:
                for chunk in QUIET * 3:
                    self.session.send("input_audio_buffer.append", audio=chunk)
            self.session.drain()

    def teardown(self) -> None:
        if hasattr(self, "session"):
            self.rest()


Calls.TestCase.settings = settings(
    max_examples=int(LONG_RUN or 300),
    derandomize=LONG_RUN is None,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
TestCalls = Calls.TestCase
