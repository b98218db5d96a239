"""A short title for a chat, asked of the model that answers it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence

from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.events import EventStream, Failed, TextDelta
from nodetool_xl_desktop.provider import values

#: What is asked after the chat as it stands: so the engine has read all that comes before it already.
INSTRUCTION = "Give this conversation a title of three to six words. Answer with the title alone."
#: Few enough that a model which does not stop is soon over; deterministic, as a title is no place for fancy.
SAMPLING = Sampling(temperature=0, max_tokens=24, stop=("\n\n",))
#: The longest title that is taken, in letters and in words: what is longer is no title but an answer.
LONGEST, MOST_WORDS = 60, 9

_TAGGED = re.compile(r"<think>.*?(</think>|$)", re.DOTALL)
_PREFIX = re.compile(r"^(?:#+\s*|\*\*|title\s*:\s*|[-*]\s+)+", re.IGNORECASE)
_AROUND = " \t\"'`*_“”‘’«».:"  # noqa: RUF001 - the quotation marks that models write


async def ask_title(turns: Sequence[values.Message], ask: Callable[[Sequence[values.Message]], EventStream]) -> str:
    """Ask for a title; empty where the model gave none that is one.

    Args:
        turns: the chat as the model was sent it last, with its answer at the end.
        ask: asks the model, with `SAMPLING`.
    """
    said: list[str] = []
    async with contextlib.aclosing(ask([*turns, values.Message("user", INSTRUCTION)])) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                said.append(event.text)
            elif isinstance(event, Failed):
                return ""
    return as_title("".join(said))


def turns_with(system: str, turns: Sequence[values.Message]) -> list[values.Message]:
    """Turns as the model was sent them, which it therefore has read already."""
    return [values.Message("system", system), *turns] if system else list(turns)


def as_title(said: str) -> str:
    """What a model said as a title; empty where it is none: too long, or several lines of prose."""
    lines = [line.strip() for line in _TAGGED.sub("", said).splitlines() if line.strip()]
    if not lines:
        return ""
    title = " ".join(_PREFIX.sub("", lines[0]).strip(_AROUND).split())
    printable = "".join(letter for letter in title if letter.isprintable())
    return printable if len(printable) <= LONGEST and len(printable.split()) <= MOST_WORDS else ""
