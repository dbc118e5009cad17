"""What an event becomes in the other dialect, and what the one end says that the other leaves unsaid."""

from typing import Any

import pytest

from realtime_lb.dialects import ModelNames
from tests.dialects.talk import BETA, GA, Pair

MESSAGE = {"id": "item_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
SPOKEN = {
    "id": "item_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "audio", "transcript": "hi"}],
}
SPOKEN_GA = {**SPOKEN, "content": [{"type": "output_audio", "transcript": "hi"}]}


def kinds(events: list[Any]) -> list[str]:
    return [event["type"] for event in events]


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "event_id": f"event_{kind}", **fields}


# -- conversation.item.done ---------------------------------------------------------------------------------


def answering() -> Pair:
    """A GA client on a beta upstream, while an answer is being made."""
    pair = Pair.of(GA, BETA)
    pair.down(event("response.created", response={"id": "resp_1", "status": "in_progress", "output": []}))
    pair.down(event("response.output_item.added", response_id="resp_1", output_index=0, item=MESSAGE))
    return pair


@pytest.mark.parametrize("kind", ["message", "function_call_output"])
def test_what_the_client_made_is_added_and_done_at_once(kind: str) -> None:
    item = {"id": "item_9", "type": kind, "status": "completed"}
    told = answering().down(event("conversation.item.created", previous_item_id="item_8", item=item))
    assert kinds(told) == ["conversation.item.added", "conversation.item.done"]
    assert [each["item"] for each in told] == [item, item]
    assert [each["previous_item_id"] for each in told] == ["item_8", "item_8"]
    assert told[0]["event_id"] != told[1]["event_id"]


def test_what_the_model_makes_is_done_behind_its_output_item() -> None:
    pair = answering()
    created = event("conversation.item.created", previous_item_id="item_0", item=MESSAGE)
    assert kinds(pair.down(created)) == ["conversation.item.added"]
    told = pair.down(event("response.output_item.done", response_id="resp_1", output_index=0, item=SPOKEN))
    assert kinds(told) == ["response.output_item.done", "conversation.item.done"]
    assert told[1]["item"] == SPOKEN_GA
    assert told[1]["previous_item_id"] == "item_0"
    done = event("response.done", response={"id": "resp_1", "status": "completed", "output": [SPOKEN]})
    assert kinds(pair.down(done)) == ["response.done"]


def test_what_a_response_leaves_open_is_done_before_the_response() -> None:
    for output, status in (([{**SPOKEN, "status": "incomplete"}], "incomplete"), ([], "incomplete")):
        pair = answering()
        pair.down(event("conversation.item.created", previous_item_id=None, item=MESSAGE))
        told = pair.down(event("response.done", response={"id": "resp_1", "output": output}))
        assert kinds(told) == ["conversation.item.done", "response.done"]
        assert (told[0]["item"]["id"], told[0]["item"]["status"]) == ("item_1", status)


def test_an_item_that_joins_before_its_response_tells_of_it_is_not_done_too_soon() -> None:
    pair = Pair.of(GA, BETA)
    pair.down(event("response.created", response={"id": "resp_1", "output": []}))
    joined = pair.down(event("conversation.item.created", previous_item_id=None, item=MESSAGE))
    assert kinds(joined) == ["conversation.item.added"]
    pair.down(event("response.output_item.added", response_id="resp_1", output_index=0, item=MESSAGE))
    told = pair.down(event("response.output_item.done", response_id="resp_1", item=SPOKEN))
    assert kinds(told) == ["response.output_item.done", "conversation.item.done"]


def test_what_is_made_outside_of_the_conversation_never_joins_it() -> None:
    pair = answering()
    told = pair.down(event("response.output_item.done", response_id="resp_1", item=SPOKEN))
    assert kinds(told) == ["response.output_item.done"]
    assert kinds(pair.down(event("response.done", response={"id": "resp_1", "output": [SPOKEN]}))) == [
        "response.done"
    ]


def test_a_deleted_item_is_not_done_afterwards() -> None:
    pair = answering()
    pair.down(event("conversation.item.created", previous_item_id=None, item=MESSAGE))
    pair.down(event("conversation.item.deleted", item_id="item_1"))
    assert kinds(pair.down(event("response.done", response={"id": "resp_1", "output": [SPOKEN]}))) == [
        "response.done"
    ]


