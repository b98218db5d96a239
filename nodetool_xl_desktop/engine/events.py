"""What happens while a model answers, as values.

A failure is an event too: it never reaches the window as an exception.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import mark

#: How a tool call came to be: by the model's template; as text, as the model was told to; as text from a model that has
#: a form of its own; by a grammar.
Making = Literal["native", "emulated", "rescued", "forced"]
#: The same as a person reads it: `tr(call.making)`.
MAKINGS = (mark("native"), mark("emulated"), mark("rescued"), mark("forced"))


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of what the model thinks before it answers."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallRequested:
    """The model wants a tool called.

    Attributes:
        id: the engine's name for this call.
        name: the tool's.
        arguments: a JSON object as text.
        raw: the text that it was read from, where the model wrote it as text.
        problem: why it is not valid; empty where it is.
        making: how it came to be.
    """

    id: str
    name: str
    arguments: str
    raw: str = ""
    problem: str = ""
    making: Making = "native"


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A call may run, and runs now.

    Attributes:
        id: of the call.
        arguments: a JSON object as text: what it runs with, where a person changed that; empty where nobody did.
    """

    id: str
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    """A tool that the model called has answered; the model goes on from there.

    Attributes:
        id: of the call.
        name: the tool's.
        text: the result as the model reads it.
        error: why there is none; empty where there is one.
        image: the file's bytes, where the result is a picture.
        media_type: of the image, such as `image/png`.
        denied: whether a person did not allow it; `error` says so.
        ms: how long it ran, in milliseconds.
    """

    id: str
    name: str
    text: str
    error: str = ""
    image: bytes = field(default=b"", repr=False)
    media_type: str = ""
    denied: bool = False
    ms: int = 0


@dataclass(frozen=True, slots=True)
class PromptProgress:
    """How far the engine is in reading the prompt, in tokens; `cached` of `total` need no reading."""

    processed: int
    total: int
    cached: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request: all of the prompt, those of it that were remembered, and those of the answer."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Speed:
    """The engine's own measurement, in tokens per second; 0 where there was nothing to measure."""

    prompt_tokens_per_s: float = 0.0
    decode_tokens_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is complete.

    Attributes:
        reason: the engine's word: `stop` (by itself), `length` (Max Tokens or the context was reached) or `tool_calls`;
            of a loop over tools also what ended it (`provider.tool_loop`).
    """

    reason: str
    usage: Usage
    speed: Speed


@dataclass(frozen=True, slots=True)
class Failed:
    """The answer ended in the middle, or never began; what came before it stays."""

    error: UserFacingError


Event = TextDelta | ReasoningDelta | ToolCallRequested | ToolStarted | ToolAnswered | PromptProgress | Finished | Failed


class EventStream(Protocol):
    """The events of one answer; `aclose` stops it."""

    def __aiter__(self) -> AsyncIterator[Event]: ...

    async def aclose(self) -> None: ...
