"""The values of the programmer's interface: what goes in, and what comes out. They know nothing of engines."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.engine.events import Making, ToolCallRequested, Usage

__all__ = [
    "Chunk",
    "ImagePart",
    "LanguageModel",
    "Message",
    "Part",
    "Provider",
    "TextPart",
    "TokenCount",
    "ToolCall",
    "ToolResultPart",
    "Usage",
]


NOTHING_USED = Usage()


class Provider(StrEnum):
    """Who runs the models."""

    XLlamaCpp = "xllamacpp"


@dataclass(frozen=True, slots=True)
class TextPart:
    """Text in a message."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image in a message, for a model with vision.

    Attributes:
        data: the file's bytes (PNG, JPEG, ...).
        media_type: such as `image/png`.
    """

    data: bytes = field(repr=False)
    media_type: str = "image/png"

    @property
    def url(self) -> str:
        """The whole image as a `data:` address."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.data).decode()}"

    @classmethod
    def of_file(cls, file: Path) -> ImagePart:
        """The image in a file.

        Raises:
            OSError: it cannot be read.
        """
        kinds = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".gif": "image/gif"}
        return cls(file.read_bytes(), kinds.get(file.suffix.lower(), "image/png"))


@dataclass(frozen=True, slots=True)
class ToolResultPart:
    """What a tool answered.

    Attributes:
        id: of the `ToolCall` that it answers.
        name: the tool's.
        content: the result as text.
        image: the result, where it is a picture.
    """

    id: str
    name: str
    content: str
    image: ImagePart | None = None


Part = TextPart | ImagePart | ToolResultPart


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants called.

    Attributes:
        id: tells the calls of one chat apart; the result names it.
        name: the tool's.
        args: the arguments by name.
        raw: what the model wrote, where that was text.
        problem: why the call is not valid; empty where it is. What the model wrote is in `raw` then, and `args` is
            what could be read of it.
        making: `native`, `emulated` (as text, as the model was told to), `rescued` (as text, from a model that has a
            form of its own) or `forced` (by a grammar).
    """

    id: str
    name: str
    args: dict[str, Any] = field(default_factory=dict)
    raw: str = ""
    problem: str = ""
    making: Making = "native"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat.

    Attributes:
        role: `system`, `user`, `assistant` or `tool`. Any other is taken for a user's turn that carries its name.
        content: text, parts in order (also in OpenAI's form), or None for an answer that is calls alone.
        tool_calls: of an assistant.
        tool_call_id: of a tool: the call that `content` answers.
        name: of a tool.
        reasoning: what the model thought before an answer; it is sent back only where that is asked for
            (`send_reasoning`).
        finish_reason: of an answer: `stop`, `length` (it was cut) or `tool_calls`; empty else.
        usage: of an answer, in tokens.

    Raises:
        ValueError: a part, a call or the content itself is of no known kind.
    """

    role: str
    content: str | Sequence[Part] | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""
    reasoning: str = ""
    finish_reason: str = ""
    usage: Usage = NOTHING_USED

    def __post_init__(self) -> None:
        object.__setattr__(self, "content", _content(self.content))
        calls = self.tool_calls or ()
        if not isinstance(calls, Iterable) or isinstance(calls, Mapping | str | bytes):
            raise ValueError(f"The tool calls of a message are a list of calls, not {str(calls)[:80]!r}")
        object.__setattr__(self, "tool_calls", tuple(_call(call) for call in calls))

    @property
    def text(self) -> str:
        """All of its text, line by line."""
        if isinstance(self.content, str | None):
            return self.content or ""
        return "\n".join(part.text for part in self.content if isinstance(part, TextPart))

    @classmethod
    def of(cls, value: Message | Mapping[str, Any]) -> Message:
        """A message from OpenAI's form, `{"role": ..., "content": ...}`.

        Raises:
            ValueError: it has no role, or something in it is of no known kind.
        """
        if isinstance(value, Message):
            return value
        if not isinstance(value, Mapping):
            raise ValueError(f"A message is a Message or a mapping with a role, not {str(value)[:80]!r}")
        if not isinstance(value.get("role"), str):
            raise ValueError("A message needs a role")
        return cls(
            role=value["role"],
            content=value.get("content"),
            tool_calls=value.get("tool_calls") or (),
            tool_call_id=value.get("tool_call_id") or "",
            name=value.get("name") or "",
        )


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an answer.

    Attributes:
        content: more of its text.
        done: whether it is the last one; it carries no text, but what the answer took.
        reasoning: more of what the model thinks before it answers.
        finish_reason: of the last one, as in `Message`.
        usage: of the last one, in tokens.
    """

    content: str
    done: bool = False
    reasoning: str = ""
    finish_reason: str = ""
    usage: Usage = NOTHING_USED


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A model on this disk.

    Attributes:
        id: what to give as `model`.
        name: as people say it.
        path: its file; of a split set the first.
        size: of that file, in bytes.
        vision: whether it can be shown images, with the projector that lies beside it.
    """

    id: str
    name: str
    path: Path
    size: int
    provider: Provider = Provider.XLlamaCpp
    vision: bool = False