def test_a_beta_client_hears_of_each_item_once() -> None:
    pair = Pair.of(BETA, GA)
    (told,) = pair.down(event("conversation.item.added", previous_item_id=None, item=SPOKEN_GA))
    assert (told["type"], told["item"]) == ("conversation.item.created", SPOKEN)
    assert pair.down(event("conversation.item.done", previous_item_id=None, item=SPOKEN_GA)) == []


@pytest.mark.parametrize("kind", ["conversation.item.added", "input_audio_buffer.committed"])
def test_a_beta_client_is_always_told_what_an_item_follows(kind: str) -> None:
    """Beta's types insist on the field; GA's let a server leave it out."""
    pair = Pair.of(BETA, GA)
    (told,) = pair.down(event(kind, item_id="item_1", item=SPOKEN_GA))
    assert told["previous_item_id"] is None
    (told,) = pair.down(event(kind, item_id="item_1", item=SPOKEN_GA, previous_item_id="item_0"))
    assert told["previous_item_id"] == "item_0"


def test_a_function_call_is_named_where_its_arguments_end() -> None:
    pair = Pair.of(GA, BETA)
    call = {"id": "item_2", "type": "function_call", "name": "look_up", "arguments": ""}
    pair.down(event("response.output_item.added", response_id="resp_1", output_index=0, item=call))
    done = event("response.function_call_arguments.done", item_id="item_2", arguments="{}")
    assert pair.down(done)[0]["name"] == "look_up"


def test_a_transcript_without_a_price_gets_one_of_nothing() -> None:
    done = event("conversation.item.input_audio_transcription.completed", item_id="i", transcript="hi")
    (told,) = Pair.of(GA, BETA).down(done)
    assert told["usage"]["total_tokens"] == 0
    priced = {**done, "usage": {"type": "duration", "seconds": 1}}
    assert Pair.of(GA, BETA).down(priced) == [priced]


@pytest.mark.parametrize(
    "kind", ["input_audio_buffer.timeout_triggered", "mcp_list_tools.completed", "response.mcp_call.failed"]
)
def test_what_beta_never_had_does_not_reach_its_clients(kind: str) -> None:
    assert Pair.of(BETA, GA).down(event(kind, item_id="i")) == []


# -- sessions -----------------------------------------------------------------------------------------------

GA_SESSION = {"type": "realtime", "id": "sess_7", "model": "m", "audio": {"output": {"voice": "marin"}}}


def test_a_beta_client_gets_its_conversation_behind_its_session_once() -> None:
    pair = Pair.of(BETA, GA)
    told = pair.down(event("session.created", session=GA_SESSION))
    assert kinds(told) == ["session.created", "conversation.created"]
    assert told[0]["session"] == {"id": "sess_7", "model": "m", "temperature": 0.8}
    assert told[1]["conversation"] == {"id": "conv_7", "object": "realtime.conversation"}
    late = event("conversation.created", conversation={"id": "conv_real"})
    assert pair.down(late) == []


def test_a_temperature_is_shown_to_who_set_it() -> None:
    pair = Pair.of(BETA, GA)
    (sent,) = pair.up({"type": "session.update", "session": {"temperature": 0.6, "instructions": "x"}})
    assert sent["session"] == {"type": "realtime", "instructions": "x"}
    assert pair.down(event("session.updated", session=GA_SESSION))[0]["session"]["temperature"] == 0.6
    pair.up({"type": "response.create", "response": {"temperature": 1.1}})
    for kind, number, shown in (
        ("response.created", 1, 1.1),
        ("response.done", 1, 1.1),
        ("response.created", 2, 0.6),
        ("response.done", 2, 0.6),
    ):
        (told,) = pair.down(event(kind, response={"id": f"resp_{number}", "output": []}))
        assert told["response"]["temperature"] == shown
    pair.up({"type": "response.create", "response": {"temperature": 0.9}})  # refused: no response comes of it
    pair.up({"type": "response.create"})
    (told,) = pair.down(event("response.created", response={"id": "resp_3", "output": []}))
    assert told["response"]["temperature"] == 0.6
    assert pair.lost == [
        ("session.update", "session.temperature"),
        ("response.create", "response.temperature"),
    ]


def test_a_transcription_session_has_events_of_its_own_in_beta() -> None:
    flat = {"input_audio_transcription": {"model": "w"}, "turn_detection": None}
    nested = {
        "type": "transcription",
        "audio": {"input": {"transcription": {"model": "w"}, "turn_detection": None}},
    }
    up = Pair.of(BETA, GA, kind="transcription")
    assert up.up({"type": "transcription_session.update", "session": flat}) == [
        {"type": "session.update", "session": nested}
    ]
    (told,) = up.down(event("session.created", session=nested))
    assert (told["type"], told["session"]) == ("transcription_session.created", flat)
    down = Pair.of(GA, BETA, kind="transcription")
    assert down.up({"type": "session.update", "session": nested}) == [
        {"type": "transcription_session.update", "session": flat}
    ]
    (told,) = down.down(event("transcription_session.updated", session=flat))
    assert (told["type"], told["session"]) == ("session.updated", nested)


