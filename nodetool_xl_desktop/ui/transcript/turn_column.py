"""A column of turns of which only those near the visible place are widgets: 10,000 turns open as fast as ten.

What the reader looks at is the anchor: one turn and where its top stands in the view. Whatever is measured, grows, or
comes and goes around it, the anchor stays where it is; or the end does, as long as the reader is there. The scroll bar
stands for the whole chat: turns that were never seen have an estimated height.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import (
    QAccessible,
    QAccessibleInterface,
    QColor,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QFrame, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.accessible import Accessible
from nodetool_xl_desktop.ui.markdown.heights import Heights
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_XL
from nodetool_xl_desktop.ui.transcript.turn_view import RING, TurnView, holds_focus

COLUMN_WIDTH = 680
#: So near to the end counts as at the end, in pixels.
NEAR = 8
#: Turns are made so far ahead of what is seen, and dropped when they are so far from it, in heights of the view.
AHEAD, KEPT = 1.0, 3.0
STEP = 48
#: A turn is measured here, where it is not seen; no turn is so high, in pixels.
ELSEWHERE = -4_000_000
#: Seconds in which turns are made that are not seen yet; what is left follows at once. One takes up to 5 ms, so it is
#: one at a time, mostly.
AHEAD_S = 0.0005
#: What the turns stand in is so high, in pixels, and stays so: only then it is scrolled by moving what is painted.
BODY_HEIGHT = 4_000_000
#: So often is looked whether what is seen changes what is seen: a long text is measured piece by piece.
LOOKS = 3


@dataclass(frozen=True, slots=True)
class Anchor:
    """A turn, and where its top stands below the top of the view, in pixels."""

    index: int
    y: int


class _Body(QWidget):
    """What the turns stand in. It is opaque: when it is moved, what is painted is moved along."""

    def __init__(self, column: TurnColumn) -> None:
        super().__init__(column.viewport())
        self._column = column
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def accessible(self) -> QAccessibleInterface:
        """A list, of the turns."""
        self.setAccessibleName(tr("Messages"))
        return Accessible(self, QAccessible.Role.List)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(event.rect(), self._column.ground())


class TurnColumn(QAbstractScrollArea):
    """Scrolls through turns that a subclass makes when they are needed."""

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._heights = Heights()
        self._views: dict[int, TurnView] = {}
        self._index: dict[TurnView, int] = {}
        self._anchor: Anchor | None = None  # None: the end
        self._busy = False
        self._body = _Body(self)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(lambda: self._arrange(AHEAD))
        self.verticalScrollBar().setSingleStep(STEP)

    # For the subclass

    def make_turn(self, index: int) -> TurnView:
        """Make the widget of a turn."""
        raise NotImplementedError

    def ground(self) -> QColor:
        """What the turns lie on."""
        return self.palette().window().color()

    def turns_arranged(self) -> None:
        """Turns have moved, come or gone."""

    def turn_dropped(self, view: TurnView) -> None:
        """A widget is about to go."""

    def set_turns(self, heights: Sequence[int], views: Mapping[int, TurnView], anchor: Anchor | None) -> None:
        """Show other turns.

        Args:
            heights: of each of them, measured or estimated.
            views: those of the present widgets that stay, by the place they have now.
            anchor: what stays where; None for the end.
        """
        kept = set(views.values())
        for view in [view for view in self._index if view not in kept]:
            self._drop(view)
        self._heights = Heights(heights)
        self._views = dict(views)
        self._index = {view: index for index, view in views.items()}
        self._anchor = anchor
        self._arrange()

    @property
    def count(self) -> int:
        """So many turns there are."""
        return len(self._heights)

    @property
    def alive(self) -> Mapping[int, TurnView]:
        """The turns that are widgets now."""
        return self._views

    @property
    def is_following(self) -> bool:
        """Whether the end stays in view."""
        return self._anchor is None

    def follow(self) -> None:
        """Go to the end, and stay there while it grows."""
        self._anchor = None
        self._arrange()

    def hold(self) -> None:
        """Stay here, also where here is the end."""
        if self._anchor is None and len(self._heights):
            self._anchor = self._anchor_at(self.verticalScrollBar().value())

    def index_of(self, view: TurnView) -> int:
        """Where a turn stands."""
        return self._index[view]

    def turn(self, index: int) -> TurnView | None:
        """The widget of a turn; it is brought into view where there is none yet. None while nothing is shown."""
        if index not in self._views:
            self.go_to(index)
        return self._views.get(index)

    def height_of(self, index: int) -> int:
        """Measured, or estimated."""
        return self._heights[index]

    def top_in_view(self, index: int) -> int:
        """Where a turn's top stands below the top of the view."""
        return SPACE_XL + self._heights.top(index) - self.verticalScrollBar().value()

    @property
    def first_seen(self) -> Anchor:
        """The topmost turn of which something is seen.

        Raises:
            IndexError: there are no turns.
        """
        index = self._heights.at(self.verticalScrollBar().value() - SPACE_XL)
        return Anchor(index, self.top_in_view(index))

    def go_to(self, index: int, y: int = SPACE_L) -> None:
        """Bring a turn's top to this place in the view."""
        self._anchor = Anchor(index, y)
        self._arrange()
        self._follow_if_at_end()

    def bring(self, index: int, top: int = 0, height: int | None = None) -> None:
        """Bring a turn, or a piece of it, into view, and move nothing where it is there already."""
        if self.turn(index) is None:
            return
        tall = self._heights[index] if height is None else height
        y, room = self.top_in_view(index) + top, self.viewport().height()
        if y < 0 or (y + tall > room and tall + 2 * SPACE_L > room):
            self.go_to(index, SPACE_L - top)
        elif y + tall > room:
            self.go_to(index, room - SPACE_L - tall - top)

    def bring_widget(self, widget: QWidget, of: TurnView) -> None:
        """The same for a widget inside a turn or over it."""
        top = widget.mapToGlobal(QPoint(0, 0)).y() - of.mapToGlobal(QPoint(0, 0)).y()
        self.bring(self._index[of], top, widget.height())

    def turn_changed(self, view: TurnView) -> None:
        """What a turn shows has another height, perhaps."""
        if not self._busy and view in self._index and self._measure(view):
            self._arrange()

    def turn_growing(self, view: TurnView, by: int) -> None:
        """A turn is about to be so many pixels higher. What is painted is moved now where the end stays in view: Qt
        moves nothing once some of it is to be painted anew."""
        if self._anchor is None and not self._busy and self._index.get(view) == len(self._heights) - 1:
            before = self.verticalScrollBar().value()
            self._body.move(0, self._body.y() + before - max(before, self._most() + by))

    def shift(self, view: TurnView, by: int) -> None:
        """What is seen of a turn stands so many pixels lower in it now: scroll along, where this turn is the anchor."""
        if self._anchor is not None and self._index.get(view) == self._anchor.index:
            self._anchor = Anchor(self._anchor.index, self._anchor.y - by)

    # The work

    def _measure(self, view: TurnView) -> bool:
        return self._heights.set(self._index[view], view.height_at(self._column()[1]))

    def _column(self) -> tuple[int, int]:
        """Where the column stands and how wide it is; the scroll bar comes in place of a part of its margin."""
        text = min(COLUMN_WIDTH, self.width() - 2 * SPACE_XL)
        return (self.width() - text) // 2 - RING, text + 2 * RING

    def _arrange(self, ahead: float = 0.0) -> None:
        """Make what can be seen, and put all in place."""
        if self._busy or not self.isVisible():
            return  # showEvent does it
        self._busy = True
        try:
            for _ in range(LOOKS):
                value = self._fit_value(ahead)
                self._drop_far(value)
                self._place(value)
                if not self._look():
                    break
        finally:
            self._busy = False
        if not ahead and len(self._heights):
            self._later.start()
        self.turns_arranged()

    def _fit_value(self, ahead: float) -> int:
        """Fill the view, and find where it stands."""
        value = 0
        for _ in range(4):  # beyond an end there is nothing to fill the view with: then the anchor gives way
            self._fill(ahead)
            wanted = self._wanted()
            value = max(0, min(wanted, self._most()))
            if value == wanted:
                break
            self._anchor = self._anchor_at(value)
        return value

    def _look(self) -> bool:
        """Have the turns draw what is seen of them now; returns whether one is another height then."""
        changed = False
        for view in list(self._index):
            if view.look():
                changed |= self._measure(view)
        return changed

    def _most(self) -> int:
        return max(0, self._heights.total + 2 * SPACE_XL - self.viewport().height())

    def _wanted(self) -> int:
        if self._anchor is None or not len(self._heights):
            return self._most()
        return SPACE_XL + self._heights.top(self._anchor.index) - self._anchor.y

    def _fill(self, ahead: float) -> None:
        """Make turns from the anchor on, both ways, until the view is full."""
        count, room = len(self._heights), self.viewport().height()
        if not count:
            return
        margin = round(ahead * room)
        if self._anchor is None:
            index, y = count, max(room - SPACE_XL, 0)
        else:
            index, y = self._anchor.index, self._anchor.y
        bottom, below = y, index
        until = time.perf_counter() + AHEAD_S
        while bottom < room + margin and below < count:
            if bottom >= room and self._is_later(below, until):
                break
            bottom += self._made(below)
            below += 1
        while y > -margin and index > 0:
            index -= 1
            if y <= 0 and self._is_later(index, until):
                break
            y -= self._made(index)

    def _is_later(self, index: int, until: float) -> bool:
        """Whether a turn that is not seen is left for the next time."""
        if index in self._views or time.perf_counter() < until:
            return False
        self._later.start()
        return True

    def _made(self, index: int) -> int:
        """Make a turn where there is none; returns its height."""
        if index not in self._views:
            view = self.make_turn(index)
            view.column = self
            self._views[index], self._index[view] = view, index
            view.setParent(self._body)
            if index < max(self._views):
                view.lower()  # above the others: a screen reader goes from the undermost to the uppermost
            view.setGeometry(0, ELSEWHERE, self._column()[1], 100)
            view.show()
            self._measure(view)
        return self._heights[index]

    def _place(self, value: int) -> None:
        bar = self.verticalScrollBar()
        bar.setPageStep(max(1, self.viewport().height()))
        bar.setRange(0, self._most())
        bar.setValue(value)
        if not self._views:
            self._body.setGeometry(0, 0, 0, 0)
            return
        x, width = self._column()
        base = self._base(value)
        for index, view in self._views.items():
            view.setGeometry(x, self._heights.top(index) - base, width, self._heights[index])
        self._body.resize(self.width(), BODY_HEIGHT)
        self._body.move(0, SPACE_XL + base - value)

    def _base(self, value: int) -> int:
        """Which place of the chat the top of the body is: so that what is seen stays where it is in it, and what is
        painted can be moved."""
        order = sorted(self._views)
        placed = [index for index in order if self._views[index].y() >= 0]
        seen = (index for index in placed if SPACE_XL + self._heights.top(index + 1) > value)
        still = next(seen, placed[-1] if placed else None)
        if still is not None:
            base = self._heights.top(still) - self._views[still].y()
            if self._heights.top(order[0]) >= base and self._heights.top(order[-1] + 1) <= base + BODY_HEIGHT:
                return base
        return self._heights.top(order[0]) - BODY_HEIGHT // 2

    def _drop_far(self, value: int) -> None:
        room = self.viewport().height()
        for index, view in list(self._views.items()):
            top = SPACE_XL + self._heights.top(index)
            far = top + self._heights[index] < value - KEPT * room or top > value + room + KEPT * room
            if far and not holds_focus(view):  # or the keys would go elsewhere
                self._drop(view)
                del self._views[index]

    def _drop(self, view: TurnView) -> None:
        self.turn_dropped(view)
        del self._index[view]
        view.column = None
        view.hide()
        view.deleteLater()

    def _anchor_at(self, value: int) -> Anchor:
        """The topmost turn in view there that was measured already, so that nothing seen moves; else what is there."""
        room = self.viewport().height()
        for index in sorted(self._views):
            y = SPACE_XL + self._heights.top(index) - value
            if y + self._heights[index] > 0 and y < room:
                return Anchor(index, y)
        index = self._heights.at(value - SPACE_XL)
        return Anchor(index, SPACE_XL + self._heights.top(index) - value)

    def _follow_if_at_end(self) -> None:
        bar = self.verticalScrollBar()
        if bar.value() >= bar.maximum() - NEAR:
            self._anchor = None

    # Qt's events

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        if self._busy or not len(self._heights):
            return
        self._anchor = self._anchor_at(self.verticalScrollBar().value())
        self._follow_if_at_end()
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if not self._busy and self.isVisible():
            for view in list(self._index):
                self._measure(view)
            self._arrange()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        for view in list(self._index):
            self._measure(view)
        self._arrange()

    def focusNextPrevChild(self, forward: bool) -> bool:
        moved = super().focusNextPrevChild(forward)
        focused = QApplication.focusWidget()
        view = next((view for view in self._index if focused is not None and view.isAncestorOf(focused)), None)
        if moved and view is not None and focused is not None:
            self.bring_widget(focused, view)
        return moved
