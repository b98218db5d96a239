"""How wide text is, letter by letter: an upper bound that is found without laying anything out."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QFont, QFontMetricsF

from nodetool_xl_desktop.markdown.leaves import Run
from nodetool_xl_desktop.ui.leaf.look import Look

#: Beside code within a line and the place of an image: within their ground, and a little between it and the words.
BESIDE = 5
#: Letters of which each takes its own room whatever stands beside it end before this one.
SIMPLE = "\u0300"


class _Advances(dict[str, float]):
    """The advance of each letter, looked up once."""

    def __init__(self, font: QFont) -> None:
        super().__init__()
        self._metrics = QFontMetricsF(font)

    def __missing__(self, letter: str) -> float:
        self[letter] = found = self._metrics.horizontalAdvance(letter)
        return found


class Letters:
    """Widths of letters of one size."""

    def __init__(self, look: Look, pixels: float) -> None:
        self._look = look
        bold = look.font(pixels)
        bold.setWeight(QFont.Weight.Bold)
        self._plain, self._bold = _Advances(look.font(pixels)), _Advances(bold)

    def width_of(self, runs: Sequence[Run], *, bold: bool = False) -> float | None:
        """How wide runs are on one line, at most; None where that takes laying them out."""
        wide = 0.0
        for run in runs:
            text = run.text
            if run.formula or run.image or (text and (max(text) >= SIMPLE or not text.isprintable())):
                return None
            if run.code:
                wide += len(text) * self._look.code_letter + 2 * self._look.px(BESIDE)
            else:
                widths = self._bold if bold or run.bold else self._plain
                wide += sum(map(widths.__getitem__, text)) * (1.05 if run.italic else 1)
        return wide + 1

    def least_of(self, runs: Sequence[Run]) -> float:
        """How wide the longest word is, about."""
        longest = max("".join(run.text for run in runs).split(), key=len, default="")[:60]
        return sum(map(self._bold.__getitem__, longest)) + 2

    def lines_of(self, text: str, room: float) -> int:
        """How many lines a plain text takes where it is wrapped between words, at most."""
        lines, wide, space = 1, 0.0, self._plain[" "]
        for word in text.split(" "):
            own = sum(map(self._plain.__getitem__, word))
            if wide and wide + space + own > room:
                lines, wide = lines + 1, 0.0
            elif wide:
                own += space
            wide += own
            if wide > room:  # broken within the word
                lines += int(wide / max(1.0, room - self._plain["m"]))
                wide = wide % room
        return lines
