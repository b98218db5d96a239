"""Running a model's calls and giving it the results, until it answers without one.

A person's approval comes before each call, and every loop has an end: at most ten rounds, and a call that is only
repeated is pointed out once. Nothing of the engine is held while a person thinks or a tool runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nodetool_xl_desktop.engine.events import (
    Event,
    Finished,
    ReasoningDelta,
    TextDelta,
    ToolAnswered,
    ToolCallRequested,
    ToolStarted,
    Usage,
)
from nodetool_xl_desktop.provider.approval import Allow, Approve, Deny
from nodetool_xl_desktop.provider.tool_use import new_call_id
from nodetool_xl_desktop.provider.values import ImagePart, Message, Part, TextPart, ToolCall, requested
from nodetool_xl_desktop.tools import Image, Result, Tool, call
from nodetool_xl_desktop.tools.arguments import fit
from nodetool_xl_desktop.tools.call import TIMEOUT_S

MOST_ROUNDS = 10
#: How long a call that was stopped may take to let go, in seconds; then it is left to itself.
LET_GO_S = 2.0


#: Asks the model to go on from these messages; the number of the round, from 0.
Ask = Callable[[Sequence[Message], int], AsyncGenerator[Event, None]]

_DENIED = "This call was not allowed"
_STOPPED = "This call was stopped by the person before it was done."
_REPEATED = "This call was made before with the same arguments, and is not run again. Its result was: {}"
_UNREADABLE = "Your call could not be read: {}. What you wrote was: {}"

_log = logging.getLogger(__name__)

__all__ = ["LET_GO_S", "MOST_ROUNDS", "Allow", "Approve", "Ask", "Deny", "run"]


@dataclass(slots=True)
class _Round:
    """What one request to the model brought."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
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
        approve: is asked before each call that a tool can take. What a person changed is what the model is told that
            it called.
        shorten: makes of a result what the model has room for.

    Yields:
        The events of every round, a `ToolStarted` for each call that runs, and a `ToolAnswered` for each call; one
        `Finished` at the end, with the usage of all rounds together. Its reason is the last round's, `tool_rounds`
        where the model would have gone on for ever, or `repeated_call` where it only repeated itself.
    """
    history = list(messages)
    answers = _Answers({tool.name: tool for tool in tools}, approve, shorten)
    used = Usage()
    end: Finished | None = None
    ids = {made.id for message in messages for made in message.tool_calls}
    for number in range(MOST_ROUNDS):
        this = _Round()
        async with contextlib.aclosing(ask(history, number)) as events:
            async for each in events:
                event = _with_own_id(each, ids)
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
        answers.begin_round()
        made: list[ToolCall] = []
        told: list[Message] = []
        for wanted in this.calls:
            ready = await answers.prepare(wanted)
            if ready is None:
                yield replace(end, reason="repeated_call", usage=used)
                return
            if isinstance(ready, _Ready):
                yield ToolStarted(wanted.id, "" if ready.call is wanted else _arguments(ready.call))
                ready = await answers.run(wanted, ready)
            elif ready.call.args != wanted.args:  # the same as one of this round that a person changed
                yield ToolStarted(wanted.id, _arguments(ready.call))
            yield _answered(wanted, ready)
            made.append(ready.call)
            told.append(_told(ready))
        said, thought = "".join(this.text), "".join(this.reasoning)
        history.append(Message("assistant", said, tool_calls=tuple(made), reasoning=thought))
        # Results stand right behind the calls that they answer, or neither would be taken for what it is.
        history += sorted(told, key=lambda message: message.role != "tool")
    assert end is not None
    yield replace(end, reason="tool_rounds", usage=used)


def _with_own_id(event: Event, taken: set[str]) -> Event:
    """A call by a name that no other call of the chat has: some models count theirs anew in each answer."""
    if not isinstance(event, ToolCallRequested):
        return event
    own = replace(event, id=new_call_id()) if event.id in taken else event
    taken.add(own.id)
    return own


def _note(event: Event, this: _Round) -> None:
    match event:
        case TextDelta(text):
            this.text.append(text)
        case ReasoningDelta(text):
            this.reasoning.append(text)
        case ToolCallRequested():
            this.calls.append(requested(event))
        case Finished():
            this.end = event


@dataclass(frozen=True, slots=True)
class _Ready:
    """A call that may run.

    Attributes:
        call: as it runs, which is not as the model made it where a person changed it.
        stopped: tells that it is to be stopped.
        before: is awaited before it runs.
    """

    call: ToolCall
    stopped: asyncio.Event | None = None
    before: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a call came to.

    Attributes:
        call: as it was run, or as the model made it where it was not run.
        result: for the model.
        denied: whether a person did not allow it.
        ms: how long it ran.
    """

    call: ToolCall
    result: Result
    denied: bool = False
    ms: int = 0


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
    _made: dict[str, _Answer] = field(default_factory=dict)
    _earlier: frozenset[str] = frozenset()
    _pointed_out: set[str] = field(default_factory=set)

    def begin_round(self) -> None:
        """What was called so far was called in earlier rounds."""
        self._earlier = frozenset(self._made)

    async def prepare(self, wanted: ToolCall) -> _Ready | _Answer | None:
        """A call that may run, or its answer where it may not, or need not; None where the model was told already that
        it only repeats it."""
        key = _key(wanted)
        if key in self._pointed_out:
            return None
        if key in self._earlier:
            self._pointed_out.add(key)
            return _Answer(wanted, Result(_REPEATED.format(_words(self._made[key].result))))
        if key in self._made:  # twice in one round: it is answered once
            made = self._made[key]
            return replace(made, call=replace(made.call, id=wanted.id), ms=0)
        if problem := self._problem(wanted):
            answer = _Answer(wanted, Result(error=await self.shorten(problem)))
        else:
            allowed = self.approve(wanted)
            verdict = await allowed if inspect.isawaitable(allowed) else allowed
            if isinstance(verdict, Allow):
                edited = verdict.arguments
                call_as_run = wanted if edited is None else replace(wanted, args=dict(edited))
                return _Ready(call_as_run, verdict.stopped, verdict.before)
            if verdict is True:
                return _Ready(wanted)
            deny = verdict if isinstance(verdict, Deny) else Deny()
            answer = _Answer(wanted, Result(error=await self.shorten(_denied(deny))), deny.by_person)
        self._made[key] = answer
        return answer

    def _problem(self, wanted: ToolCall) -> str:
        """Why a call cannot be run, whoever allows it; empty where it can."""
        if wanted.problem:
            return _UNREADABLE.format(wanted.problem, wanted.raw)
        if wanted.name not in self.tools:
            return f"There is no tool {wanted.name}; there are {', '.join(self.tools)}."
        problem = fit(self.tools[wanted.name], wanted.args).problem
        return f"Bad arguments: {problem}." if problem else ""

    async def run(self, wanted: ToolCall, ready: _Ready) -> _Answer:
        """Run a call that may."""
        if ready.before is not None:
            await ready.before()
        tool = self.tools[wanted.name]
        began_s = time.perf_counter()
        work = call(tool, ready.call.args, timeout_s=getattr(tool, "timeout_s", TIMEOUT_S))
        result = await _stoppable(work, ready.stopped)
        ms = round((time.perf_counter() - began_s) * 1000)
        text, error = await self.shorten(result.text), await self.shorten(result.error)
        answer = _Answer(ready.call, replace(result, text=text, error=error), ms=ms)
        self._made[_key(wanted)] = self._made[_key(ready.call)] = answer
        return answer


