"""What a card says of a tool call, as plain values: how it stands, its arguments line by line, how it was made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any

from nodetool_xl_desktop.chat.calls import Live, Standing
from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import mark, tr
from nodetool_xl_desktop.store.parts import ToolAnswer, ToolUse
from nodetool_xl_desktop.store.records import Message, State
from nodetool_xl_desktop.ui.leaf.odd_letters import visible
from nodetool_xl_desktop.ui.transcript.answer_parts import CallPiece

#: Arguments longer than this are shown as they were written, in letters: they are read in the window's thread.
READ = 50_000
#: So many arguments are shown by name, each of at most so many letters; else the JSON is, which says what it lacks.
MOST_ROWS, MOST_VALUE = 24, 20_000
#: Of the line in the head of a card, in letters.
SUMMARY = 200

MAKINGS = {
    "native": tr("The model wrote this call in the form that its own template has for it."),
    "emulated": tr("The model has no form for calls: it was told in words how to write one, and did."),
    "rescued": tr("The model wrote this call as text, in a form that the engine did not read; it was read from there."),
    "forced": tr("The model was held to a valid call by a grammar."),
}


class Stand(Enum):
    """Where a call is: what is said of it, the token it is coloured with, and its icon."""

    WAITING = (mark("Waiting for you"), "warning", "hand-palm")
    RUNNING = (mark("Running"), "muted", "")
    COMING = (mark("Not started yet"), "muted", "")
    DONE = (mark("Done"), "accent", "check")
    FAILED = (mark("Failed"), "bad", "warning-circle")
    INVALID = (mark("Not a valid call"), "bad", "warning-circle")
    DENIED = (mark("Not allowed"), "muted", "prohibit")
    STOPPED = (mark("Stopped"), "muted", "stop-circle")
    UNANSWERED = (mark("Not answered"), "muted", "minus-circle")

    @property
    def is_open(self) -> bool:
        """Whether something is still to come of it."""
        return self in (Stand.WAITING, Stand.RUNNING, Stand.COMING)


def stand_of(piece: CallPiece, message: Message, live: Live | None) -> Stand:
    """How it stands with a call.

    Args:
        piece: the call, with its answer where there is one.
        message: the answer that it stands in.
        live: what is known of it while it waits or runs.
    """
    if piece.answer is not None:
        return _stand_of_answer(piece.answer)
    if live is not None:
        return Stand.WAITING if live.standing is Standing.WAITING else Stand.RUNNING
    if piece.call is not None and piece.call.problem:
        return Stand.INVALID
    if message.is_open:
        return Stand.COMING
    return Stand.STOPPED if message.state is State.STOPPED else Stand.UNANSWERED


def _stand_of_answer(answer: ToolAnswer) -> Stand:
    if answer.denied:
        return Stand.DENIED
    if answer.error:
        return Stand.STOPPED if was_stopped(answer) else Stand.FAILED
    return Stand.DONE


def was_stopped(answer: ToolAnswer) -> bool:
    """Whether a person stopped it while it ran, as the tool loop words that."""
    return "stopped by the person" in answer.error[:200]


def words_of(stand: Stand, piece: CallPiece, message: Message, running_s: float | None = None) -> str:
    """How it stands, in the head of its card."""
    ms = piece.answer.ms if piece.answer is not None else 0
    match stand:
        case Stand.DONE:
            return took(ms) if ms else tr("Done")
        case Stand.RUNNING:
            seconds = int((running_s or 0) + 0.1)  # a timer of one second may come a little early
            return tr("Running {seconds} s", seconds=seconds) if seconds else tr("Running ...")
        case Stand.FAILED | Stand.STOPPED if ms:
            return tr("{stand} after {time}", stand=tr(stand.value[0]), time=took(ms))
        case Stand.UNANSWERED if message.state is State.COMPLETE:
            return tr("No result here")  # it stands in another message, as in a chat that comes from elsewhere
        case Stand.UNANSWERED if message.state is State.INTERRUPTED:
            return tr("Not answered: the program ended")
    return tr(stand.value[0])


def took(ms: int) -> str:
    """A time: "4 ms", "1.20 s", "3 min 20 s"."""
    return tr("{ms} ms", ms=ms) if ms < 1000 else units.seconds(ms / 1000)


@dataclass(frozen=True, slots=True)
class Row:
    """One argument: its name, and its value as it is read; one of several lines, or a long one, is drawn as code."""

    name: str
    value: str
    is_long: bool


def rows_of(arguments: str) -> list[Row] | None:
    """The arguments one by one; None where they are no JSON object, or more than can be shown so: nobody should allow
    what is not there to be read."""
    said = _read(arguments)
    if not isinstance(said, dict) or len(said) > MOST_ROWS:
        return None
    rows = []
    for name, value in said.items():
        text = value if isinstance(value, str) and value.strip() else pretty(value)  # "" is something to be seen, too
        if len(text) > MOST_VALUE:
            return None
        rows.append(Row(name, text, "\n" in text or len(text) > 60))
    return rows


def summary_of(arguments: str) -> str:
    """The arguments on one line, for the head of a card."""
    said = _read(arguments)
    if isinstance(said, dict):
        # As the model wrote it: a string in its quotes, so that it is told apart from a number.
        words = ", ".join(f"{name} = {_short(value)}" for name, value in list(said.items())[:MOST_ROWS])
    else:
        words = arguments[: 2 * SUMMARY]
    line = visible(" ".join(words[: 4 * SUMMARY].split()), code=True)[0]
    return line if len(line) <= SUMMARY else f"{line[: SUMMARY - 1]}…"


def indented(arguments: str) -> str:
    """The arguments as JSON of several lines; as they are where they are none, or too long to be read here."""
    said = _read(arguments)
    return pretty(said) if isinstance(said, dict) else arguments


def pretty(value: Any) -> str:
    """A value as JSON of several lines; letters that are not seen, or that turn a line around, as JSON escapes them."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    letters = list(text)
    for at in visible(text, code=True)[1]:
        letters[at] = json.dumps(text[at])[1:-1]
    return "".join(letters)


def ran_with(call: ToolUse) -> str:
    """The arguments that count: as a person changed them, or as the model wrote them."""
    return call.edited or call.arguments


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SUMMARY else f"{text[:SUMMARY]}…"


def _read(arguments: str) -> Any:
    if len(arguments) > READ:
        return None
    try:
        return json.loads(arguments or "{}")
    except (ValueError, RecursionError):  # a model wrote it
        return None
