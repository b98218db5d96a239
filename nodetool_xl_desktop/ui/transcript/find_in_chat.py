"""Keeps the find bar, what it found, and the marks in the transcript together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from PySide6.QtCore import QObject, QTimer

from nodetool_xl_desktop.store.records import Message
from nodetool_xl_desktop.ui.transcript.find_bar import FindBar
from nodetool_xl_desktop.ui.transcript.find_hits import Hits

#: The window is never held up longer than this by looking.
SLICE_S = 0.006


class Sought(Protocol):
    """What is looked through: the transcript."""

    @property
    def messages(self) -> Sequence[Message]: ...

    @property
    def first_seen_index(self) -> int: ...

    def mark_hits(self, sought: str, current: tuple[int, int] | None) -> None: ...

    def show_hit(self, index: int, hit: int) -> None: ...


class FindInChat(QObject):
    """Looks for what is typed, goes to the hit nearest below what is seen, and steps from there.

    Args:
        bar: where it is typed.
        chat: what is looked through.
    """

    def __init__(self, bar: FindBar, chat: Sought) -> None:
        super().__init__(bar)
        self._bar = bar
        self._chat = chat
        self._hits: Hits | None = None
        self._text = ""
        self._start = 0
        self._at: tuple[int, int] | None = None  # the message of the hit that one is at, and which of its hits it is
        self._goes = False  # to the first hit, once it is found
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._look)
        bar.sought.connect(self._seek)
        bar.step_requested.connect(self.step)
        bar.closed.connect(self._end)

    @property
    def is_open(self) -> bool:
        """Whether the bar is shown."""
        return not self._bar.isHidden()

    @property
    def text(self) -> str:
        """What is looked for; empty for nothing."""
        return self._text if self.is_open else ""

    @property
    def current(self) -> tuple[int, int] | None:
        """The message of the hit that one is at, and which of its hits it is; None at none."""
        return self._at

    def chat_changed(self) -> None:
        """The messages are others: look again, and leave the reader where they are."""
        if self.is_open:
            self._hits = None
            self._start = self._chat.first_seen_index
            self._begin(go=False)

    def message_changed(self, index: int) -> None:
        """One message says something else now."""
        if self._hits is None or not self._text or not self._hits.is_done:
            return
        self._hits.look_again(index)
        if self._at is not None and self._at[0] == index:
            self._at = self._hits.clamped(*self._at)
        self._tell()

    def step(self, by: int) -> None:
        """Go so many hits further, round about at the ends."""
        if self._hits is None or not (total := self._hits.total):
            return
        number = -1 if self._at is None else self._hits.number_of(*self._at)
        self._at = self._hits.at((number + by) % total)
        self._go()

    def go_again(self) -> None:
        """Go to the hit that one is at: it is drawn now."""
        self._go()

    def _seek(self, text: str) -> None:
        self._start = self._chat.first_seen_index if self._at is None else self._at[0]
        self._text = text
        self._begin(go=True)

    def _begin(self, *, go: bool) -> None:
        self._hits = Hits(self._chat.messages, self._text, self._start, self._hits)
        self._at, self._goes = None, go
        self._look()
        if not self._hits.is_done:
            self._timer.start()

    def _look(self) -> None:
        hits = self._hits
        if hits is None or hits.is_done or hits.look(SLICE_S):
            self._timer.stop()
        if hits is not None and self._at is None and hits.total:
            self._at = hits.at(hits.number_from(self._start))
            if self._goes:
                self._go()
                return
        self._tell()

    def _go(self) -> None:
        if self._at is not None:
            self._chat.show_hit(*self._at)
        self._tell()

    def _tell(self) -> None:
        hits = self._hits
        if hits is not None:
            number = None if self._at is None else hits.number_of(*self._at)
            self._bar.show_count(number, hits.total, done=hits.is_done)
        self._chat.mark_hits(self._text, self._at)

    def _end(self) -> None:
        self._timer.stop()
        self._hits, self._at, self._text = None, None, ""
        self._chat.mark_hits("", None)
