"""One turn of a column, as the column needs it: how high it is, and that its height may have changed."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QWidget

from nodetool_xl_desktop.ui.theme import SPACE_M

#: So much wider than its text is a turn on each side, for the line around the one that has the focus.
RING = SPACE_M


class Column(Protocol):
    """What a turn needs of the column that it stands in."""

    def turn_changed(self, view: TurnView) -> None: ...

    def turn_growing(self, view: TurnView, by: int) -> None: ...

    def index_of(self, view: TurnView) -> int: ...

    def bring(self, index: int, top: int = 0, height: int | None = None) -> None: ...

    def shift(self, view: TurnView, by: int) -> None: ...


class TurnView(QFrame):
    """One turn; a subclass fills it."""

    def __init__(self) -> None:
        super().__init__()
        self.column: Column | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_StaticContents)  # what grows at its end is painted there only

    def height_at(self, width: int) -> int:
        """How high it is at this width, which it has from now on."""
        if self.width() != width:
            self.resize(width, self.height())
        layout = self.layout()
        if layout is None:
            return self.height()
        self.settle()
        layout.activate()
        return layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else layout.totalSizeHint().height()

    def set_stop(self, *, is_stop: bool) -> None:
        """Whether Tab comes to this turn; to one at a time, or a chat would take hundreds of steps."""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if is_stop else Qt.FocusPolicy.ClickFocus)

    def look(self) -> bool:
        """Draw what is seen of it now; returns whether its height is another, perhaps."""
        return False

    def settle(self) -> None:
        """Have the layouts inside this one done, the inner ones first."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        has_line = "true" in (self.property("ring"), self.property("marked"))
        if has_line or event.oldSize().width() != self.width():
            self.update()

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() is QEvent.Type.LayoutRequest and self.column is not None:
            self.column.turn_changed(self)
        return done


def holds_focus(widget: QWidget) -> bool:
    """Whether the keys go to a widget, or to one in it."""
    focused = QApplication.focusWidget()
    return focused is not None and (focused is widget or widget.isAncestorOf(focused))
