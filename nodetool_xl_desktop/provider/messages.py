"""Messages as a model's own chat template can take them.

What the template can take is asked of the engine (`engine.client.Template`), not guessed from the model's name.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.client import NO_ANSWER, Template
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.provider.values import ImagePart, Message, TextPart, ToolCall, ToolResultPart

#: What other programs call the roles.
_ROLES = {"developer": "system", "function": "tool", "human": "user", "ai": "assistant", "model": "assistant"}
_KNOWN = ("system", "user", "assistant", "tool")
#: Between texts that become one turn.
_BREAK = "\n\n"
_UNSEEN = "(a picture, which this model cannot see)"


@dataclass(slots=True)
class _Turn:
    """One message on its way to the engine."""

    role: str
    texts: list[str] = field(default_factory=list)
    images: list[ImagePart] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    answers: str = ""  # the call that a tool's turn answers
    name: str = ""
    reasoning: str = ""

    @property
    def text(self) -> str:
        return _BREAK.join(text for text in self.texts if text)

    @property
    def is_empty(self) -> bool:
        return not (self.text.strip() or self.images or self.calls or self.answers or self.role == "tool")

    def to_json(self) -> dict[str, Any]:
        turn: dict[str, Any] = {"role": self.role, "content": self.text}
        if self.images:
            images = [{"type": "image_url", "image_url": {"url": image.url}} for image in self.images]
            text = [{"type": "text", "text": self.text}] if self.text else []
            turn["content"] = images + text
        if self.calls:
            turn["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": json.dumps(call.args, ensure_ascii=False)},
                }
                for call in self.calls
            ]
        if self.reasoning and self.role == "assistant":
            turn["reasoning_content"] = self.reasoning
        if self.role == "tool":
            turn |= {"tool_call_id": self.answers, "name": self.name}
        return turn


def normalise(
    messages: Sequence[Message], template: Template, *, vision: bool = False, system: str = ""
) -> list[dict[str, Any]]:
    """The messages as the engine takes them, in OpenAI's form.

    Several system messages become the first one; a template without a system role gets it in the first user turn. Runs
    of one role become one turn, and empty turns are left out, so that roles alternate where the messages let them.
    Tool calls with their results behind them stay what they are where the template knows them. They become text where
    it does not, and where one is without the other: templates, and the engine itself, refuse those. Reasoning is left
    out where the template has no place for it.

    Args:
        messages: oldest first.
        template: what the model's template can take.
        vision: whether the model takes images.
        system: more for the system message, before what the messages say.

    Raises:
        EngineError: there is nothing to answer, or an image for a model without vision.
    """
    turns = [turn for message in messages for turn in _turns(message)]
    for turn in turns:
        if not template.reasoning:
            turn.reasoning = ""
        if turn.role == "tool" and turn.images and not vision:  # nobody chose what a tool returns: no reason to fail
            turn.texts, turn.images = [*turn.texts, _UNSEEN], []
    if any(turn.images for turn in turns) and not vision:
        raise EngineError(
            Fault.BAD_REQUEST,
            NO_ANSWER,
            tr("the messages hold an image, and the loaded model takes text only"),
            tr("Leave the image out, or load a model with vision."),
        )
    first = _Turn("system", [system, *(text for turn in turns if turn.role == "system" for text in turn.texts)])
    spoken = [turn for turn in turns if turn.role != "system"]
    # The last turn is what is to be answered, even where it says nothing; an empty answer is none.
    last = [turn for turn in spoken[-1:] if turn.role != "assistant" or not turn.is_empty]
    spoken = [turn for turn in spoken[:-1] if not turn.is_empty] + last
    merged = _merged(_exchanges(spoken, template))
    if first.text.strip():
        if template.system:
            merged.insert(0, first)
        else:
            _put_before_first_user(first, merged)
    if not merged:
        raise EngineError(Fault.BAD_REQUEST, NO_ANSWER, tr("there is no message to answer"), tr("Write one."))
    return [turn.to_json() for turn in merged]


def call_text(call: ToolCall) -> str:
    """A call as models write it that have no form of their own for it: `calculator(expression='2+2')`."""
    return f"{call.name}({', '.join(f'{name}={value!r}' for name, value in call.args.items())})"


def _turns(message: Message) -> Iterator[_Turn]:
    """One message as turns: each result of a tool is one of its own."""
    role = message.role.strip().lower()
    role = _ROLES.get(role, role)
    parts = message.content if isinstance(message.content, tuple) else (TextPart(message.text),)
    # What a tool answered comes before what is said about it.
    results = [part for part in parts if isinstance(part, ToolResultPart)]
    for part in results:
        images = [part.image] if part.image else []
        yield _Turn("tool", [part.content], images, answers=part.id, name=part.name)
    turn = _Turn(
        role,
        [part.text for part in parts if isinstance(part, TextPart)],
        [part for part in parts if isinstance(part, ImagePart)],
    )
    if role == "tool":
        turn.answers, turn.name = message.tool_call_id, message.name
        if results and not (turn.text or turn.images):
            return
    if role not in _KNOWN:
        turn.role = "user"
        turn.texts = [f"{message.role}: {turn.text}"] if turn.text else []
    # A malformed call is no call, but it was said.
    turn.texts += [_as_written(call) for call in message.tool_calls if call.problem]
    turn.calls = [call for call in message.tool_calls if not call.problem]
    turn.reasoning = message.reasoning
    yield turn


def _as_written(call: ToolCall) -> str:
    """What the model wrote; a native call has its arguments alone in `raw`."""
    return call.raw.strip() if call.name in call.raw else f"{call.name}({call.raw})"


def _exchanges(turns: Sequence[_Turn], template: Template) -> Iterator[_Turn]:
    """Calls and the results that follow them as the template takes them."""
    numbers = itertools.count(1)
    at = 0
    while at < len(turns):
        turn = turns[at]
        at += 1
        if turn.role == "tool":
            yield _said_by_user(turn)  # nothing called for it
        elif turn.calls:
            results = []
            while at < len(turns) and turns[at].role == "tool":
                results.append(turns[at])
                at += 1
            yield from _exchange(turn, results, template, numbers)
        else:
            yield turn


def _exchange(turn: _Turn, results: list[_Turn], template: Template, numbers: Iterator[int]) -> Iterator[_Turn]:
    """One turn with calls, and the results that follow it."""
    pairs, rest = [], list(results)
    for call in turn.calls:
        result = _result_of(call, rest)
        if result is not None:
            rest = [other for other in rest if other is not result]
            result.name = result.name or call.name
        if result is None or turn.role != "assistant" or not template.tool_calls:
            turn.texts.append(call_text(call))
        else:
            # Nine digits: some templates refuse any other length.
            result.answers = call.id or f"{next(numbers):09d}"
            pairs.append((replace(call, id=result.answers), result))
    native = [result for _, result in pairs]
    turn.calls = [call for call, _ in pairs]
    if template.parallel_tool_calls or len(pairs) < 2:
        yield turn
        yield from native
    else:
        for number, (call, result) in enumerate(pairs):
            yield replace(turn, calls=[call]) if number == 0 else _Turn("assistant", calls=[call])
            yield result
    yield from (_said_by_user(other) for other in results if not any(other is each for each in native))


def _result_of(call: ToolCall, results: Sequence[_Turn]) -> _Turn | None:
    """The result that names this call, else the next one that names none."""
    named = (result for result in results if call.id and result.answers == call.id)
    return next(named, None) or next((result for result in results if not (call.id and result.answers)), None)


def _said_by_user(result: _Turn) -> _Turn:
    """The result of a tool for a template that has no place for it."""
    return _Turn("user", [f"Result of {result.name or 'the tool'}: {result.text}"], result.images)


def _merged(turns: Iterable[_Turn]) -> list[_Turn]:
    """Runs of one role as one turn."""
    merged: list[_Turn] = []
    for turn in turns:
        last = merged[-1] if merged else None
        if last is not None and last.role == turn.role and turn.role != "tool" and not last.calls:
            last.texts += turn.texts
            last.images += turn.images
            last.calls += turn.calls
            last.reasoning = _BREAK.join(text for text in (last.reasoning, turn.reasoning) if text)
        else:
            merged.append(turn)
    return merged


def _put_before_first_user(system: _Turn, turns: list[_Turn]) -> None:
    """Before an answer that nobody asked for it is a turn of its own: such templates want a user first."""
    if turns and turns[0].role == "user":
        turns[0].texts.insert(0, system.text)
    else:
        turns.insert(0, _Turn("user", [system.text]))
