"""What a server says of itself, kept so that a person can find out what is wrong with it.

It is bounded in lines, in the length of a line and in lines a second, and holds no secret of the settings: servers like
to print what they were started with.
"""

from __future__ import annotations

import codecs
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nodetool_xl_desktop.tools.mcp.redaction import Redactor

LINES_KEPT = 1_000
LONGEST_LINE = 2_000
#: Lines a second beyond which the rest of that second is only counted.
MOST_LINES_A_SECOND = 200

#: The sequences that colour a terminal, and every other control character but the tabulator.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)|.)?")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class LogKind(StrEnum):
    """Who says it."""

    NOTE = "note"
    ERROR = "error"
    STDERR = "stderr"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line."""

    at: datetime
    kind: LogKind
    text: str


class ServerLog:
    """The log of one server; any thread may write it and read it.

    Args:
        redactor: takes the secrets out.
        grown: is called after lines were added, in the thread that added them.
    """

    def __init__(self, redactor: Redactor, grown: Callable[[], None] = lambda: None) -> None:
        self.redactor = redactor
        self._grown = grown
        self._lines: deque[LogLine] = deque(maxlen=LINES_KEPT)
        self._lock = threading.Lock()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._partial = ""
        self._second = 0
        self._in_second = 0
        self._dropped = 0

    @property
    def lines(self) -> tuple[LogLine, ...]:
        """What is kept, oldest first."""
        with self._lock:
            return tuple(self._lines)

    @property
    def last_words(self) -> str:
        """The last line that the server wrote to its standard error; "" where there is none."""
        with self._lock:
            return next((line.text for line in reversed(self._lines) if line.kind is LogKind.STDERR), "")

    def note(self, text: str) -> None:
        """Say what the program does with the server."""
        self.add(LogKind.NOTE, text)

    def error(self, text: str) -> None:
        """Say what went wrong."""
        self.add(LogKind.ERROR, text)

    def add(self, kind: LogKind, text: str) -> None:
        """Add what may be several lines."""
        for line in text[: LONGEST_LINE * 20].splitlines() or [""]:
            self._add(kind, line)
        self._grown()

    def feed(self, data: bytes) -> None:
        """Take what came from standard error; a line that is not ended yet waits for its end."""
        text = self._partial + self._decoder.decode(data)
        *lines, self._partial = text.split("\n")
        if len(self._partial) > LONGEST_LINE:
            lines.append(self._partial)
            self._partial = ""
        for line in lines:
            self._add(LogKind.STDERR, line.rstrip("\r"))
        if lines:
            self._grown()

    def end(self) -> None:
        """Standard error has ended: what waits for its line's end is a line."""
        if self._partial:
            self._add(LogKind.STDERR, self._partial)
            self._partial = ""
            self._grown()

    def _add(self, kind: LogKind, text: str) -> None:
        if kind in (LogKind.STDERR, LogKind.PROTOCOL) and not self._has_room():
            return
        plain = _CONTROLS.sub("", _ESCAPES.sub("", text[: 2 * LONGEST_LINE]))
        clean = self.redactor.clean(plain)
        if len(clean) > LONGEST_LINE:
            clean = f"{clean[:LONGEST_LINE]}..."
        with self._lock:
            self._lines.append(LogLine(datetime.now().astimezone(), kind, clean))

    def _has_room(self) -> bool:
        with self._lock:
            second = int(time.monotonic())
            if second != self._second:
                if self._dropped:
                    text = f"({self._dropped:,} more lines came too fast and were not kept)"
                    self._lines.append(LogLine(datetime.now().astimezone(), LogKind.NOTE, text))
                self._second, self._in_second, self._dropped = second, 0, 0
            self._in_second += 1
            if self._in_second > MOST_LINES_A_SECOND:
                self._dropped += 1
                return False
            return True
