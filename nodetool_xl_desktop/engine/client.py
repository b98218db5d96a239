"""Asking a running engine over its OpenAI-compatible HTTP port, and reading the stream of events that it answers
with."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import httpx2

from nodetool_xl_desktop.core.network import HttpClient
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.events import (
    Event,
    Failed,
    Finished,
    PromptProgress,
    ReasoningDelta,
    Speed,
    TextDelta,
    Usage,
)

#: The engine's own default (1.0, none) lets small models repeat one line until the context is full.
DEFAULT_REPEAT_PENALTY = 1.1
NO_ANSWER = "The model could not answer"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen; None leaves a value to the engine's default.

    Attributes:
        temperature: 0 always takes the likeliest token.
        max_tokens: the longest answer, in tokens; None ends only with the context.
        repeat_penalty: above 1 makes a token less likely that came shortly before.
    """

    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    repeat_penalty: float | None = DEFAULT_REPEAT_PENALTY

    def to_json(self) -> dict[str, float | int]:
        """What goes into the request."""
        return {key: value for key, value in asdict(self).items() if value is not None}


async def stream_chat(
    client: HttpClient, messages: Sequence[Mapping[str, str]], sampling: Sampling
) -> AsyncGenerator[Event, None]:
    """Ask for one answer.

    Closing the iterator closes the connection, at which the engine stops within one batch.

    Args:
        client: `core.network.engine_client` of the child.
        messages: `{"role": ..., "content": ...}`, oldest first.
        sampling: how to choose tokens.

    Yields:
        Deltas and progress; then `Finished`, or `Failed` where the engine refused the request.

    Raises:
        httpx2.TransportError: the connection broke; only the caller can see whether the child died.
    """
    body = {
        "messages": list(messages),
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
        **sampling.to_json(),
    }
    # Halves of surrogate pairs, as a clipboard or a command line may hold them, are no text: they become "?".
    content = json.dumps(body, ensure_ascii=False).encode(errors="replace")
    headers = {"Content-Type": "application/json"}
    async with client.stream("POST", "/v1/chat/completions", content=content, headers=headers) as response:
        if response.status_code != httpx2.codes.OK:
            yield Failed(_refusal(await response.aread(), response.status_code))
            return
        answer, ended = _Answer(), False
        async for line in _lines(response):  # to its end, also behind the last event, so that it closes in order
            for event in () if ended else answer.read(line):
                yield event
                ended = isinstance(event, Finished | Failed)
    if not ended:
        raise httpx2.RemoteProtocolError("The stream ended before the answer did")


async def _lines(response: httpx2.Response) -> AsyncIterator[bytes]:
    """Lines of the body, split at line feeds only.

    httpx2's own `aiter_lines` also splits at U+2028, U+0085 and others, which a model may well write.
    """
    partial = b""
    async for chunk in response.aiter_raw():
        *lines, partial = (partial + chunk).split(b"\n")
        for line in lines:
            yield line


class _Answer:
    """Reads the chunks of one answer: the reason to finish, the usage and the timings come in different ones."""

    def __init__(self) -> None:
        self._reason = "stop"
        self._usage = Usage()
        self._speed = Speed()

    def read(self, line: bytes) -> list[Event]:
        """The events in one line of the stream."""
        field, _, data = line.partition(b":")
        if field == b"error":
            return [Failed(_refusal(data))]
        if field != b"data":
            return []
        if data.strip() == b"[DONE]":
            return [Finished(self._reason, self._usage, self._speed)]
        try:
            chunk = json.loads(data)
        except ValueError:
            chunk = None
        if not isinstance(chunk, dict):
            raise httpx2.RemoteProtocolError("The stream holds something that is no event")
        if "error" in chunk:
            return [Failed(_refusal(data))]
        self._note_end(chunk)
        return self._events(chunk)

    def _note_end(self, chunk: dict[str, Any]) -> None:
        if usage := chunk.get("usage"):
            details = usage.get("prompt_tokens_details") or {}
            self._usage = Usage(
                usage.get("prompt_tokens", 0),
                usage.get("completion_tokens", 0),
                details.get("cached_tokens", 0),
            )
        if timings := chunk.get("timings"):
            self._speed = Speed(timings.get("prompt_per_second") or 0.0, timings.get("predicted_per_second") or 0.0)

    def _events(self, chunk: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        if progress := chunk.get("prompt_progress"):
            events.append(
                PromptProgress(progress.get("processed", 0), progress.get("total", 0), progress.get("cache", 0))
            )
        for choice in chunk.get("choices", ()):
            delta = choice.get("delta") or {}
            if text := delta.get("reasoning_content"):
                events.append(ReasoningDelta(text))
            if text := delta.get("content"):
                events.append(TextDelta(text))
            self._reason = choice.get("finish_reason") or self._reason
        return events


def _refusal(body: bytes, status: int = httpx2.codes.OK) -> EngineError:
    """The engine's own error object, told for a person."""
    try:
        error = json.loads(body)
        error = error.get("error", error)
        text, kind = str(error.get("message", "")), error.get("type", "")
    except (ValueError, AttributeError):
        error, text, kind = {}, f"its answer (status {status}) cannot be read", ""
    if kind == "exceed_context_size_error":
        return EngineError(
            Fault.CONTEXT_OVERFLOW,
            "The chat no longer fits into the context",
            f"it has {error.get('n_prompt_tokens', 0):,} tokens, the model was loaded with {error.get('n_ctx', 0):,}",
            "Start a new chat, or load the model with a larger Context Length.",
        )
    return EngineError(
        Fault.BAD_REQUEST,
        NO_ANSWER,
        f"the engine refused the request: {text}",
        "Change the message and try again.",
    )
