"""One conversation: its messages, and the one way an answer gets into them.

An answer that is stopped or that fails stays as far as it came, is sent along with the next question, and is never
removed.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.events import (
    Event,
    EventStream,
    Failed,
    Finished,
    PromptProgress,
    ReasoningDelta,
    Speed,
    TextDelta,
    ToolAnswered,
    Usage,
)
from nodetool_xl_desktop.provider import values

#: Asks a model to go on from these messages: `provider.stream`, with the model and all that is asked of it.
Ask = Callable[[Sequence[values.Message]], EventStream]


class Outcome(StrEnum):
    """How far a message is."""

    WAITING = "waiting"  # sent; nothing has come back yet
    STREAMING = "streaming"
    COMPLETE = "complete"
    CUT = "cut"  # the limit of tokens was reached
    STOPPED = "stopped"  # by the person
    FAILED = "failed"


@dataclass(slots=True)
class Message:
    """One turn. An answer grows while it streams.

    Attributes:
        author: the model's name for an answer, empty else.
        error: why it failed.
        first_token_s: seconds from sending to the first token.
        last_token_s: the same to the last one that has come.
        pieces: in how many deltas it came; about as many tokens, where the engine did not get to count them.
    """

    role: Literal["system", "user", "assistant"]
    text: str = ""
    reasoning: str = ""
    author: str = ""
    outcome: Outcome = Outcome.COMPLETE
    error: UserFacingError | None = None
    usage: Usage = field(default_factory=Usage)
    speed: Speed = field(default_factory=Speed)
    progress: PromptProgress | None = None
    first_token_s: float | None = None
    last_token_s: float = 0.0
    pieces: int = 0

    @property
    def tokens_per_s(self) -> float:
        """The engine's own measurement; of an answer that was cut off, what could be seen of it; 0 for neither."""
        if self.speed.decode_tokens_per_s or self.first_token_s is None or self.pieces < 2:
            return self.speed.decode_tokens_per_s
        return (self.pieces - 1) / max(self.last_token_s - self.first_token_s, 1e-6)

    @property
    def is_open(self) -> bool:
        """Whether more of it may come."""
        return self.outcome in (Outcome.WAITING, Outcome.STREAMING)


class ChatSession:
    """The messages of one chat, oldest first."""

    def __init__(self, system: str = "") -> None:
        self.messages: list[Message] = [Message("system", system)] if system else []

    def send(self, text: str, ask: Ask, *, author: str = "") -> AsyncGenerator[Event, None]:
        """Ask, and fold what comes back into a new answer at the end of `messages`.

        The question and the empty answer are there when this returns; nothing of them waits for the engine. Closing the
        iterator, or cancelling the task that reads it, stops the engine and keeps what has come.

        Args:
            text: the question.
            ask: asks the model.
            author: the model's name, kept with the answer.
        """
        self.messages.append(Message("user", text))
        history = self._history()
        answer = Message("assistant", author=author, outcome=Outcome.WAITING)
        self.messages.append(answer)
        return self._answer(ask(history), answer)

    def settle(self) -> None:
        """Nobody reads an answer any longer: one that is still open was stopped."""
        for message in self.messages:
            if message.is_open:
                message.outcome = Outcome.STOPPED

    async def _answer(self, events: EventStream, answer: Message) -> AsyncGenerator[Event, None]:
        started = time.perf_counter()
        try:
            async with contextlib.aclosing(events):
                async for event in events:
                    _fold(event, answer, time.perf_counter() - started)
                    yield event
        except Exception:  # a bug, which is told as one; the answer was not stopped by the person
            answer.outcome = Outcome.FAILED
            raise
        finally:
            self.settle()

    def _history(self) -> list[values.Message]:
        """What the engine is sent: turns that failed before their first word are left out with their question.

        Otherwise two questions would stand beside each other, which many chat templates refuse.
        """
        turns = [message for message in self.messages if message.text]
        return [
            values.Message(turn.role, turn.text)
            for turn, after in zip(turns, [*turns[1:], None], strict=False)
            if after is None or turn.role != "user" or after.role != "user"
        ]


def _fold(event: Event, answer: Message, elapsed_s: float) -> None:
    """Take one event into the answer."""
    match event:
        case TextDelta(text):
            answer.text += text
        case ReasoningDelta(text):
            answer.reasoning += text
        case PromptProgress():
            answer.progress = event
            return
        case Finished(reason, usage, speed):
            answer.outcome = Outcome.CUT if reason == "length" else Outcome.COMPLETE
            answer.usage, answer.speed = usage, speed
            return
        case Failed(error):
            answer.outcome, answer.error = Outcome.FAILED, error
            return
        case ToolAnswered():  # nothing that the model said
            return
    answer.pieces += 1
    answer.last_token_s = elapsed_s
    if answer.first_token_s is None:
        answer.first_token_s = elapsed_s
        answer.outcome = Outcome.STREAMING
