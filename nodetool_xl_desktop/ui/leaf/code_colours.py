"""When the colours of a block of code are looked for: a slice at a time, while nothing else is to be done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from weakref import WeakMethod

from PySide6.QtCore import QTimer

from nodetool_xl_desktop.markdown.leaves import Code
from nodetool_xl_desktop.ui.leaf import highlighting
from nodetool_xl_desktop.ui.leaf.highlighting import Highlighter

#: Seconds of the window's thread at once.
SLICE_S = 0.004
#: Milliseconds between two slices.
PAUSE_MS = 8
#: Letters that are coloured beyond what is shown.
AHEAD = 200


class Colours:
    """The colours of one block.

    Args:
        code: as it is now.
        tell: hears from which offset on there are new ones.
    """

    def __init__(self, code: Code, tell: Callable[[int], None]) -> None:
        self._code = code
        self._tell = WeakMethod(tell)  # a block that is dropped falls silent at once
        self._wanted = 0
        self._is_behind = False  # it grew, and was not looked at since
        self._shown: Highlighter | None = None  # what is asked for spans
        self._working: Highlighter | None = None
        self._timer: QTimer | None = None

    def want(self, until: int) -> int | None:
        """Colour up to an offset; the first lines at once, where the language was met before.

        Returns:
            from which offset on there are other colours now; None for none.
        """
        if until <= self._wanted and not self._is_behind:
            return None
        self._is_behind = False
        self._wanted = max(self._wanted, until + AHEAD)
        language = self._code.language
        if not highlighting.is_loaded(language):
            if self._timer is None:
                threading.Thread(target=highlighting.load_lexer, args=(language,), daemon=True, name="lexer").start()
            self._go_on()
            return None
        if not self._begin() or self._working is None:
            return None
        before = self._working.resume
        if not self._work() or self._working is not self._shown:
            self._go_on()
        return before if self._working is self._shown else None

    @property
    def is_settled(self) -> bool:
        """Whether nothing is being coloured."""
        return self._timer is None or not self._timer.isActive()

    def grow(self, code: Code) -> None:
        """The code is this now, the one before with more at its end."""
        was_closed, self._code, self._is_behind = self._code.closed, code, True
        if self._working is None:
            return
        if code.closed and not was_closed:
            # What was coloured piece by piece may differ a little from what the whole is.
            self._working = Highlighter(self._working.lexer, code.text)
        else:
            self._working.grow(code.text)

    def spans(self, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        """What is coloured between two offsets."""
        return self._shown.spans(start, end) if self._shown is not None else iter(())

    def _begin(self) -> bool:
        """Whether there is something to be done."""
        if self._working is None and (lexer := highlighting.known_lexer(self._code.language)) is not None:
            self._shown = self._working = Highlighter(lexer, self._code.text)
        return self._working is not None

    def _go_on(self) -> None:
        if self._timer is None:
            self._timer, slice_ = QTimer(), WeakMethod(self._slice)
            self._timer.setSingleShot(True)
            self._timer.timeout.connect(lambda: (each := slice_()) and each())
        if not self._timer.isActive():
            self._timer.start(PAUSE_MS)

    def _slice(self) -> None:
        if not highlighting.is_loaded(self._code.language):
            self._go_on()
            return
        if not self._begin() or self._working is None:
            return
        before = self._working.resume
        is_done = self._work()
        if self._working is self._shown or is_done:
            if self._working is not self._shown:
                self._shown, before = self._working, 0
            if (tell := self._tell()) is not None:
                tell(before)
        if not is_done:
            self._go_on()

    def _work(self) -> bool:
        return self._working is not None and self._working.work(self._wanted, SLICE_S)
