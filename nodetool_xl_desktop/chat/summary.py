"""A summary of turns that no longer fit, written by the model itself, piece by piece where they are too long for it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nodetool_xl_desktop.chat.context import Meter
from nodetool_xl_desktop.chat.fitting import Cut, summary_tokens, written
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.events import EventStream, Failed, TextDelta
from nodetool_xl_desktop.provider import values

#: Asks the model for an answer of at most so many tokens: `provider.stream`, without tools and without the chat's own
#: system prompt.
AskBriefly = Callable[[Sequence[values.Message], int], EventStream]

NO_SUMMARY = tr("The summary could not be made")
_HINT = tr("Drop the oldest turns instead, or load the model with a larger Context Length.")
_TASK = """\
Summarise the conversation below for whoever goes on with it. Keep names, numbers, facts, decisions, what the user \
wants and what is still open. Write plain sentences, at most {words} words, and nothing else."""
_GO_ON = "A summary of what was said before it, which has to be part of yours:"
_NAMES = {"user": "User", "assistant": "Assistant", "tool": "Result of a tool"}
#: What goes around a summary when it is sent, in tokens.
_AROUND = 16
#: No token of a text is longer on the average, in characters: so much text at a time is looked at.
_LONGEST_TOKEN = 8
#: Of a piece that is cut, a break of lines or words is looked for in so much of its end.
_LOOK_BACK = 0.25
_SENTENCE_END = re.compile(r".*[.!?\u3002\uff01\uff1f](?=\s|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of the text the model has read, in characters."""

    done: int
    whole: int


async def summarise(
    cut: Cut,
    meter: Meter,
    ask: AskBriefly,
    context: int,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
) -> str:
    """Have turns summarised in at most `fitting.summary_tokens`. Cancelling it stops the engine.

    Args:
        cut: the turns, and the summary of those before them, which becomes part of the new one.
        meter: counts.
        ask: asks the model.
        context: what one chat gets, in tokens.
        on_progress: hears of each piece that was read.

    Raises:
        UserFacingError: the model failed, or had nothing to say.
    """
    turns = await meter.turns(cut.messages, None)
    rest = "\n\n".join(f"{_NAMES.get(turn.role, turn.role)}: {written(turn)}" for turn in turns)
    most = max(_AROUND, summary_tokens(context) - _AROUND)
    # A model that thinks first needs room for that, too.
    answer = max(most, context // 4)
    summary, whole = cut.before, len(rest)
    while rest:
        on_progress(Progress(whole - len(rest), whole))
        question = _question(summary, most)
        room = context - answer - (await meter.count([values.Message("user", question)])).tokens
        piece, rest = await _first_piece(rest, room, meter)
        summary = await _answer(ask([values.Message("user", f"{question}\n\n{piece}")], answer))
        summary = await _shortened(summary, most, meter)
    return summary


def _question(summary: str, most: int) -> str:
    task = _TASK.format(words=max(10, most // 2))
    return f"{task}\n\n{_GO_ON}\n\n{summary}\n\nConversation:" if summary else f"{task}\n\nConversation:"


async def _first_piece(text: str, room: int, meter: Meter) -> tuple[str, str]:
    """As much of the beginning as has room, and the rest."""
    end = min(len(text), max(0, room) * _LONGEST_TOKEN)
    while end > 0:
        piece = text[:end]
        size = await meter.size(piece)
        if size <= room:
            return piece, text[end:]
        end = _break_before(text, min(end - 1, end * room // size))
    raise UserFacingError(NO_SUMMARY, tr("the context has no room for any of the turns"), _HINT)


def _break_before(text: str, end: int) -> int:
    """Where to cut a text, at most here: at the end of a line, else of a word, else in the middle of one."""
    least = int(end * (1 - _LOOK_BACK))
    for mark in ("\n", " "):
        at = text.rfind(mark, least, end)
        if at > 0:
            return at
    return end


async def _answer(events: EventStream) -> str:
    text: list[str] = []
    async with contextlib.aclosing(events):
        async for event in events:
            if isinstance(event, Failed):
                raise UserFacingError(NO_SUMMARY, event.error.what, event.error.hint or _HINT)
            if isinstance(event, TextDelta):
                text.append(event.text)
    said = "".join(text).strip()
    if not said:
        raise UserFacingError(NO_SUMMARY, tr("the model had nothing to say"), _HINT)
    return said


async def _shortened(text: str, most: int, meter: Meter) -> str:
    """A text in at most so many tokens, cut behind a sentence where it has one."""
    size = await meter.size(text)
    while size > most:
        cut = text[: max(1, min(len(text) - 1, len(text) * most // size))]
        sentence = _SENTENCE_END.match(cut)
        text = (sentence.group() if sentence and len(sentence.group()) > len(cut) // 2 else cut).strip()
        size = await meter.size(text)
    return text
