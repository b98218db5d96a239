"""Asking a running engine over its OpenAI-compatible HTTP port, and reading the stream of events that it answers
with."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import httpx2

from nodetool_xl_desktop.core.network import HttpClient
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.events import (
    Event,
    Failed,
    Finished,
    PromptProgress,
    ReasoningDelta,
    Speed,
    TextDelta,
    ToolCallRequested,
    Usage,
)

#: The engine's own default (1.0, none) lets small models repeat one line until the context is full.
DEFAULT_REPEAT_PENALTY = 1.1
NO_ANSWER = tr("The model could not answer")
JSON = {"Content-Type": "application/json"}
#: Of a chat template: where it writes the beginning of an answer, what may open reasoning there, and what the engine
#: knows where the template writes it.
_ADDS_BEGINNING = "add_generation_prompt"
_OPENS = ("think", "thought", "reasoning")
_CLOSES_KNOWN = "</think>"
_LONGEST_BEGINNING = 64


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen; None leaves a value to the engine's default.

    Attributes:
        temperature: 0 always takes the likeliest token.
        max_tokens: the longest answer, in tokens; None ends only with the context.
        repeat_penalty: above 1 makes a token less likely that came shortly before.
        top_k: only so many of the likeliest tokens are candidates.
        top_p: only the likeliest tokens that together have this probability are candidates.
        min_p: only tokens with at least this part of the likeliest one's probability are candidates.
        presence_penalty: above 0 makes a token less likely that came before at all.
        frequency_penalty: the same, more so with each time it came.
        stop: texts at which the answer ends; they are not part of it.
        grammar: what the answer may look like, as GBNF. Neither with tools nor beside a `response_format`.
    """

    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    repeat_penalty: float | None = DEFAULT_REPEAT_PENALTY
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: tuple[str, ...] | None = None
    grammar: str | None = None

    def to_json(self) -> dict[str, Any]:
        """What goes into the request."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Template:
    """What a model's chat template can take, as the engine found by trying it (`chat_template_caps`).

    Content as text or as parts, and arguments as text or as an object, the engine turns into each other by itself.

    Attributes:
        system: a system message.
        tools: descriptions of tools.
        tool_calls: calls in the history, and their results.
        parallel_tool_calls: several calls in one turn.
        reasoning: what was thought before earlier answers.
    """

    system: bool = True
    tools: bool = False
    tool_calls: bool = False
    parallel_tool_calls: bool = False
    reasoning: bool = False


@dataclass(frozen=True, slots=True)
class Properties:
    """What the engine says of a loaded model.

    Attributes:
        context_length: what one chat gets, in tokens.
        template: what its chat template can take.
        vision: whether it takes images.
        begins: the end of the prompt before an answer, where the template opens reasoning there that the engine does
            not take out of the answer by itself; empty else.
    """

    context_length: int
    template: Template = Template()
    vision: bool = False
    begins: str = ""


async def properties(client: HttpClient) -> Properties:
    """Ask what is loaded.

    Raises:
        httpx2.HTTPError: the connection broke, or what answers is no engine.
    """
    try:
        answer = (await client.get("/props")).raise_for_status().json()
        said = answer.get("chat_template_caps") or {}
        template = Template(
            system=said.get("supports_system_role", True),
            tools=said.get("supports_tools", False),
            tool_calls=said.get("supports_tool_calls", False),
            parallel_tool_calls=said.get("supports_parallel_tool_calls", False),
            reasoning=said.get("supports_preserve_reasoning", False),
        )
        vision = bool((answer.get("modalities") or {}).get("vision", False))
        begins = await _begins(client, str(answer.get("chat_template") or ""))
        return Properties(int(answer["default_generation_settings"]["n_ctx"]), template, vision, begins)
    except (httpx2.InvalidURL, ValueError, LookupError, TypeError, AttributeError) as error:
        raise httpx2.RemoteProtocolError(tr("its first answer cannot be understood: {error!r}", error=error)) from error


async def _begins(client: HttpClient, template: str) -> str:
    """`Properties.begins`. Asked for only where the template's text makes it possible."""
    end = template[template.rfind(_ADDS_BEGINNING) :].lower() if _ADDS_BEGINNING in template else ""
    if not any(tag in end for tag in _OPENS) or _CLOSES_KNOWN in template:
        return ""
    try:
        said = await _ask(client, "/apply-template", {"messages": [{"role": "user", "content": "Hello"}]})
    except EngineError:  # a template that wants something else first
        return ""
    return str(said.get("prompt", ""))[-_LONGEST_BEGINNING:]


