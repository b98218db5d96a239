"""What is kept of a chat as what a model is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from nodetool_xl_desktop.chat.parts import Attachment, Text, ToolAnswer, ToolUse
from nodetool_xl_desktop.chat.records import Message
from nodetool_xl_desktop.provider import values

#: Reads a file by its hash; None where it is not there any more.
ReadFile = Callable[[str], bytes | None]


@dataclass(slots=True)
class _Round:
    """What a model said up to the answers of its tools."""

    content: list[values.Part] = field(default_factory=list)
    calls: list[values.ToolCall] = field(default_factory=list)
    answers: list[values.Message] = field(default_factory=list)


def as_turns(shown: Iterable[Message], read_file: ReadFile = lambda sha256: None) -> list[values.Message]:
    """Messages for `provider.stream`, oldest first. May read files, and block.

    Reasoning is not sent back. A turn without content is left out, and so is the question of an answer that failed
    before its first word: two questions beside each other are refused by many templates.

    Args:
        shown: what is shown of the chat.
        read_file: gives the bytes of attachments; those that are not there are left out.
    """
    turns = [turn for message in shown for turn in _turns_of(message, read_file)]
    return [
        turn
        for turn, after in zip(turns, [*turns[1:], None], strict=True)
        if after is None or turn.role != "user" or after.role != "user"
    ]


def _turns_of(message: Message, read_file: ReadFile) -> Iterator[values.Message]:
    at = _Round()
    for part in message.parts:
        if at.answers and not isinstance(part, ToolAnswer):
            yield from _said(message, at)
            at = _Round()
        match part:
            case Text(text):
                at.content.append(values.TextPart(text))
            case Attachment():
                at.content += _attached(part, read_file)
            case ToolUse(id, name, arguments):
                at.calls.append(values.with_arguments(values.ToolCall(id, name), arguments))
            case ToolAnswer(id, name, text, error):
                at.answers.append(values.Message("tool", error or text, tool_call_id=id, name=name))
    yield from _said(message, at)


def _said(message: Message, at: _Round) -> Iterator[values.Message]:
    answered = {answer.tool_call_id for answer in at.answers}
    calls = tuple(call for call in at.calls if call.id in answered)  # a call without its answer is refused
    plain = all(isinstance(part, values.TextPart) for part in at.content)
    text = "".join(part.text for part in at.content if isinstance(part, values.TextPart))
    if text or calls or not plain:
        yield values.Message(message.role, text if plain else at.content, tool_calls=calls)
    yield from at.answers


def _attached(part: Attachment, read_file: ReadFile) -> Iterator[values.Part]:
    data = read_file(part.sha256)
    if data is None:
        return
    if part.media_type.startswith("image/"):
        yield values.ImagePart(data, part.media_type)
    else:
        yield values.TextPart(f"\n\n{json.dumps(part.name)}:\n\n{data.decode('utf-8', 'replace')}\n\n")
