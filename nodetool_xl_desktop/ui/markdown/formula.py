"""LaTeX as vectors: drawn once for each source, in any colour and at any size.

Ziamath is Python all the way and takes twice as long for each fraction within a fraction, so that 30 of them would
take days: each drawing has a deadline, and what may take long happens on a thread of its own. What cannot be drawn is
shown as its source, with the reason.
"""

from __future__ import annotations

import importlib
import re
import sys
import threading
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakMethod

from PySide6.QtCore import QByteArray, QObject, QPointF, QRectF, QTimer, Signal
from PySide6.QtGui import QColor, QPainter

from nodetool_xl_desktop.ui.theme import Theme

if TYPE_CHECKING:
    from PySide6.QtSvg import QSvgRenderer
    from ziamath.zmath import Latex

#: Letters; a longer source is shown as it is.
LONGEST = 2000
#: Of a drawing, in bytes: some hundred letters. Beyond that, painting it would take longer than a frame.
LARGEST = 400_000
#: In units of the letters' size.
WIDEST, HIGHEST = 400.0, 60.0
#: How many drawings are kept.
KEPT = 500
#: Milliseconds that those which are ready wait for others that were asked for.
TOGETHER_MS = 250
#: Seconds. What one drawing may take at once, what all of them may within `_SPELL_S`, and what one may on the thread.
_AT_ONCE_S, _IN_A_SPELL_S, _SPELL_S, _ON_THREAD_S = 0.008, 0.012, 0.1, 1.5
#: Letters and braces within braces that are drawn at once; measured 2 to 8 ms.
_SHORT, _FLAT = 80, 3
_SIZE = 32.0
_LIBRARIES = ("ziamath", "ziafont", "latex2mathml")
#: Replaced by the colour of the text.
_INK = "#010203"
#: Letters that its font lacks: other scripts than Latin, Greek and Cyrillic, and emoji.
_NOT_IN_FONT = re.compile("[\u0590-\u1cff\u2c00-\ufe0f\ufe20-\uffff\U00010000-\U0001d3ff\U0001d800-\U0010ffff]")


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
        from PySide6.QtSvg import QSvgRenderer  # noqa: PLC0415 - not needed for the first paint of the window

        name = color.name()
        if name not in self._renderers:
            if len(self._renderers) > 2:
                self._renderers.clear()
            self._renderers[name] = QSvgRenderer(QByteArray(self.svg.replace(_INK, name).encode()))
        box = QRectF(at.x(), at.y() - self.ascent * size, self.width * size, (self.ascent + self.descent) * size)
        self._renderers[name].render(painter, box)


@dataclass(frozen=True, slots=True)
class NotDrawn:
    """Why a formula is shown as its source."""

    reason: str


class _TooLong(BaseException):
    """The deadline is over. No `Exception`, as the library may catch those."""


class _Deadline:
    """Ends what Python runs within it after some seconds, by looking at the clock at each call."""

    def __init__(self, seconds: float) -> None:
        self._end = time.perf_counter() + seconds

    def __enter__(self) -> None:
        sys.setprofile(self._look)

    def __exit__(self, *_error: object) -> None:
        sys.setprofile(None)

    def _look(self, frame: FrameType, event: str, _argument: object) -> None:
        # Not within what the garbage collector calls, where an error is lost, and this look with it.
        if event == "call" and time.perf_counter() > self._end and frame.f_globals["__name__"].startswith(_LIBRARIES):
            raise _TooLong


