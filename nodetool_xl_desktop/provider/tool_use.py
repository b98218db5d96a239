"""How a model gets its tools, and how its calls are read.

A template that knows tools renders them (native). Any other model is told of them in its system text and writes a call
as text (emulated). What a native model writes as text all the same is read by the same parser (rescued). A call that
has to come is forced by a grammar, on any model.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nodetool_xl_desktop.engine.client import Template
from nodetool_xl_desktop.engine.events import Event, Failed, Finished, Making, TextDelta, ToolCallRequested
from nodetool_xl_desktop.tools import FoundCall, TextCalls, Tool, definition, signature
from nodetool_xl_desktop.tools.checked import checked_tool
from nodetool_xl_desktop.tools.text_calls import parse

AnyTool = Tool | Callable[..., Any]
#: "auto" (or None), "none", "required", the name of a tool, or OpenAI's
#: `{"type": "function", "function": {"name": ...}}`.
ToolChoice = str | Mapping[str, Any] | None

_INSTRUCTION = """\
You can call these functions:

{signatures}

To call one, write the call and nothing else on a line of its own, with the arguments by name. The result comes in the \
next message. Call a function only where it helps; else answer in plain words."""
_FORCED = """\
You can call these functions:

{signatures}

Answer with one call as a JSON object: {{"name": ..., "arguments": {{...}}}}."""
#: A small model that has to write a text, and does not know what, goes on for ever.
_LONGEST_FORCED_TEXT = 400
_LONGEST_FORCED_LIST = 32
#: What the engine's grammars know of patterns and formats (common/json-schema-to-grammar.cpp).
_ENGINE_PATTERN = re.compile(r"\^(?:[^\\]|\\[^dwsDWSbB])*\$", re.DOTALL)
_ENGINE_FORMATS = ("date", "time", "date-time", "uuid")


@dataclass(frozen=True, slots=True)
class ToolUse:
    """What one request says about tools.

    Attributes:
        tools: what the model may call.
        making: how its calls come to be; `rescued` are those of a native model that come as text.
        instruction: for the system text, where the template does not render tools.
        request: what goes into the engine's request.
    """

    tools: tuple[Tool, ...]
    making: Making
    instruction: str = ""
    request: Mapping[str, Any] = field(default_factory=dict)

    def read(self, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        """The events of an answer, with the calls that the model wrote as text taken out of the text."""
        if self.making == "forced":
            return _with_forced_call(events, self.tools)
        return _with_calls(events, self.tools, "rescued" if self.making == "native" else "emulated")


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools of a request.

    Attributes:
        tools: what the model may call, at least one.
        forced: those of which it has to call one; empty where it need not.
    """

    tools: tuple[Tool, ...]
    forced: tuple[Tool, ...] = ()

    @property
    def definitions(self) -> list[dict[str, Any]]:
        """The tools as the engine takes them."""
        return [definition(tool) for tool in self.tools]

    def to(self, template: Template) -> ToolUse:
        """How a model with this template gets these tools."""
        signatures = "\n".join(signature(tool) for tool in self.forced or self.tools)
        if self.forced:
            # By the same grammar on every model: what an engine makes of "required" differs from template to template.
            request = {"response_format": _call_format(self.forced)}
            return ToolUse(self.forced, "forced", _FORCED.format(signatures=signatures), request)
        if template.tools:
            return ToolUse(self.tools, "native", request={"tools": self.definitions})
        return ToolUse(self.tools, "emulated", _INSTRUCTION.format(signatures=signatures))


def offer(tools: Sequence[AnyTool], choice: ToolChoice) -> Offer | None:
    """What may be called, and whether something has to be; None where nothing may.

    Raises:
        TypeError: one is no tool, or the choice is of no known kind.
        ValueError: two have one name, or the choice names none of them.
    """
    if not isinstance(tools, Sequence):
        raise TypeError(f"The tools are given as a list, not as {tools!r}")
    made = tuple(checked_tool(tool) for tool in tools)
    names = [tool.name for tool in made]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"Two tools are called {twice!r}: give one of them another name (as_tool(..., name=...))")
    if choice == "none" or (choice in ("auto", None) and not made):
        return None
    if choice in ("auto", "required", None) and made:
        return Offer(made, made if choice == "required" else ())
    if choice == "required":
        raise ValueError("tool_choice requires a call, and no tool was given")
    name = _chosen(choice)
    named = tuple(tool for tool in made if tool.name == name)
    if not named:
        there = ", ".join(names) or "none was given"
        raise ValueError(f"tool_choice asks for {name!r}, which is no tool: {there}")
    return Offer(made, named)


def _chosen(choice: Any) -> str:
    """The name of the tool that a choice asks for."""
    match choice:
        case str(name) | {"function": {"name": str(name)}}:
            return name
    raise TypeError(
        "tool_choice is auto, none, required, the name of a tool, or "
        f"{{'type': 'function', 'function': {{'name': ...}}}}, not {choice!r}"
    )


