"""Running a model's calls and giving it the results, until it answers without one.

A person's approval comes before each call, and every loop has an end: at most ten rounds, and a call that is only
repeated is pointed out once.
"""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nodetool_xl_desktop.engine.events import Event, Finished, TextDelta, ToolAnswered, ToolCallRequested, Usage
from nodetool_xl_desktop.provider.values import ImagePart, Message, ToolCall, requested
from nodetool_xl_desktop.tools import Image, Result, Tool, call

MOST_ROUNDS = 10

#: Asks a person, or a rule, whether a call may run.
Approve = Callable[[ToolCall], bool | Awaitable[bool]]
#: Asks the model to go on from these messages; the number of the round, from 0.
Ask = Callable[[Sequence[Message], int], AsyncGenerator[Event, None]]

_DENIED = "This call was not allowed."
_REPEATED = "This call was made before with the same arguments, and is not run again. Its result was: {}"
_UNREADABLE = "Your call could not be read: {}. What you wrote was: {}"


@dataclass(slots=True)
class _Round:
    """What one request to the model brought."""

    text: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    end: Finished | None = None


async def _as_it_is(text: str) -> str:
    return text


async def run(
    ask: Ask,
    messages: Sequence[Message],
    tools: Sequence[Tool],
    approve: Approve,
    shorten: Callable[[str], Awaitable[str]] = _as_it_is,
) -> AsyncGenerator[Event, None]:
    """Ask, run the calls, and ask again.

    Args:
        ask: asks the model.
        messages: of the chat, oldest first.
        tools: what may be called.
        approve: is asked before each call.
        shorten: makes of a result what the model has room for.

    Yields:
        The events of every round and a `ToolAnswered` for each call; one `Finished` at the end, with the usage of all
        rounds together. Its reason is the last round's, `tool_rounds` where the model would have gone on for ever, or
        `repeated_call` where it only repeated itself.
    """
    history = list(messages)
    answers = _Answers({tool.name: tool for tool in tools}, approve, shorten)
    used = Usage()
    end: Finished | None = None
    for number in range(MOST_ROUNDS):
        this = _Round()
        async with contextlib.aclosing(ask(history, number)) as events:
            async for event in events:
                _note(event, this)
                if not isinstance(event, Finished):
                    yield event
        if this.end is None:  # it failed, which was told
            return
        end = this.end
        used = _sum(used, end.usage)
        if not this.calls:
            yield replace(end, usage=used)
            return
        if number == MOST_ROUNDS - 1:
            break  # no model would read the results
        history.append(Message("assistant", "".join(this.text), tool_calls=tuple(this.calls)))
        answers.begin_round()
        told: list[Message] = []
        for wanted in this.calls:
            result = await answers.to(wanted)
            if result is None:
                yield replace(end, reason="repeated_call", usage=used)
                return
            yield _answered(wanted, result)
            told.append(_told(wanted, result))
        # Results stand right behind the calls that they answer, or neither would be taken for what it is.
        history += sorted(told, key=lambda message: message.role != "tool")
    assert end is not None
    yield replace(end, reason="tool_rounds", usage=used)


def _note(event: Event, this: _Round) -> None:
    match event:
        case TextDelta(text):
            this.text.append(text)
        case ToolCallRequested():
            this.calls.append(requested(event))
        case Finished():
            this.end = event


@dataclass(slots=True)
class _Answers:
    """What the calls of all rounds came to; a call that was made before is not made again.

    Attributes:
        tools: what may be called, by name.
        approve: is asked before each call.
        shorten: makes of a result what the model has room for.
    """

    tools: Mapping[str, Tool]
    approve: Approve
    shorten: Callable[[str], Awaitable[str]]
    _results: dict[str, Result] = field(default_factory=dict)
    _earlier: frozenset[str] = frozenset()
    _pointed_out: set[str] = field(default_factory=set)

    def begin_round(self) -> None:
        """What was called so far was called in earlier rounds."""
        self._earlier = frozenset(self._results)

    async def to(self, wanted: ToolCall) -> Result | None:
        """The answer to a call; None where the model was told already that it only repeats it."""
        key = _key(wanted)
        if key in self._pointed_out:
            return None
        if key in self._earlier:
            self._pointed_out.add(key)
            return Result(_REPEATED.format(_words(self._results[key])))
        if key not in self._results:  # twice in one round: it is answered once
            result = await self._run(wanted)
            text, error = await self.shorten(result.text), await self.shorten(result.error)
            self._results[key] = replace(result, text=text, error=error)
        return self._results[key]

    async def _run(self, wanted: ToolCall) -> Result:
        if wanted.problem:
            return Result(error=_UNREADABLE.format(wanted.problem, wanted.raw))
        if wanted.name not in self.tools:
            return Result(error=f"There is no tool {wanted.name}; there are {', '.join(self.tools)}.")
        allowed = self.approve(wanted)
        if not (await allowed if inspect.isawaitable(allowed) else allowed):
            return Result(error=_DENIED)
        return await call(self.tools[wanted.name], wanted.args)


def _key(wanted: ToolCall) -> str:
    """What makes two calls the same."""
    if wanted.problem:
        return wanted.raw
    return json.dumps([wanted.name, wanted.args], sort_keys=True, default=str)


def _words(result: Result) -> str:
    """A result as text."""
    if result.error:
        return f"Error: {result.error}"
    return result.text or ("(a picture)" if result.image else "(no output)")


def _answered(wanted: ToolCall, result: Result) -> ToolAnswered:
    image = result.image or Image(b"", "")
    words = "" if result.error else _words(result)
    return ToolAnswered(wanted.id, wanted.name, words, result.error, image.data, image.mime_type)


def _told(wanted: ToolCall, result: Result) -> Message:
    """The result as the model gets it; a call that could not be read is none, so it is told of it in words."""
    if wanted.problem:
        return Message("user", _words(result))
    content = _words(result) if result.image is None else [ImagePart(result.image.data, result.image.mime_type)]
    return Message("tool", content, tool_call_id=wanted.id, name=wanted.name)


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        one.prompt_tokens + other.prompt_tokens,
        one.completion_tokens + other.completion_tokens,
        one.cached_tokens + other.cached_tokens,
    )