class Formulas(QObject):
    """Draws formulas, and keeps the latest."""

    _drawn = Signal(str, bool)

    def __init__(self) -> None:
        super().__init__()
        self._known: OrderedDict[tuple[str, bool], Drawn | NotDrawn] = OrderedDict()
        self._asked: dict[tuple[str, bool], set[WeakMethod[Callable[[], None]]]] = {}
        self._ready: set[WeakMethod[Callable[[], None]]] = set()
        self._queue: SimpleQueue[tuple[str, bool]] = SimpleQueue()
        self._results: SimpleQueue[tuple[tuple[str, bool], Drawn | NotDrawn]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._spell, self._spent_s = 0.0, 0.0
        self._drawn.connect(self._take)
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
            if (found := self._at_once(source, inline)) is not None:
                self._keep(key, found)
                return found
            self._asked[key] = set()
            self._begin()
            self._queue.put(key)
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

    def _at_once(self, source: str, inline: bool) -> Drawn | NotDrawn | None:
        """Draw it now where it is sure to be quick."""
        now = time.perf_counter()
        if now - self._spell > _SPELL_S:
            self._spell, self._spent_s = now, 0.0
        if "ziamath" not in sys.modules or sys.getprofile() is not None or self._asked:
            return None
        if len(source) > _SHORT or _depth(source) > _FLAT or self._spent_s > _IN_A_SPELL_S:
            return None
        found = _draw(source, inline, _AT_ONCE_S)
        self._spent_s += time.perf_counter() - now
        return found

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True, name="formulas")
            self._thread.start()

    def _work(self) -> None:
        while True:
            source, inline = self._queue.get()
            found = _draw(source, inline, _ON_THREAD_S) or NotDrawn("It takes too long to draw.")
            self._results.put(((source, inline), found))
            try:
                self._drawn.emit(source, inline)
            except RuntimeError:  # the program has ended
                return

    def _take(self, _source: str, _inline: bool) -> None:
        while not self._results.empty():
            key, found = self._results.get()
            self._known[key] = found
            self._ready |= self._asked.pop(key, set())
        if not self._asked:
            self._tell()
        elif not self._soon.isActive():
            self._soon.start(TOGETHER_MS)

    def _tell(self) -> None:
        """Tell who waited; a paragraph of many formulas is laid out once for all that are ready."""
        self._soon.stop()
        ready, self._ready = self._ready, set()
        for method in ready:
            if (tell := method()) is not None:
                tell()
        self._forget()

    def _keep(self, key: tuple[str, bool], found: Drawn | NotDrawn) -> None:
        self._known[key] = found
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


def _depth(source: str) -> int:
    deepest = depth = 0
    for letter in source:
        depth += (letter == "{") - (letter == "}")
        deepest = max(deepest, depth)
    return deepest


def _refusal(source: str) -> NotDrawn | None:
    """Why a formula is not even tried."""
    if not source.strip():
        return NotDrawn("It is empty.")
    if len(source) > LONGEST:
        return NotDrawn(f"It is longer than {LONGEST:,} letters.")
    if (found := _NOT_IN_FONT.search(source)) is not None:
        return NotDrawn(f"The font for formulas has no “{found[0]}”.")
    return None


def _ziamath() -> type[Latex]:
    """The library: 0.12 s to load, and most chats have no formula."""
    if "ziamath" not in sys.modules:
        # WORKAROUND: ziamath 0.13 asks for its fonts in a way that Python 3.11 and 3.12 warn of.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            importlib.import_module("ziamath")
    from ziamath.config import config  # noqa: PLC0415
    from ziamath.zmath import Latex  # noqa: PLC0415

    config.svg2 = False  # Qt draws no symbols
    return Latex


def _draw(source: str, inline: bool, seconds: float) -> Drawn | NotDrawn | None:
    """Draw it within this time; None where that is not enough."""
    try:
        latex = _ziamath()
        with _Deadline(seconds):
            made = latex(source, size=_SIZE, color=_INK, inline=inline)
            svg = made.svg()
    except _TooLong:
        return None
    except (Exception, RecursionError) as error:  # noqa: BLE001 - whatever a model wrote meets whatever it breaks there
        return NotDrawn(f"It cannot be drawn: {str(error)[:200] or type(error).__name__}")
    if len(svg) > LARGEST:
        return NotDrawn("It is too long to draw.")
    box = re.search(r'viewBox="([-\d.e]+) ([-\d.e]+) ([-\d.e]+) ([-\d.e]+)"', svg)
    if box is None:
        return NotDrawn("It cannot be drawn: it has no size.")
    _left, top, width, height = (float(each) / _SIZE for each in box.groups())
    if not (0 < width <= WIDEST and 0 < height <= HIGHEST):
        return NotDrawn("It is too large to draw.")
    return Drawn(svg, width, -top, height + top)
