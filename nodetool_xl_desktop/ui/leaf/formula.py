"""Formulas as vectors: drawn once for each source by a process of its own, painted in any colour and at any size.

What cannot be drawn is shown as its source, with the reason. While it is being drawn its place is kept, about as large
as it will be.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakMethod, finalize

from PySide6.QtCore import QByteArray, QObject, QPointF, QRectF, QTimer, Signal
from PySide6.QtGui import QColor, QPainter

from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.markdown.formula_drawing import INK, WIDEST
from nodetool_xl_desktop.ui.leaf.formula_child import FormulaChild
from nodetool_xl_desktop.ui.theme import Theme

if TYPE_CHECKING:
    from PySide6.QtSvg import QSvgRenderer

#: Letters; a longer source is shown as it is.
LONGEST = 2000
#: How many drawings are kept.
KEPT = 500
#: Milliseconds that those which are ready wait for others that were asked for.
TOGETHER_MS = 250
#: Seconds in which those who waited are told at once; the others follow.
TELL_S = 0.005
#: Letters that its font lacks: other scripts than Latin, Greek and Cyrillic, and emoji.
_NOT_IN_FONT = re.compile("[\u0590-\u1cff\u2c00-\ufe0f\ufe20-\uffff\U00010000-\U0001d3ff\U0001d800-\U0010ffff]")
# What its size is guessed by.
_COMMAND = re.compile(r"\\(?:begin|end|math\w+|text|frac|sqrt|left|right|[,;! ])(?:\{\w+\})?|[{}^_&\s]")
_WORD = re.compile(r"\\[a-zA-Z]+")
_TALL = re.compile(r"\\(?:d?frac|int|sum|prod|binom|lim)")


@dataclass(slots=True)
class Drawn:
    """A formula as it can be painted; lengths are for letters of one pixel."""

    svg: str
    width: float
    ascent: float
    descent: float
    _renderers: dict[str, QSvgRenderer] = field(default_factory=dict)

    def paint(self, painter: QPainter, at: QPointF, size: float, color: QColor) -> None:
        """Paint it with the left end of its baseline at a point."""
        if not self.svg:
            return
        from PySide6.QtSvg import QSvgRenderer  # noqa: PLC0415 - not needed for the first paint of the window

        name = color.name()
        if name not in self._renderers:
            if len(self._renderers) > 2:
                self._renderers.clear()
            self._renderers[name] = QSvgRenderer(QByteArray(self.svg.replace(INK, name).encode()))
        box = QRectF(at.x(), at.y() - self.ascent * size, self.width * size, (self.ascent + self.descent) * size)
        self._renderers[name].render(painter, box)


@dataclass(frozen=True, slots=True)
class NotDrawn:
    """Why a formula is shown as its source."""

    reason: str


class _Bell(QObject):
    """Rings in the window's thread when an answer has come; what it belongs to may be gone by then."""

    rung = Signal()


class Formulas(QObject):
    """Draws formulas, and keeps the latest."""

    def __init__(self) -> None:
        super().__init__()
        self._known: OrderedDict[tuple[str, bool], Drawn | NotDrawn] = OrderedDict()
        self._asked: dict[tuple[str, bool], set[WeakMethod[Callable[[], None]]]] = {}
        self._ready: set[WeakMethod[Callable[[], None]]] = set()
        self._results: SimpleQueue[tuple[tuple[str, bool], dict[str, Any]]] = SimpleQueue()
        self._bell = _Bell()
        self._bell.rung.connect(self._take)
        self._child = FormulaChild(partial(_answered, self._results, self._bell))
        finalize(self, self._child.end)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._tell)

    def find(self, source: str, *, inline: bool) -> Drawn | NotDrawn | None:
        """A formula as it is painted, or why it is not; None where it is still being drawn (`tell_when`)."""
        key = (source, inline)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        if (refused := _refusal(source)) is not None:
            return refused
        if key not in self._asked:
            self._asked[key] = set()
            self._child.ask(source, inline=inline)
        return None

    def tell_when(self, source: str, tell: Callable[[], None], *, inline: bool) -> None:
        """Call this method once when a formula that `find` had nothing of is ready; its object is not kept alive."""
        if (waiting := self._asked.get((source, inline))) is not None:
            waiting.add(WeakMethod(tell))

    def tip(self, source: str, *, inline: bool) -> str:
        """Its source, and why it is not drawn."""
        found = self._known.get((source, inline)) or _refusal(source)
        short = source if len(source) <= 500 else f"{source[:499]}…"
        return f"{short}\n\n{found.reason}" if isinstance(found, NotDrawn) else short

    def close(self) -> None:
        """End the process that draws; it begins anew with the next formula."""
        self._child.end()
        self._asked.clear()
        self._soon.stop()

    def _take(self) -> None:
        while not self._results.empty():
            key, answer = self._results.get()
            self._known[key] = NotDrawn(answer["reason"]) if "reason" in answer else Drawn(**answer)
            self._ready |= self._asked.pop(key, set())
        if not self._asked:
            self._tell()
        elif not self._soon.isActive():
            self._soon.start(TOGETHER_MS)

    def _tell(self) -> None:
        """Tell who waited; a paragraph of many formulas is laid out once for all that are ready, in 10 ms or so."""
        self._soon.stop()
        until = time.perf_counter() + TELL_S
        while self._ready:
            if (tell := self._ready.pop()()) is not None:
                tell()
            if time.perf_counter() > until:
                self._soon.start(0)
                return
        self._forget()

    def _forget(self) -> None:
        """Drop the oldest, but none that somebody is still to be told of."""
        while len(self._known) > KEPT and not self._ready:
            self._known.popitem(last=False)


_ALL: WeakKeyDictionary[Theme, Formulas] = WeakKeyDictionary()


def formulas_of(theme: Theme) -> Formulas:
    """What draws the formulas of a program."""
    if theme not in _ALL:
        _ALL[theme] = Formulas()
    return _ALL[theme]


def close_all() -> None:
    """End all that draws formulas: the program ends."""
    for each in _ALL.values():
        each.close()


def _answered(
    results: SimpleQueue[tuple[tuple[str, bool], dict[str, Any]]],
    bell: _Bell,
    source: str,
    inline: bool,
    answer: dict[str, Any],
) -> None:
    results.put(((source, inline), answer))
    with contextlib.suppress(RuntimeError):  # the program has ended
        bell.rung.emit()


def awaited(source: str, *, inline: bool) -> Drawn:
    """The place that a formula will take, about; nothing is painted there."""
    rows = source.count("\\\\") + 1
    row = max(source.split("\\\\"), key=len)
    letters = len(_WORD.sub("x", _COMMAND.sub("", row)))
    tall = bool(_TALL.search(source))
    width = min(WIDEST, max(0.6, 0.62 * letters * (0.6 if tall else 1.0)))
    if rows > 1 and not inline:
        return Drawn("", width, 0.6 * rows + 0.3, 0.6 * rows - 0.2)
    if inline:
        return Drawn("", width, 0.95 if tall else 0.8, 0.45 if tall else 0.2)
    return Drawn("", width, 1.6, 1.0) if tall else Drawn("", width, 0.9, 0.2)


def _refusal(source: str) -> NotDrawn | None:
    """Why a formula is not even tried."""
    if not source.strip():
        return NotDrawn(tr("It is empty."))
    if len(source) > LONGEST:
        return NotDrawn(trn("It is longer than {count} letter.", "It is longer than {count:,} letters.", LONGEST))
    if (found := _NOT_IN_FONT.search(source)) is not None:
        return NotDrawn(tr("The font for formulas has no “{found}”.", found=found[0]))
    return None
