"""One answer on a terminal: its text on standard output, its calls on standard error, where they are also allowed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.engine.events import (
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    Speed,
    TextDelta,
    ToolAnswered,
    ToolCallRequested,
    Usage,
)
from nodetool_xl_desktop.provider.messages import call_text
from nodetool_xl_desktop.provider.values import ToolCall, requested

#: Characters of a result that are shown; the object has all of it.
_MOST_SHOWN = 2_000
_ENDS = {
    "tool_rounds": tr("The model went on calling tools, and was stopped after ten rounds."),
    "repeated_call": tr("The model only repeated a call that it had the result of, and was stopped."),
}

# Translators: what else than y and yes is taken for it on a terminal, in lower case, with spaces between
_YES = tr("y yes")
# Translators: what else than a and all is taken for it on a terminal, in lower case, with spaces between
_ALL = tr("a all")


@dataclass(slots=True)
class _Record:
    """One call: what the model said before it, and what came of it."""

    before: str
    call: ToolCall
    answer: ToolAnswered | None = None

    def to_json(self) -> dict[str, Any]:
        call, answer = self.call, self.answer
        said = {
            "before": self.before,
            "raw": call.raw,
            "problem": call.problem,
            "result": answer.text if answer else "",
            "error": answer.error if answer else "",
        }
        made = {"id": call.id, "name": call.name, "arguments": call.args, "making": call.making}
        return made | {key: value for key, value in said.items() if value}


class Shown:
    """One answer, shown as it comes.

    Args:
        allow_all: whether nobody is asked before a call.
        streams: whether the text is printed as it comes.

    Attributes:
        text: what the model has said since its last call.
        reasoning: what it thought.
        end: how the answer ended; the reason is the engine's word, or that of the loop over tools.
        error: why it failed; None where it did not.
        first_token_s: seconds from `asked` to the first of what the model said or thought.
    """

    def __init__(self, *, allow_all: bool, streams: bool) -> None:
        self.text = ""
        self.reasoning = ""
        self.end = Finished("", Usage(), Speed())
        self.error: UserFacingError | None = None
        self.first_token_s: float | None = None
        self._asked_s = time.perf_counter()
        self._allow_all = allow_all
        self._streams = streams
        self._line_is_open = False
        self._records: list[_Record] = []

    def asked(self) -> None:
        """The model is asked now."""
        self._asked_s = time.perf_counter()

    def take(self, event: Event) -> None:
        """Note one event, and show it."""
        if isinstance(event, TextDelta | ReasoningDelta | ToolCallRequested) and self.first_token_s is None:
            self.first_token_s = time.perf_counter() - self._asked_s
        match event:
            case ReasoningDelta(text):
                self.reasoning += text
            case TextDelta(text):
                self.text += text
                self._print(text)
            case ToolCallRequested():
                self.end_line()
                call = requested(event)
                self._records.append(_Record(self.text, call))
                self.text = ""
                _show(tr("Call ({making}): {call}", making=tr(call.making), call=_readable(call)))
            case ToolAnswered():
                self._answer(event)
            case Finished(reason):
                self.end = event
                if reason in _ENDS:
                    _show(_ENDS[reason])
            case Failed(error):
                self.error = error

    def _print(self, text: str) -> None:
        if self._streams:
            print(text, end="", flush=True)
            self._line_is_open = not text.endswith("\n")

    def end_line(self) -> None:
        """What comes next begins a line of its own."""
        if self._line_is_open:
            self._print("\n")

    def _answer(self, event: ToolAnswered) -> None:
        record = next(each for each in self._records if each.call.id == event.id and each.answer is None)
        record.answer = event
        if event.error:
            _show(tr("Error: {error}", error=event.error))
        elif len(event.text) > _MOST_SHOWN:
            _show(
                trn(
                    "Result: {text} ... ({count} character; all of it with --json)",
                    "Result: {text} ... ({count:,} characters; all of them with --json)",
                    len(event.text),
                    text=event.text[:_MOST_SHOWN],
                )
            )
        else:
            _show(tr("Result: {text}", text=event.text))

    async def approve(self, call: ToolCall) -> bool:
        """Whether this call may run, by the person at the terminal."""
        if self._allow_all:
            return True
        if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
            _show(tr("{name} is not run, as nobody can be asked here. Add --yes to allow calls.", name=call.name))
            return False
        _forget_typed()
        # Translators: the letters in brackets are those of "y yes" and "a all"; y and a always work
        print(tr("Run {name}? [y]es, [a]ll, [N]o: ", name=call.name), end="", file=sys.stderr, flush=True)
        line = await _line()
        if not line.endswith("\n"):  # Ctrl+D
            print(file=sys.stderr, flush=True)
        said = line.strip().lower()
        self._allow_all = said in {"a", "all", *_ALL.split()}
        return self._allow_all or said in {"y", "yes", *_YES.split()}

    def to_json(self) -> list[dict[str, Any]]:
        """Every call with what came of it, oldest first."""
        return [record.to_json() for record in self._records]


def _readable(call: ToolCall) -> str:
    return (
        tr("{raw} (cannot be used: {problem})", raw=call.raw.strip(), problem=call.problem)
        if call.problem
        else call_text(call)
    )


def _show(text: str) -> None:
    # Nothing that a model or a tool wrote may steer the terminal.
    shown = "".join(char if char.isprintable() or char in "\n\t" else repr(char)[1:-1] for char in text)
    with contextlib.suppress(OSError):  # an answer is not lost because a note cannot be written
        print(shown, file=sys.stderr, flush=True)


def _forget_typed() -> None:
    """What was typed before the question was seen is no answer to it."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - Windows only

        while msvcrt.kbhit():
            msvcrt.getwch()
    else:
        import termios  # noqa: PLC0415 - POSIX only

        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


async def _line() -> str:
    """A line of standard input; Ctrl+C is heard while nobody types.

    A thread of its own that nobody waits for: one of asyncio's would hold up the end of the program, and a reader of
    `sys.stdin` would abort it.
    """
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def settle(text: str) -> None:
        if not line.done():
            line.set_result(text)

    def read() -> None:
        text = os.read(0, 4096).decode(errors="replace")
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, text)

    threading.Thread(target=read, daemon=True, name="terminal").start()
    return await line