async def _with_calls(
    events: AsyncGenerator[Event, None], tools: Sequence[Tool], making: Making
) -> AsyncGenerator[Event, None]:
    found = TextCalls(tools)
    called = False
    async with contextlib.aclosing(events):
        try:
            async for event in events:
                if isinstance(event, TextDelta):
                    fresh = list(_events(found.feed(event.text), making))
                else:
                    # What is held back comes before what ends the text; progress may overtake it.
                    ends = isinstance(event, ToolCallRequested | Finished | Failed)
                    fresh = [*_events(found.finish(), making), event] if ends else [event]
                for each in fresh:
                    called = called or isinstance(each, ToolCallRequested)
                    yield _called(each) if called else each
        except asyncio.CancelledError:  # its time is up: what was held back has been written all the same
            for each in _events(found.finish(), making):
                yield each
            raise


async def _with_forced_call(events: AsyncGenerator[Event, None], tools: Sequence[Tool]) -> AsyncGenerator[Event, None]:
    """The whole answer is one call, by the grammar; only a limit of tokens can cut it."""
    text = ""
    async with contextlib.aclosing(events):
        try:
            async for event in events:
                if isinstance(event, TextDelta):
                    text += event.text
                    continue
                call = _ended(event, text, tools)
                if call is not None:
                    yield call
                yield _called(event) if call is not None and not call.problem else event
        except asyncio.CancelledError:  # its time is up: what has been written is not lost
            if text:
                yield _forced_call(text, tools)
            raise


def _ended(event: Event, text: str, tools: Sequence[Tool]) -> ToolCallRequested | None:
    """The forced call of an answer that this event ends; None where it does not, or where nothing was written."""
    # The engine keeps the first letters of a JSON text to itself: an answer that was cut there is a call, too.
    cut = isinstance(event, Finished) and event.reason == "length"
    return _forced_call(text, tools) if isinstance(event, Finished | Failed) and (text or cut) else None


def _forced_call(text: str, tools: Sequence[Tool]) -> ToolCallRequested:
    calls = parse(text, tools).calls
    if calls:
        return _request(calls[0], "forced")
    name = next((tool.name for tool in tools if f'"{tool.name}"' in text), tools[0].name)
    return _request(FoundCall(name, {}, text, "it was cut before its end"), "forced")


def new_call_id() -> str:
    """A name for a call. Nine letters and digits: the templates of Mistral refuse any other."""
    return secrets.token_hex(5)[:9]


def _call_format(tools: Sequence[Tool]) -> dict[str, Any]:
    """The JSON Schema of a call, from which the engine makes its grammar."""
    calls = []
    for number, tool in enumerate(tools):
        place = "#/properties/arguments" if len(tools) == 1 else f"#/anyOf/{number}/properties/arguments"
        arguments = _moved(getattr(tool, "forced_parameters", tool.parameters), place)
        calls.append(
            {
                "type": "object",
                "properties": {"name": {"const": tool.name}, "arguments": _bounded(arguments)},
                "required": ["name", "arguments"],
                "additionalProperties": False,
            }
        )
    schema = calls[0] if len(calls) == 1 else {"anyOf": calls}
    return {"type": "json_schema", "json_schema": {"name": "call", "schema": schema}}


def _moved(schema: Any, place: str) -> Any:
    """The same schema as a part of another one, in which its own references lead to where it now lies."""
    if isinstance(schema, list):
        return [_moved(part, place) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    moved = {key: _moved(part, place) for key, part in schema.items()}
    reference = moved.get("$ref")
    if isinstance(reference, str) and (reference == "#" or reference.startswith("#/")):
        moved["$ref"] = place + reference[1:]
    return moved


def _bounded(schema: Any) -> Any:
    """The same schema with an end to every text, and as the engine's grammars take it."""
    if isinstance(schema, list):
        return [_bounded(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    bounded = {key: _bounded(part) for key, part in schema.items()}
    kinds = bounded.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if not _ENGINE_PATTERN.fullmatch(str(bounded.get("pattern", ""))):
        bounded.pop("pattern", None)  # it would make any text of it, an endless one, too
    if bounded.get("format") not in _ENGINE_FORMATS:
        bounded.pop("format", None)
    if "string" in kinds and not {"enum", "const", "pattern", "format", "minLength", "maxLength"} & bounded.keys():
        bounded |= {"minLength": 1, "maxLength": _LONGEST_FORCED_TEXT}
    if "array" in kinds:
        bounded.setdefault("maxItems", max(_LONGEST_FORCED_LIST, bounded.get("minItems", 0)))
    return bounded


def _called(event: Event) -> Event:
    """An answer that calls a tool ends with that word, as the engine says of native calls."""
    if isinstance(event, Finished) and event.reason == "stop":
        return replace(event, reason="tool_calls")
    return event


def _events(parts: Iterable[str | FoundCall], making: Making) -> Iterator[Event]:
    for part in parts:
        yield TextDelta(part) if isinstance(part, str) else _request(part, making)


def _request(call: FoundCall, making: Making) -> ToolCallRequested:
    arguments = json.dumps(call.args, ensure_ascii=False)
    return ToolCallRequested(new_call_id(), call.name, arguments, call.raw, call.problem, making)
