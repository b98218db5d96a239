"""The seam between a text and the leaves it is drawn of: what each drawn leaf can do.

`drawing.draw` makes them. A leaf is drawn for the theme and the zoom at that time: after `theme.changed` all are
drawn anew. What the reader did to one (wrapped, unfolded, scrolled) outlives it as its `kept`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from nodetool_xl_desktop.markdown.leaves import Leaf


@dataclass(frozen=True, slots=True)
class Mark:
    """A hit of what is sought, as offsets in the text of a leaf."""

    start: int
    end: int
    current: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """What the reader did to a leaf, to be handed to `draw` when it is drawn again."""

    wrapped: bool | None = None  # None: as it is by itself
    unfolded: bool | None = None
    scrolled: float = 0.0


class DrawnLeaf(Protocol):
    """One leaf as it is laid out. Coordinates are in pixels from its own top left; the gap above it is not part of it.

    Attributes:
        leaf: what is drawn.
    """

    leaf: Leaf

    @property
    def height(self) -> float:
        """At the width that it was laid out for, in whole pixels."""

    @property
    def kept(self) -> Kept:
        """What the reader did to it."""

    def join(self, above: Leaf | None, gap: float) -> None:
        """Say what stands above it at which distance: the bars of quotes that both lie in go on through the gap, which
        is painted with this leaf, above its top."""

    def lay_out(self, width: float) -> None:
        """Take this width; `height` holds for it afterwards."""

    def grow(self, leaf: Leaf) -> bool:
        """Draw this one from now on, which is the present one with more at its end, at a cost of what is new.

        Returns:
            False where it cannot be done: then a new one has to be drawn, and nothing was changed here.
        """

    def paint(
        self, painter: QPainter, clip: QRectF, chosen: tuple[int, int] | None = None, marks: Sequence[Mark] = ()
    ) -> None:
        """Paint what lies in `clip`; `chosen` is what of it is selected, as offsets."""

    def offset_at(self, point: QPointF) -> int:
        """The offset in the text nearest to a point."""

    def rect_of(self, offset: int) -> QRectF:
        """Where a caret before the letter at this offset stands; 1 pixel wide."""

    def link_at(self, point: QPointF) -> str:
        """Where what is drawn at a point leads; empty for nowhere."""

    def tip_at(self, point: QPointF) -> str:
        """What to say of what is drawn at a point: the source of a formula, the target of a link; empty for nothing."""

    def make_bar(self, parent: QWidget) -> QWidget | None:
        """The controls that stand in it while it is seen (language, Copy, Save, Wrap, Show All); None for none.

        It is as large as the leaf and lets everything through but its buttons. The caller moves it to the leaf's place
        and deletes it when the leaf goes out of view; its size follows the leaf's by itself.
        """

    def reveal(self, offset: int) -> bool:
        """Make what stands at this offset visible: unfold it, scroll it sideways. Whether the height changed."""

    def scroll(self, by: float) -> bool:
        """Scroll it sideways, where it is wider than its room; whether it moved."""
