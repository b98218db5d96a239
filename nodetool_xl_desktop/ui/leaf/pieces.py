"""Where runs of text stand in Qt's layout, which counts otherwise than Python does."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import cast

from PySide6.QtGui import QTextLine

from nodetool_xl_desktop.markdown.leaves import Run
from nodetool_xl_desktop.ui.leaf.formula import Drawn


@dataclass(slots=True)
class Piece:
    """A run as it is laid out; places in the layout are in UTF-16 units, offsets in the leaf in letters."""

    run: Run
    at: int  # in the leaf's text
    start: int  # in the layout, with what stands before it ("Image: ")
    place: int  # in the layout, of its own text
    end: int  # in the layout
    far: tuple[int, ...] = ()  # letters in it that take two units
    odd: tuple[int, ...] = ()  # letters in it that a mark stands for
    formula: Drawn | None = None

    def unit(self, offset: int) -> int:
        """Where the letter at an offset stands in the layout."""
        if self.run.formula:
            return self.place if offset <= self.at else self.end
        inside = min(max(offset - self.at, 0), len(self.run.text))
        return self.place + inside + bisect_left(self.far, inside)

    def letter(self, unit: int) -> int:
        """The offset of what stands at a place in the layout."""
        if self.run.formula:
            return self.at + (2 * unit >= self.place + self.end)
        inside = max(0, unit - self.place)
        low, high = 0, len(self.run.text)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if middle + bisect_left(self.far, middle) <= inside else (low, middle - 1)
        return self.at + low


@dataclass(slots=True)
class Line:
    """A line as it is laid out; heights are counted from the top of its paragraph."""

    line: QTextLine
    top: float
    height: float
    baseline: float


def len_units(text: str) -> int:
    """How many UTF-16 units a text takes, which Qt counts in."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def x_of(line: QTextLine, unit: int) -> float:
    """Where a place of the layout stands on its line."""
    # PySide gives the place back as well, or not, by its version.
    found = cast("float | tuple[float, int]", line.cursorToX(unit))
    return found[0] if isinstance(found, tuple) else found
