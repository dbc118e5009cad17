"""What xAI and Voice Live do otherwise than their dialects, each row with its source.

Sources: "docs" is the vendor's page (docs.x.ai: Voice Agent API; Microsoft: Voice Live how-to), "recorded" is
live traffic of July and November 2026 (pydantic-ai: ``tests/realtime/cassettes``), "LiveKit" and "pipecat"
are the plug-ins of those frameworks for xAI, "SDK" is azure-ai-voicelive 1.3.1.
"""

from __future__ import annotations

from realtime_lb.own_words import Verbatim, Word
from realtime_lb.quirks import Fill, Move, Placeholder, Quirks

__all__ = ["VOICE_LIVE_QUIRKS", "VOICE_LIVE_WORDS", "XAI_QUIRKS"]

_SHOWN = ("session.created", "session.updated")
_SESSION = (*_SHOWN, "session.update")
_RESPONSE = ("response.created", "response.done")
_INPUT, _OUTPUT = "input_audio_format", "output_audio_format"
_INPUT_RATE = "input_audio_sampling_rate"
_TRANSCRIBED = "conversation.item.input_audio_transcription"
_SPOKEN = tuple(
    f"response.{part}.{end}"
    for part in ("output_audio", "output_audio_transcript", "output_text", "content_part")
    for end in ("added", "done")
)
"""Not the deltas: they are most of the traffic, and their indices were there in every recording."""

XAI_QUIRKS = Quirks(
    moves=(
        # docs: session parameters; LiveKit moves the voice and says so.
        Move(_SESSION, "session.audio.output.voice", "session.voice"),
        # docs: session parameters; recorded. LiveKit leaves it nested, so that may be read too: unsure.
        Move(_SESSION, "session.audio.input.turn_detection", "session.turn_detection"),
        # recorded: echoed as ["audio"], whatever was asked. docs: response.create.
        Move(_SESSION, "session.output_modalities", "session.modalities"),
        Move(("response.create",), "response.output_modalities", "response.modalities"),
        # recorded: response.usage is {}, the tokens stand beside it.
        Move(("response.done",), "response.usage", "usage"),
    ),
    placeholders=(
        # All recorded.
        Placeholder(_RESPONSE, "response.status_details", "unimplemented"),
        Placeholder(_SHOWN, "session.turn_detection", {"type": None}),
        Placeholder(_SHOWN, "session.temperature", -1.0),
        Placeholder(_SHOWN, "session.input_audio_format", "not specified"),
        Placeholder(_SHOWN, "session.output_audio_format", "not specified"),
    ),
    fills=(
        # recorded: no session.type, and no turn_detection where it is off.
        Fill(_SHOWN, "session.type", "realtime"),
        Fill(_SHOWN, "session.audio", {}),
        Fill(_SHOWN, "session.audio.input", {}),
        Fill(_SHOWN, "session.audio.input.turn_detection", None),
        # recorded: a message in response.output_item.* has no content.
        Fill(("response.output_item.added", "response.output_item.done"), "item.content", [], "message"),
        # recorded: the arguments' deltas have no output_index; docs: nor have the other events an index.
        Fill(("response.function_call_arguments.delta",), "output_index", 0),
        Fill(_SPOKEN, "output_index", 0),
        Fill(_SPOKEN, "content_index", 0),
        # recorded: response.content_part.done has no part. That it is audio holds for all that xAI makes.
        Fill(("response.content_part.done",), "part", {"type": "audio"}),
        # docs: neither has its offset; recorded in November 2026 with it.
        Fill(("input_audio_buffer.speech_started",), "audio_start_ms", 0),
        Fill(("input_audio_buffer.speech_stopped",), "audio_end_ms", 0),
        # recorded: no usage. It is billed with the session's minutes.
        Fill((f"{_TRANSCRIBED}.completed",), "content_index", 0),
        Fill((f"{_TRANSCRIBED}.completed",), "usage", {"type": "duration", "seconds": 0}),
    ),
    # docs: its list of server events. Never recorded: it always speaks.
    event_names={f"response.text.{end}": f"response.output_text.{end}" for end in ("delta", "done")},
    # recorded: ping at the opening and every 10 s, updated with the text so far.
    private_events=frozenset({"ping", f"{_TRANSCRIBED}.updated"}),
    # recorded; LiveKit and pydantic-ai hold such a transcript for unfinished.
    partials=(Placeholder((f"{_TRANSCRIBED}.completed",), "status", "in_progress"),),
    # recorded: response.done shows "audio"; pipecat knows both names.
    content_types={"audio": "output_audio", "text": "output_text"},
    # recorded: "user" or "tool" on a call, "tool" on its output.
    calls_have_roles=True,
    # docs: conversation.created is the first message; recorded: it is the second.
    opens_with=("session.created", "conversation.created"),
    # recorded: conversation.item.added alone, in every turn.
    item_done=False,
    # pydantic-ai, checked live.
    answers_commits=True,
)
"""xAI, next to the GA dialect."""

VOICE_LIVE_WORDS: tuple[Word | Verbatim, ...] = (
    # SDK: OpenAIVoiceName, AzureVoice. recorded: an object of Azure's, as session.voice.
    Verbatim("audio.output.voice", "voice", frozenset({"marin", "cedar"})),
    # SDK: RequestSession.input_audio_sampling_rate, with the rates of each format. Said at 24,000 Hz too,
    # since another may have been in force.
    *(
        Word("audio.input.format", {"type": "audio/pcm", "rate": rate}, {_INPUT: "pcm16", _INPUT_RATE: rate})
        for rate in (8_000, 16_000, 24_000)
    ),
    Word("audio.input.format", {"type": "audio/pcmu"}, {_INPUT: "g711_ulaw", _INPUT_RATE: 8_000}),
    Word("audio.input.format", {"type": "audio/pcma"}, {_INPUT: "g711_alaw", _INPUT_RATE: 8_000}),
    # SDK: OutputAudioFormat.
    *(
        Word("audio.output.format", {"type": "audio/pcm", "rate": rate}, {_OUTPUT: f"pcm16_{rate}hz"})
        for rate in (8_000, 16_000)
    ),
)
"""What GA clients can say to Voice Live, and not to Azure's preview."""

VOICE_LIVE_QUIRKS = Quirks(
    moves=(
        # recorded: {"type": "openai", "name": "alloy"}. A plain name is taken too (SDK: Voice), so only what
        # the server says has to change.
        Move(_SHOWN, "session.voice", "session.voice.name"),
        Move(_RESPONSE, "response.voice", "response.voice.name"),
        # SDK: ResponseCreateParams.
        Move(("response.create",), "response.max_response_output_tokens", "response.max_output_tokens"),
    ),
    placeholders=(
        # recorded: null where the model has no temperature, and before the first update.
        Placeholder(_RESPONSE, "response.temperature", None),
        Placeholder(_SHOWN, "session.output_audio_format", None),
    ),
    # SDK: warning may come unasked. recorded: conversation.item.done in July 2026, not in November.
    # Animation, timestamps, avatars and searches come only to who asked for them, so they may pass.
    private_events=frozenset({"warning", "conversation.item.done"}),
    # recorded: no conversation.created.
    opens_with=("session.created",),
    words=VOICE_LIVE_WORDS,
    # SDK: RequestSession has neither.
    lacks=("speed", "tracing"),
)
"""Voice Live, next to the beta dialect."""
