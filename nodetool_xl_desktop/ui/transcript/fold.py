"""A line that opens and closes what stands below it, by mouse, Enter and Space; and buttons that leave the chat its
keys."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAccessibleInterface, QFocusEvent, QKeyEvent, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStyle,
    QStyleOption,
    QStylePainter,
    QToolButton,
)

from nodetool_xl_desktop.ui.accessible import Disclosure, tell_opened
from nodetool_xl_desktop.ui.parts import restyle
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, Theme, scaled

CARET = 12


def goes_to_another_turn(event: QKeyEvent) -> bool:
    """Whether the key goes from message to message, which a button takes for itself."""
    return event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and bool(
        event.modifiers() & Qt.KeyboardModifier.ControlModifier
    )


def is_enter(event: QKeyEvent) -> bool:
    """Whether the key is Enter, which of itself presses no button."""
    enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
    return enter and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier


def taken(event: QKeyEvent, button: QAbstractButton) -> bool:
    """Leave the chat its keys, and press the button with Enter; whether that was it."""
    if goes_to_another_turn(event):
        event.ignore()
        return True
    if is_enter(event):
        button.click()
        return True
    return False


class TurnButton(QPushButton):
    """A button inside a turn."""

    def __init__(self, text: str, kind: str = "") -> None:
        super().__init__(text)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        if kind:
            self.setProperty("kind", kind)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not taken(event, self):
            super().keyPressEvent(event)


class TurnToolButton(QToolButton):
    """A small button with an icon inside a turn."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "icon")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not taken(event, self):
            super().keyPressEvent(event)


class FoldHead(QAbstractButton):
    """The line, a button as wide as what it opens. What it says stands in its `row`, behind the caret."""

    #: The person wants it open, or closed.
    wished = Signal(bool)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setObjectName("foldHead")
        self.setCheckable(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._caret = QLabel()
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(SPACE_M, SPACE_S - 1, SPACE_M, SPACE_S - 1)
        self.row.setSpacing(SPACE_S)
        self.row.addWidget(self._caret)
        self.clicked.connect(self.wished)
        self.toggled.connect(self._draw)
        theme.changed.connect(self._draw)
        self._draw()

    @property
    def is_open(self) -> bool:
        """Whether what stands below is shown."""
        return self.isChecked()

    def accessible(self) -> QAccessibleInterface:
        """What a screen reader is told of it: whether it is open."""
        return Disclosure(self)

    def show_open(self, *, is_open: bool) -> None:
        """Show it open or closed, and tell nobody."""
        self.setChecked(is_open)

    def _draw(self) -> None:
        size = QSize(scaled(CARET), scaled(CARET))
        self._caret.setFixedSize(size)
        self._caret.setPixmap(self._theme.icon("caret-down" if self.is_open else "caret-right").pixmap(size))
        tell_opened(self)

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOption()
        option.initFrom(self)
        painter = QStylePainter(self)
        painter.drawPrimitive(QStyle.PrimitiveElement.PE_Widget, option)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not taken(event, self):
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        restyle(self, "ring", "false" if event.reason() is Qt.FocusReason.MouseFocusReason else "true")

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() is not Qt.FocusReason.PopupFocusReason:
            restyle(self, "ring", "false")