class TokenCount(int):
    """A number of tokens that says how it was counted.

    Attributes:
        exact: True where the loaded model counted, its template included; False where it was estimated without it.
    """

    exact: bool

    def __new__(cls, count: int, *, exact: bool) -> TokenCount:
        made = super().__new__(cls, count)
        made.exact = exact
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[int], dict[str, bool]]:
        return (int(self),), {"exact": self.exact}  # for copies, and for other processes

    def __repr__(self) -> str:
        return f"TokenCount({int(self)}, exact={self.exact})"

    def __str__(self) -> str:
        return str(int(self))


def _content(content: Any) -> str | tuple[Part, ...] | None:
    if isinstance(content, str | None):
        return content
    if not isinstance(content, Iterable) or isinstance(content, Mapping | bytes):
        raise ValueError(f"The content of a message is text, a list of parts or None, not {str(content)[:80]!r}")
    return tuple(_part(part) for part in content)


def _part(part: Any) -> Part:
    match part:
        case TextPart() | ImagePart() | ToolResultPart():
            return part
        case str():
            return TextPart(part)
        case {"type": "text", "text": str(text)}:
            return TextPart(text)
        case {"type": "image_url", "image_url": {"url": str(url)}} if url.startswith("data:") and ";base64," in url:
            kind, data = url.removeprefix("data:").split(";base64,", 1)
            try:
                return ImagePart(base64.b64decode("".join(data.split()), validate=True), kind)
            except ValueError as error:
                raise ValueError(f"The data of an image is no base64: {error}") from error
        case {"type": "image_url"}:
            raise ValueError(f"An image is given as a data: address with base64, not as {str(part)[:80]}")
    raise ValueError(f"A part of a message is of no known kind: {str(part)[:80]}")


def _call(call: Any) -> ToolCall:
    match call:
        case ToolCall():
            return call
        case {"function": {"name": str(name), "arguments": arguments}}:
            return with_arguments(ToolCall(call.get("id") or "", name), arguments)
    raise ValueError(f"A tool call is of no known kind: {str(call)[:80]}")


def with_arguments(call: ToolCall, arguments: Any) -> ToolCall:
    """A call with its arguments, given by name or as JSON; what a model wrote wrongly stands in `raw` and `problem`."""
    try:
        args = json.loads(arguments or "{}") if isinstance(arguments, str) else arguments
    except (ValueError, RecursionError) as error:
        return replace(call, raw=arguments, problem=f"its arguments are no JSON: {error}")
    if not isinstance(args, Mapping):
        return replace(call, raw=str(arguments), problem="its arguments are no JSON object")
    return replace(call, args=dict(args))


def requested(event: ToolCallRequested) -> ToolCall:
    """The call that an event asks for."""
    call = with_arguments(ToolCall(event.id, event.name), event.arguments)
    return replace(call, raw=event.raw or call.raw, problem=event.problem or call.problem, making=event.making)
