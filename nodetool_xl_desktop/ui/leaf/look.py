"""Fonts, sizes and formats of what is read in a chat: made once for a theme and a zoom, used by every leaf."""

from __future__ import annotations

from unicodedata import bidirectional
from weakref import WeakKeyDictionary

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QTextCharFormat
from PySide6.QtWidgets import QApplication

from nodetool_xl_desktop.markdown.leaves import Run
from nodetool_xl_desktop.ui.theme import Theme, Tokens

BODY_PX, CODE_PX, NOTE_PX = 14, 13, 12
#: Of a line to the size of its letters.
LINE = 1.5
#: Size in pixels and weight of the headings of each level.
HEADINGS = {
    1: (21, QFont.Weight.DemiBold),
    2: (18, QFont.Weight.DemiBold),
    3: (16, QFont.Weight.DemiBold),
    4: (BODY_PX, QFont.Weight.DemiBold),
    5: (BODY_PX, QFont.Weight.DemiBold),
    6: (13, QFont.Weight.DemiBold),
}
#: How much of its ground shows through the mark of a hit, of 255.
HIT_ALPHA = 90


class Look:
    """What leaves are drawn with, at one zoom and in one set of colours."""

    def __init__(self, tokens: Tokens, zoom: float, family: list[str], fixed: list[str]) -> None:
        self.tokens = tokens
        self.zoom = zoom
        self.key = (tokens, zoom, tuple(family), tuple(fixed))
        self._family = family
        self._fixed = fixed
        self._formats: dict[tuple[object, ...], QTextCharFormat] = {}
        self._colors: dict[str, QColor] = {}
        self.body = self.font(BODY_PX)
        self.code = self.font(CODE_PX, fixed=True)
        self.note = self.font(NOTE_PX)
        self.code_metrics = QFontMetricsF(self.code)
        self.code_letter = self.code_metrics.horizontalAdvance("0")

    def px(self, pixels: float) -> float:
        """A length at this zoom."""
        return pixels * self.zoom

    def font(self, pixels: float, *, fixed: bool = False) -> QFont:
        """The program's font, or the one for code, at a size before zooming."""
        font = QFont(self._fixed if fixed else self._family)
        font.setPixelSize(max(4, round(pixels * self.zoom)))
        if fixed:
            font.setStyleHint(QFont.StyleHint.Monospace)
        return font

    def color(self, role: str) -> QColor:
        """The colour of a token."""
        if role not in self._colors:
            self._colors[role] = QColor(getattr(self.tokens, role))
        return self._colors[role]

    def format_of(self, run: Run, pixels: float, weight: QFont.Weight) -> QTextCharFormat | None:
        """How a run differs from the words around it; None where it does not."""
        image = bool(run.image)
        key = (run.bold, run.italic, run.strike, run.code, bool(run.link), run.small, image, pixels, weight)
        if not any(key[:7]):
            return None
        if key not in self._formats:
            self._formats[key] = self._make(run, pixels, weight)
        return self._formats[key]

    def _make(self, run: Run, pixels: float, weight: QFont.Weight) -> QTextCharFormat:
        made = QTextCharFormat()
        fixed = run.code
        font = self.font(pixels * (0.92 if fixed else 0.72 if run.small else 0.9 if run.image else 1), fixed=fixed)
        font.setWeight(QFont.Weight.Bold if run.bold and weight < QFont.Weight.Bold else weight)
        font.setItalic(run.italic)
        font.setStrikeOut(run.strike)
        made.setFont(font)
        if run.link:
            made.setForeground(self.color("accent"))
            made.setFontUnderline(not run.small)
        elif run.image or run.strike:
            made.setForeground(self.color("muted"))
        if run.small:
            # Not Qt's superscript, which makes the letters small a second time.
            made.setBaselineOffset(34)
        return made

    def chosen(self) -> QTextCharFormat:
        """Of what is selected."""
        return self._ground("chosen", "accent", "on_accent", 255)

    def mark(self, *, current: bool) -> QTextCharFormat:
        """Of a hit of what is sought."""
        return self._ground("current", "warning", "on_accent", 255) if current else self._hit()

    def odd(self) -> QTextCharFormat:
        """Of a mark that stands for a letter that is not seen otherwise."""
        return self._ground("odd", "warning_soft", "warning", 255)

    def _hit(self) -> QTextCharFormat:
        return self._ground("hit", "context", "text", HIT_ALPHA)  # no colour of code is read well on it

    def _ground(self, name: str, ground: str, ink: str, alpha: int) -> QTextCharFormat:
        if (name,) not in self._formats:
            made = QTextCharFormat()
            color = QColor(self.color(ground))
            color.setAlpha(alpha)
            made.setBackground(color)
            if ink:
                made.setForeground(self.color(ink))
            self._formats[name,] = made
        return self._formats[name,]


_LOOKS: WeakKeyDictionary[Theme, Look] = WeakKeyDictionary()


def look_of(theme: Theme) -> Look:
    """The look for a theme as it is now."""
    family = QApplication.font().families()
    fixed = list(theme.code_families) or QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).families()
    known = _LOOKS.get(theme)
    if known is None or known.key != (theme.tokens, theme.zoom, tuple(family), tuple(fixed)):
        known = _LOOKS[theme] = Look(theme.tokens, theme.zoom, family, fixed)
    return known


def direction_of(text: str) -> Qt.LayoutDirection:
    """By the first letter that has one, as the Unicode bidirectional algorithm says (P2, P3)."""

    if text.isascii():
        return Qt.LayoutDirection.LeftToRight
    for letter in text[:1000]:
        if (kind := bidirectional(letter)) == "L":
            break
        if kind in ("R", "AL"):
            return Qt.LayoutDirection.RightToLeft
    return Qt.LayoutDirection.LeftToRight
