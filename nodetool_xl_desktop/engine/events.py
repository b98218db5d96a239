"""What happens while a model answers, as values.

A failure is an event too: it never reaches the window as an exception.
"""

from __future__ import annotations

from dataclasses import dataclass

from nodetool_xl_desktop.core.errors import UserFacingError


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of what the model thinks before it answers."""

    text: str


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
        reason: the engine's word: `stop` (by itself) or `length` (Max Tokens or the context was reached).
    """

    reason: str
    usage: Usage
    speed: Speed


@dataclass(frozen=True, slots=True)
class Failed:
    """The answer ended in the middle, or never began; what came before it stays."""

    error: UserFacingError


Event = TextDelta | ReasoningDelta | PromptProgress | Finished | Failed
