"""Wherever in a turn the upstream is lost: what was not heard is asked again, what was heard is closed."""

import pytest

from realtime_lb.records import RehomeCause
from realtime_lb.simulator import Cut, FailResponse, Moment, Selector
from realtime_lb.typing import Dialect
from tests.clients.conversation import TOOL
from tests.rehoming.caller import Caller, House, check_equal, house

BETA_NAMES = {
    "conversation.item.added": "conversation.item.created",
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "response.output_text.delta": "response.text.delta",
}
UNHEARD = ("response.created", "response.output_item.added", "response.content_part.added")
HEARD = (
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
)
EARLY = (
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
)


def cut_behind(house: House, event: str, count: int = 1) -> None:
    """Have the first upstream cut its sessions right behind an event."""
    name, first = next(iter(house.simulators.items()))
    on = BETA_NAMES.get(event, event) if "preview" in name else event
    first.faults = [Cut(moment=Moment(after=count, on=on))]


async def ended_well(caller: Caller, stage: House) -> None:
    await caller.write("And now?")
    assert (await caller.ask())["status"] == "completed"
    await caller.until(lambda: not caller.view.promised_words)
    caller.view.nothing_is_open()
    check_equal(caller, stage.where()[1])


PAIRS = [
    ("OpenAI GA", "Azure v1"),
    ("OpenAI GA", "Azure preview"),
    ("Azure preview", "OpenAI GA"),
    ("Azure preview", "Azure preview"),
]


@pytest.mark.parametrize("client", Dialect)
@pytest.mark.parametrize("pair", PAIRS, ids="->".join)
@pytest.mark.parametrize("moment", [*EARLY, *UNHEARD])
async def test_a_spoken_turn_that_was_not_answered_is_answered_by_the_next(
    moment: str, pair: tuple[str, str], client: Dialect
) -> None:
    async with house(*pair) as stage:
        cut_behind(stage, moment)
        async with stage.caller(client) as caller:
            await caller.configure(transcribe=False)
            await caller.speak(loud_ms=600, silent_ms=400)
            await caller.seen("response.done")
            assert [r["status"] for r in caller.view.statuses.values()] == ["completed"]
            assert caller.view.counts["input_audio_buffer.speech_started"] == 1
            assert [record.cause for record in stage.rehomed] == [RehomeCause.LOST]
            await ended_well(caller, stage)


@pytest.mark.parametrize("client", Dialect)
@pytest.mark.parametrize("pair", PAIRS, ids="->".join)
@pytest.mark.parametrize("moment", HEARD)
async def test_an_answer_that_was_partly_heard_is_closed_and_told_as_text(
    moment: str, pair: tuple[str, str], client: Dialect
) -> None:
    async with house(*pair) as stage:
        cut_behind(stage, moment)
        async with stage.caller(client) as caller:
            await caller.write("One two three")
            done = await caller.ask()
            await stage.moved()
            words = caller.view.items[1].words
            assert done["status"] == ("completed" if moment == "response.output_item.done" else "cancelled")
            assert stage.items()[1].text == words
            assert words
            await ended_well(caller, stage)


@pytest.mark.parametrize("moment", [*UNHEARD[:2], "response.function_call_arguments.delta"])
async def test_a_call_that_nobody_can_have_acted_on_is_asked_for_again(moment: str) -> None:
    async with house("OpenAI GA", "Azure preview") as stage:
        cut_behind(stage, moment)
        async with stage.caller() as caller:
            await caller.write("How is the weather?")
            await caller.send("response.create", response={"tools": [TOOL], "tool_choice": "required"})
            called = await caller.seen("response.function_call_arguments.done")
            await caller.until(lambda: "completed" in caller.view.responses.values())
            assert list(caller.view.calls_made.values()) == [1]
            output = {"type": "function_call_output", "call_id": called["call_id"], "output": "sunny"}
            await caller.send("conversation.item.create", item=output)
            assert (await caller.ask())["output"][0]["content"][0]["transcript"].endswith("sunny")
            await ended_well(caller, stage)


@pytest.mark.parametrize("moment", ["response.function_call_arguments.done", "response.output_item.done"])
async def test_a_call_that_was_made_is_not_made_again_and_its_result_is_taken(moment: str) -> None:
    async with house("OpenAI GA", "Azure preview") as stage:
        cut_behind(stage, moment)
        async with stage.caller() as caller:
            await caller.write("How is the weather?")
            done = await caller.ask(tools=[TOOL], tool_choice="required")
            await stage.moved()
            assert done["status"] == "completed"
            (call,) = done["output"]
            assert dict(caller.view.calls_made) == {call["call_id"]: 1}
            output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
            await caller.send("conversation.item.create", item=output)
            assert (await caller.ask())["output"][0]["content"][0]["transcript"].endswith("sunny")
            await ended_well(caller, stage)


async def test_a_session_with_tools_is_told_of_them() -> None:
    async with house("OpenAI GA", "Azure v1") as stage:
        cut_behind(stage, "response.content_part.added")
        async with stage.caller() as caller:
            await caller.configure(tools=[TOOL])
            await caller.write("Hello")
            await caller.send("response.create")
            await caller.seen("response.done")
            await ended_well(caller, stage)


@pytest.mark.parametrize("code", ["rate_limit_exceeded", "insufficient_quota", "server_error"])
async def test_an_answer_that_was_refused_before_it_was_heard_is_given_by_another(code: str) -> None:
    async with house("OpenAI GA", "Azure preview") as stage:
        next(iter(stage.simulators.values())).faults = [FailResponse(code=code, selector=Selector(first=1))]
        async with stage.caller() as caller:
            await caller.write("Hello")
            done = await caller.ask()
            assert done["status"] == "completed"
            assert caller.view.counts["response.created"] == 1
            moved = await stage.moved()
            assert moved.cause is RehomeCause.RESPONSE_FAILED
            await ended_well(caller, stage)


async def test_where_nobody_else_can_answer_the_client_hears_why_and_stays() -> None:
    async with house("OpenAI GA") as stage:
        stage.simulators["OpenAI GA 0"].faults = [
            FailResponse(code="rate_limit_exceeded", selector=Selector(first=1))
        ]
        async with stage.caller() as caller:
            await caller.write("Hello")
            done = await caller.ask()
            assert (done["status"], stage.rehomed) == ("failed", [])
            await ended_well(caller, stage)


async def test_a_session_that_is_over_its_time_goes_on() -> None:
    async with (
        house("OpenAI GA", "Azure preview", rules={"session_lifetime_s": 0.5}) as stage,
        stage.caller() as caller,
    ):
        await caller.write("Hello")
        await caller.ask()
        moved = await stage.moved()
        assert moved.cause in {RehomeCause.EXPIRED, RehomeCause.EXPIRING}
        next(reversed(stage.simulators.values())).session_lifetime_s = None
        await caller.write("And now?")
        await caller.ask()
        caller.view.nothing_is_open()