async def count_tokens(
    client: HttpClient, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()
) -> int:
    """The tokens of the prompt that the engine makes of these messages: its template around them, then its tokenizer.

    Raises:
        EngineError: the engine refuses them.
        httpx2.HTTPError: the connection broke.
    """
    prompt = await _ask(client, "/apply-template", {"messages": list(messages), **_tools(tools)})
    tokens = await _ask(client, "/tokenize", {"content": prompt["prompt"], "add_special": True, "parse_special": True})
    return len(tokens["tokens"])


async def _ask(client: HttpClient, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    response = await client.post(path, content=_encoded(body), headers=JSON)
    if response.status_code != httpx2.codes.OK:
        raise _refusal(response.content, response.status_code)
    try:
        answer: dict[str, Any] = response.json()
    except ValueError as error:
        raise httpx2.RemoteProtocolError(tr("its answer cannot be understood: {error!r}", error=error)) from error
    return answer


def _encoded(body: Mapping[str, Any]) -> bytes:
    # Halves of surrogate pairs, as a clipboard or a command line may hold them, are no text: they become "?".
    return json.dumps(body, ensure_ascii=False).encode(errors="replace")


def _tools(tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"tools": list(tools)} if tools else {}


async def stream_chat(
    client: HttpClient, messages: Sequence[Mapping[str, Any]], sampling: Sampling, **more: Any
) -> AsyncGenerator[Event, None]:
    """Ask for one answer.

    Closing the iterator closes the connection, at which the engine stops within one batch.

    Args:
        client: `core.network.engine_client` of the child.
        messages: `{"role": ..., "content": ...}`, oldest first.
        sampling: how to choose tokens.
        more: what else goes into the request (`tools`, `response_format`, ...).

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
        **more,
    }
    async with client.stream("POST", "/v1/chat/completions", content=_encoded(body), headers=JSON) as response:
        if response.status_code != httpx2.codes.OK:
            yield Failed(_refusal(await response.aread(), response.status_code))
            return
        answer, ended = _Answer(), False
        async for line in _lines(response):  # to its end, also behind the last event, so that it closes in order
            for event in () if ended else answer.read(line):
                yield event
                ended = isinstance(event, Finished | Failed)
    if not ended:
        raise httpx2.RemoteProtocolError(tr("The stream ended before the answer did"))


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
        #: Calls by their index: name, id and arguments come in pieces.
        self._partial_calls: dict[int, dict[str, str]] = {}

    def read(self, line: bytes) -> list[Event]:
        """The events in one line of the stream."""
        field, _, data = line.partition(b":")
        if field == b"error":
            return [Failed(_refusal(data))]
        if field != b"data":
            return []
        if data.strip() == b"[DONE]":
            return [*self._calls(), Finished(self._reason, self._usage, self._speed)]
        try:
            chunk = json.loads(data)
        except ValueError:
            chunk = None
        if not isinstance(chunk, dict):
            raise httpx2.RemoteProtocolError(tr("The stream holds something that is no event"))
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
            for piece in delta.get("tool_calls") or ():
                self._add_to_call(piece)
            self._reason = choice.get("finish_reason") or self._reason
        return events

    def _add_to_call(self, piece: dict[str, Any]) -> None:
        call = self._partial_calls.setdefault(piece.get("index", 0), {"id": "", "name": "", "arguments": ""})
        function = piece.get("function") or {}
        call["id"] = piece.get("id") or call["id"]
        call["name"] += function.get("name") or ""
        call["arguments"] += function.get("arguments") or ""

    def _calls(self) -> list[Event]:
        return [
            ToolCallRequested(call["id"] or secrets.token_hex(5)[:9], call["name"], call["arguments"])
            for _, call in sorted(self._partial_calls.items())
        ]


def _refusal(body: bytes, status: int = httpx2.codes.OK) -> EngineError:
    """The engine's own error object, told for a person."""
    try:
        error = json.loads(body)
        error = error.get("error", error)
        text, kind = str(error.get("message", "")), error.get("type", "")
    except (ValueError, AttributeError):
        error, text, kind = {}, tr("its answer (status {status}) cannot be read", status=status), ""
    if kind == "exceed_context_size_error":
        return EngineError(
            Fault.CONTEXT_OVERFLOW,
            tr("The chat no longer fits into the context"),
            tr(
                "it has {tokens:,} tokens, the model was loaded with {context:,}",
                tokens=error.get("n_prompt_tokens", 0),
                context=error.get("n_ctx", 0),
            ),
            tr("Start a new chat, or load the model with a larger Context Length."),
        )
    if status == httpx2.codes.SERVICE_UNAVAILABLE or kind == "unavailable_error":
        return EngineError(
            Fault.BUSY,
            NO_ANSWER,
            tr("the engine is busy: {text}", text=text),
            tr("Try again when it has answered the others."),
        )
    return EngineError(
        Fault.BAD_REQUEST,
        NO_ANSWER,
        tr("the engine refused the request: {text}", text=text),
        tr("Change the message and try again."),
    )
