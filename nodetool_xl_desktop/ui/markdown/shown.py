"""A section of a text while it is drawn: its leaves, where they stand, and the controls in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from PySide6.QtWidgets import QApplication, QWidget

from nodetool_xl_desktop.markdown.leaves import Leaf
from nodetool_xl_desktop.ui.leaf.drawn import DrawnLeaf, Kept


@dataclass(slots=True, eq=False)
class Shown:
    """A section as it is drawn.

    Attributes:
        leaves: what it was read into; None where it has to be read.
        drawn: these, laid out; empty while it is far from what is seen.
        tops: where each of them stands in the section, in pixels.
        kept: what the reader did to them, by their place.
        bars: the controls in them, by their place; None for those that have none.
        is_measured: whether its height is right at the present width.
        letters: how long it is as it was written.
        goes_on: whether it is one that was drawn, with more at its end now: what stood in it stands where it stood.
    """

    leaves: tuple[Leaf, ...] | None = None
    drawn: list[DrawnLeaf] = field(default_factory=list)
    tops: list[int] = field(default_factory=list)
    kept: dict[int, Kept] = field(default_factory=dict)
    bars: dict[int, QWidget | None] = field(default_factory=dict)
    is_measured: bool = False
    letters: int = 0
    goes_on: bool = False


class Hold(NamedTuple):
    """What stands at a height: how far down in its section, as a share of it, and in pixels where that holds."""

    shown: Shown
    share: float
    pixels: float | None


def drop_bars(shown: Shown) -> None:
    """Take the controls of a section away."""
    for bar in shown.bars.values():
        drop_bar(bar)
    shown.bars = {}


def drop_bar(bar: QWidget | None) -> None:
    """Take the controls of one leaf away."""
    if bar is not None:
        bar.hide()
        bar.deleteLater()


def holds_focus(shown: Shown) -> bool:
    """Whether the keys go to a control in a section."""
    focused = QApplication.focusWidget() if shown.bars else None
    return focused is not None and any(bar is not None and bar.isAncestorOf(focused) for bar in shown.bars.values())