def test_a_transcription_session_stays_one_when_a_server_does_not_say_what_it_is_for() -> None:
    """Neither ``type`` nor ``object``: the client's own words still hold, both ways."""
    silent = event("session.updated", session={"id": "sess_1"})
    pair = Pair.of(BETA, GA, kind="transcription")
    assert kinds(pair.down(silent)) == ["transcription_session.updated"]
    pair = Pair.of(GA, BETA, kind="transcription")
    pair.down(silent)
    (sent,) = pair.up({"type": "session.update", "session": {"audio": {"input": {"turn_detection": None}}}})
    assert sent == {"type": "transcription_session.update", "session": {"turn_detection": None}}
    pair.down(event("session.updated", session={"object": "realtime.session"}))
    (sent,) = pair.up({"type": "session.update", "session": {"audio": {"input": {"turn_detection": None}}}})
    assert sent["type"] == "session.update"


def test_azures_preview_hears_sound_and_text_and_no_type() -> None:
    (sent,) = Pair.of(GA, BETA).up(
        {"type": "session.update", "session": {"type": "realtime", "output_modalities": ["audio"]}}
    )
    assert sent["session"] == {"modalities": ["audio", "text"]}


@pytest.mark.parametrize("upstream", [GA, BETA])
def test_flat_words_of_a_ga_client_are_understood_and_it_stays_a_ga_client(upstream: Any) -> None:
    """LiteLLM's own tests send ``modalities`` without a ``type``."""
    pair = Pair.of(GA, upstream)
    (sent,) = pair.up({"type": "session.update", "session": {"modalities": ["text"]}})
    nested = {"type": "realtime", "output_modalities": ["text"]}
    assert sent["session"] == (nested if upstream is GA else {"modalities": ["text"]})
    (sent,) = pair.up({"type": "response.create", "response": {"modalities": ["text"]}})
    assert sent["response"] == (
        {"output_modalities": ["text"]} if upstream is GA else {"modalities": ["text"]}
    )
    assert pair.translator.client is GA


def test_a_client_that_mixes_is_understood_too() -> None:
    mixed = {"type": "realtime", "modalities": ["text"], "audio": {"output": {"voice": "ash"}}}
    (sent,) = Pair.of(GA, BETA).up({"type": "session.update", "session": mixed})
    assert sent["session"] == {"modalities": ["text"], "voice": "ash"}


@pytest.mark.parametrize(
    ("client", "upstream", "said", "sent"),
    [
        (GA, BETA, {"modalities": ["audio"]}, {"modalities": ["audio", "text"]}),
        (BETA, GA, {"output_modalities": ["text", "audio"]}, {"output_modalities": ["audio"]}),
    ],
)
@pytest.mark.parametrize("kind", ["session.update", "response.create"])
def test_a_value_that_comes_in_the_other_field_is_put_right(
    client: Any, upstream: Any, said: Any, sent: Any, kind: str
) -> None:
    """No server takes GA's value in beta's field, or beta's in GA's: all of the event would be refused."""
    body = "session" if kind == "session.update" else "response"
    (event,) = Pair.of(client, upstream).up({"type": kind, body: said})
    assert {**event[body], "type": "realtime"} == {**sent, "type": "realtime"}


# -- a dialect that was a guess -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        {"type": "session.update", "session": {"type": "realtime"}},
        {"type": "session.update", "session": {"output_modalities": ["text"]}},
        {"type": "session.update", "session": {"audio": {"output": {"voice": "ash"}}}},
        {"type": "response.create", "response": {"output_modalities": ["text"]}},
    ],
)
@pytest.mark.parametrize("upstream", [GA, BETA])
def test_a_client_taken_for_beta_is_ga_from_its_first_ga_event_on(said: Any, upstream: Any) -> None:
    pair = Pair.of(BETA, upstream, is_guess=True)
    name = {GA: "response.output_text.delta", BETA: "response.text.delta"}[upstream]
    assert kinds(pair.down(event(name, delta="a"))) == ["response.text.delta"]
    (sent,) = pair.up(said)
    assert pair.translator.client is GA
    assert ("output_modalities" in str(sent)) is (upstream is GA and "output_modalities" in str(said))
    assert kinds(pair.down(event(name, delta="a"))) == ["response.output_text.delta"]


