"""Reasoning that the engine did not know for such: tags around the beginning of an answer.

The engine takes out what a model's own template shows it (measured with version 2026.10 of it: `<think>` where the
template writes `</think>`, whatever opened it). A model that was trained on other tags, or got a template that says
nothing of them, writes them as text.

Only what an answer begins with is taken for one, so that neither code nor a sentence about such a tag is.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator
from dataclasses import replace

from nodetool_xl_desktop.engine.events import Event, Failed, Finished, ReasoningDelta, TextDelta, ToolCallRequested
from nodetool_xl_desktop.gguf.template import REASONING_TAGS

#: What opens reasoning, in small letters, and what closes it.
TAGS = REASONING_TAGS
#: What may stand between reasoning and answer, and belongs to neither.
_BETWEEN = "<|start|>assistant<|channel|>final<|message|>"
#: So much white space before anything else is an answer.
_MOST_SPACE = 256
_INSIDE = "it stands inside the reasoning"


def opened_by(prompt: str) -> str:
    """What closes the reasoning that the end of a prompt opens; empty where it opens none."""
    end = prompt.rstrip().lower()
    return next((close for tag, close in TAGS.items() if end.endswith(tag)), "")


class Splitter:
    """Takes an answer's text as it comes.

    Args:
        close: what closes the reasoning that the prompt opened already; empty where it opened none.
    """

    def __init__(self, close: str = "") -> None:
        self._close = close
        self._is_begun = False  # what comes now is the answer
        self._has_thought = False
        self._held = ""

    @property
    def is_inside(self) -> bool:
        """Whether reasoning is open."""
        return bool(self._close)

    def feed(self, text: str) -> list[Event]:
        """What this adds to the reasoning and to the answer; what may be part of a tag is held back."""
        self._held += text
        out: list[Event] = []
        while not self._is_begun:
            said = self._inside() if self._close else self._before()
            if said is None:
                return out
            out += said
        if self._held:
            out.append(TextDelta(self._held))
            self._held = ""
        return out

    def finish(self) -> list[Event]:
        """What was held back, at the end of the text."""
        held, self._held = self._held, ""
        if not held or (self._has_thought and not self._close and not held.strip()):
            return []
        return [ReasoningDelta(held) if self._close else TextDelta(held)]

    def _inside(self) -> list[Event] | None:
        """Up to the end of the reasoning; None where more has to come first."""
        found = re.search(re.escape(self._close), self._held, re.IGNORECASE)
        if found is not None:
            said, self._held = self._held[: found.start()], self._held[found.end() :]
            self._close, self._has_thought = "", True
            return [ReasoningDelta(said)] if said else []
        kept = _held_back(self._held, self._close)
        said, self._held = self._held[: len(self._held) - kept], self._held[len(self._held) - kept :]
        if said:
            self._has_thought = True
            return [ReasoningDelta(said)]
        return None

    def _before(self) -> list[Event] | None:
        """What the answer begins with; None where more has to come first."""
        if self._has_thought:
            self._held = self._held.lstrip()
            if self._held.startswith(_BETWEEN):
                self._held = self._held[len(_BETWEEN) :]
                self._is_begun = True
                return []
        begins = self._held.lstrip()
        if not begins and len(self._held) <= _MOST_SPACE:
            return None
        if len(self._held) - len(begins) > _MOST_SPACE:
            self._is_begun = True
            return []
        for tag, close in TAGS.items():
            if begins[: len(tag)].lower() == tag:
                self._close, self._held = close, begins[len(tag) :]
                return []
        longest = max(map(len, [*TAGS, _BETWEEN]))
        small = begins[:longest].lower()
        if begins and len(begins) < longest and any(tag.startswith(small) for tag in (*TAGS, _BETWEEN.lower())):
            return None
        self._is_begun = True
        return []


def _held_back(text: str, close: str) -> int:
    """How many letters at the end may be the beginning of what closes."""
    most = min(len(text), len(close) - 1)
    return next((size for size in range(most, 0, -1) if text[-size:].lower() == close[:size]), 0)


async def split(events: AsyncGenerator[Event, None], close: str = "") -> AsyncGenerator[Event, None]:
    """The events of an answer with its reasoning taken out of the text. What the engine took out by itself stays.

    A call that the engine found while reasoning was open is passed on as one that is not valid: it is never run.

    Args:
        events: of one answer of the engine.
        close: as in `Splitter`.
    """
    splitter = Splitter(close)
    async with contextlib.aclosing(events):
        try:
            async for event in events:
                if isinstance(event, TextDelta):
                    for each in splitter.feed(event.text):
                        yield each
                    continue
                was_inside = splitter.is_inside
                if isinstance(event, ToolCallRequested | Finished | Failed):
                    for each in splitter.finish():
                        yield each
                if isinstance(event, ToolCallRequested) and was_inside and not event.problem:
                    yield replace(event, problem=_INSIDE, raw=event.raw or f"{event.name}({event.arguments})")
                else:
                    yield event
        except asyncio.CancelledError:  # its time is up: what was held back has been written all the same
            for each in splitter.finish():
                yield each
            raise