def _denied(deny: Deny) -> str:
    if not deny.by_person and deny.reason:
        return deny.reason
    return f"{_DENIED}: {deny.reason}" if deny.reason else f"{_DENIED}."


async def _stoppable(work: Coroutine[Any, Any, Result], stopped: asyncio.Event | None) -> Result:
    """Do work to its end, or until it is stopped."""
    if stopped is None:
        return await work
    if stopped.is_set():
        work.close()
        return Result(error=_STOPPED)
    running, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            return running.result()
    finally:
        stopping.cancel()
        if not running.done():
            running.cancel()
            await asyncio.wait({running}, timeout=LET_GO_S)
            if not running.done():
                _log.warning("A tool that was stopped did not let go")
    return Result(error=_STOPPED)


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


def _arguments(wanted: ToolCall) -> str:
    return json.dumps(wanted.args, ensure_ascii=False)


def _answered(wanted: ToolCall, answer: _Answer) -> ToolAnswered:
    result = answer.result
    image = result.image or Image(b"", "")
    words = "" if result.error else _words(result)
    about = (result.error, image.data, image.mime_type, answer.denied, answer.ms)
    return ToolAnswered(wanted.id, wanted.name, words, *about)


def _told(answer: _Answer) -> Message:
    """The result as the model gets it; a call that could not be read is none, so it is told of it in words."""
    wanted, result = answer.call, answer.result
    if wanted.problem:
        return Message("user", _words(result))
    content: str | list[Part] = _words(result)
    if result.image is not None:
        said = [TextPart(result.text)] if result.text else []
        content = [*said, ImagePart(result.image.data, result.image.mime_type)]
    return Message("tool", content, tool_call_id=wanted.id, name=wanted.name)


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        one.prompt_tokens + other.prompt_tokens,
        one.completion_tokens + other.completion_tokens,
        one.cached_tokens + other.cached_tokens,
    )