def test_who_says_beta_in_so_many_words_stays_beta() -> None:
    pair = Pair.of(BETA, BETA)
    said = {"type": "session.update", "session": {"type": "realtime"}}
    assert pair.up(said) == [said]
    assert pair.translator.client is BETA


# -- names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("client", "upstream"), [(GA, GA), (GA, BETA), (BETA, GA), (BETA, BETA)])
def test_each_end_reads_its_own_name_of_the_model(client: Any, upstream: Any) -> None:
    names = ModelNames(shown="voice", served="my-deployment", transcription={"whisper-1": "my-whisper"})
    pair = Pair.of(client, upstream, names=names)
    said: dict[Any, dict[str, Any]] = {
        GA: {"type": "realtime", "audio": {"input": {"transcription": {"model": "whisper-1"}}}},
        BETA: {"input_audio_transcription": {"model": "whisper-1"}},
    }
    (sent,) = pair.up({"type": "session.update", "session": {**said[client], "model": "voice"}})
    assert "my-whisper" in str(sent)
    assert sent["session"]["model"] == "my-deployment"
    for kind in ("session.created", "session.updated"):
        told = pair.down(event(kind, session=sent["session"]))
        assert told[0]["session"]["model"] == "voice"
        assert "whisper-1" in str(told[0])
        assert "my-" not in str(told)


def test_a_name_that_is_nobodys_stays() -> None:
    names = ModelNames(shown="voice", served="my-deployment")
    pair = Pair.of(GA, GA, names=names)
    shown = event("session.created", session={"type": "realtime", "model": "gpt-realtime-2025-08-28"})
    assert pair.down(shown) == [shown]


def test_a_star_stands_for_every_other_transcription_model() -> None:
    names = ModelNames(transcription={"whisper-1": "my-whisper", "*": "my-other"})
    pair = Pair.of(BETA, BETA, names=names)
    for asked, served in (("gpt-4o-transcribe", "my-other"), ("whisper-1", "my-whisper")):
        flat = {"input_audio_transcription": {"model": asked}}
        (sent,) = pair.up({"type": "session.update", "session": flat})
        assert sent["session"] == {"input_audio_transcription": {"model": served}}
        (told,) = pair.down(event("session.updated", session=sent["session"]))
        assert told["session"] == flat


# -- errors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "param", "shown"),
    [
        (BETA, "session.audio.output.voice", "session.voice"),
        (BETA, "session.audio.input.turn_detection.threshold", "session.turn_detection.threshold"),
        (BETA, "response.max_output_tokens", "response.max_response_output_tokens"),
        (BETA, "session.tools[0].name", "session.tools[0].name"),
        (BETA, "item.content[0].type", "item.content[0].type"),
        (BETA, "session.new", "session.new"),
        (BETA, None, None),
        (GA, "session.voice", "session.audio.output.voice"),
        (GA, "session.input_audio_format", "session.audio.input.format"),
        (GA, "session.max_response_output_tokens", "session.max_output_tokens"),
    ],
)
def test_an_error_names_the_place_as_the_client_knows_it(client: Any, param: Any, shown: Any) -> None:
    error = {"type": "invalid_request_error", "message": "m", "param": param, "event_id": "mine"}
    (told,) = Pair.of(client, GA if client is BETA else BETA).down(event("error", error=error))
    assert told["error"] == {**error, "param": shown}


def test_an_item_that_cannot_be_said_is_not_sent() -> None:
    pair = Pair.of(GA, BETA)
    item = {"type": "mcp_approval_response", "approve": True}
    assert pair.up({"type": "conversation.item.create", "item": item}) == []
    assert pair.lost == [("conversation.item.create", "item.type=mcp_approval_response")]


def test_a_message_of_images_alone_goes_to_beta_without_them() -> None:
    """It keeps its id and its place in the conversation, and whoever waits for it hears of it."""
    pair = Pair.of(GA, BETA)
    image = {"type": "input_image", "image_url": "data:image/png;base64,AA"}
    item = {"id": "item_1", "type": "message", "role": "user", "content": [image]}
    (sent,) = pair.up({"type": "conversation.item.create", "item": item})
    assert sent["item"] == {**item, "content": []}
    assert pair.lost == [("conversation.item.create", "item.content.type=input_image")]
