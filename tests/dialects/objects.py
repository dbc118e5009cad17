"""Sessions, items and responses of either dialect, drawn by hypothesis."""

from typing import Any

from hypothesis import strategies as st

from realtime_lb.dialects.forms import AUDIO_FORMATS, BETA_VOICES
from realtime_lb.typing import Dialect

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
WORDS = st.text(max_size=12)
UNKNOWN = st.dictionaries(st.from_regex(r"new_[a-z]{1,5}", fullmatch=True), JSON, max_size=2)
VOICES = st.sampled_from(sorted(BETA_VOICES))
BETA_FORMATS = st.sampled_from(sorted(AUDIO_FORMATS))
GA_FORMATS = st.sampled_from(list(AUDIO_FORMATS.values()))
LIMITS = st.just("inf") | st.integers(1, 4096)
METADATA = st.none() | st.dictionaries(WORDS, WORDS, max_size=3)
FUNCTION = st.fixed_dictionaries({"type": st.just("function"), "name": WORDS, "parameters": st.just({})})
TOOLS = st.lists(FUNCTION, max_size=2)
CHOICES = st.sampled_from(["auto", "none", "required", {"type": "function", "name": "f"}])
TURNS = st.none() | st.fixed_dictionaries(
    {"type": st.just("server_vad")}, optional={"threshold": st.just(0.5), "create_response": st.booleans()}
)
NOISE = st.none() | st.fixed_dictionaries({"type": st.sampled_from(["near_field", "far_field"])})
TRANSCRIBERS = st.none() | st.fixed_dictionaries(
    {"model": WORDS}, optional={"language": WORDS, "prompt": WORDS}
)


def _content(dialect: Dialect) -> st.SearchStrategy[list[Any]]:
    said, heard = ("output_text", "output_audio") if dialect is Dialect.GA else ("text", "audio")
    part = st.one_of(
        st.fixed_dictionaries({"type": st.sampled_from(["input_text", said]), "text": WORDS}),
        st.fixed_dictionaries({"type": st.sampled_from(["input_audio", heard]), "transcript": WORDS}),
    )
    return st.lists(st.tuples(part, UNKNOWN).map(lambda both: {**both[1], **both[0]}), max_size=3)


def items(dialect: Dialect) -> st.SearchStrategy[Any]:
    message = st.fixed_dictionaries(
        {"type": st.just("message"), "role": st.sampled_from(["user", "assistant"])},
        optional={"id": WORDS, "content": _content(dialect), "phase": WORDS, "status": WORDS},
    )
    call = st.fixed_dictionaries({"type": st.just("function_call"), "name": WORDS, "arguments": WORDS})
    output = st.fixed_dictionaries({"type": st.just("function_call_output"), "output": WORDS})
    return message | call | output | st.fixed_dictionaries({"type": st.just("item_reference"), "id": WORDS})


def _with_unknown(known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(known, UNKNOWN).map(lambda both: {**both[1], **both[0]})


def _nested(source: st.SearchStrategy[Any], heard: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An ``audio`` without empty objects in it, which say nothing and are not kept."""
    both = st.tuples(source, heard)
    return both.map(
        lambda pair: {name: part for name, part in zip(("output", "input"), pair, strict=True) if part}
    )


_HEARD = {"transcription": TRANSCRIBERS, "turn_detection": TURNS, "noise_reduction": NOISE}
_FLAT_HEARD = {
    "input_audio_format": BETA_FORMATS,
    "input_audio_transcription": TRANSCRIBERS,
    "turn_detection": TURNS,
    "input_audio_noise_reduction": NOISE,
}
_PLAIN = {"instructions": WORDS, "tools": TOOLS, "tool_choice": CHOICES}


def sessions(dialect: Dialect) -> st.SearchStrategy[Any]:
    """Sessions of a conversation, as far as the losses' table does not speak of them."""
    shared = {**_PLAIN, "model": WORDS, "tracing": st.none() | st.just("auto"), "include": st.none()}
    if dialect is Dialect.BETA:
        flat = {
            **shared,
            **_FLAT_HEARD,
            "modalities": st.sampled_from([["text"], ["audio", "text"]]),
            "voice": VOICES,
            "speed": st.just(1.25),
            "output_audio_format": BETA_FORMATS,
            "max_response_output_tokens": LIMITS,
        }
        return _with_unknown(st.fixed_dictionaries({}, optional=flat))
    said = st.fixed_dictionaries({}, optional={"voice": VOICES, "speed": st.just(0.5), "format": GA_FORMATS})
    heard = st.fixed_dictionaries({}, optional={**_HEARD, "format": GA_FORMATS})
    nested = {
        **shared,
        "audio": _nested(said, heard).filter(bool),
        "output_modalities": st.sampled_from([["text"], ["audio"]]),
        "max_output_tokens": LIMITS,
    }
    return _with_unknown(st.fixed_dictionaries({"type": st.just("realtime")}, optional=nested))


def transcriptions(dialect: Dialect) -> st.SearchStrategy[Any]:
    """Sessions of a transcription."""
    include = {"include": st.none() | st.just(["item.input_audio_transcription.logprobs"])}
    if dialect is Dialect.BETA:
        return _with_unknown(st.fixed_dictionaries({}, optional={**include, **_FLAT_HEARD}))
    heard = st.fixed_dictionaries({}, optional={**_HEARD, "format": GA_FORMATS})
    audio = _nested(st.just({}), heard).filter(bool)
    return _with_unknown(
        st.fixed_dictionaries({"type": st.just("transcription")}, optional={**include, "audio": audio})
    )


def _response_fields(dialect: Dialect) -> dict[str, st.SearchStrategy[Any]]:
    if dialect is Dialect.BETA:
        return {
            "modalities": st.sampled_from([["text"], ["audio", "text"]]),
            "voice": VOICES,
            "output_audio_format": BETA_FORMATS,
        }
    said = st.fixed_dictionaries({}, optional={"voice": VOICES, "format": GA_FORMATS})
    return {
        "output_modalities": st.sampled_from([["text"], ["audio"]]),
        "audio": _nested(said, st.just({})).filter(bool),
    }


def orders(dialect: Dialect) -> st.SearchStrategy[Any]:
    limit = "max_output_tokens" if dialect is Dialect.GA else "max_response_output_tokens"
    fields = {
        **_PLAIN,
        **_response_fields(dialect),
        limit: LIMITS,
        "conversation": st.sampled_from(["auto", "none"]),
        "metadata": METADATA,
        "input": st.lists(items(dialect), max_size=3),
    }
    return _with_unknown(st.fixed_dictionaries({}, optional=fields))


def responses(dialect: Dialect) -> st.SearchStrategy[Any]:
    fields = {
        **_response_fields(dialect),
        "id": WORDS,
        "status": WORDS,
        "status_details": st.none() | st.just({"type": "cancelled", "reason": "turn_detected"}),
        "output": st.lists(items(dialect), max_size=3),
        "conversation_id": st.none() | WORDS,
        "max_output_tokens": LIMITS,
        "usage": st.none() | st.just({"total_tokens": 3}),
        "metadata": METADATA,
    }
    return _with_unknown(st.fixed_dictionaries({}, optional=fields))
