"""Find in the chat: a field over the transcript, with how many places there are and the way from one to the next."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QToolButton, QWidget

from nodetool_xl_desktop.core.translation import number as in_figures
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.parts import figure, set_tip, size_icon
from nodetool_xl_desktop.ui.theme import SPACE_S, SPACE_XS, Theme

WIDTH = 360
_KEYS = (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F3)


class FindBar(QFrame):
    """Hidden until it is opened."""

    #: Look for this.
    sought = Signal(str)
    #: Go so many places further: 1 or -1.
    step_requested = Signal(int)
    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("findBar")
        self.setAccessibleName(tr("Find in the chat"))
        self._theme = theme
        self.field = QLineEdit()
        self.field.setObjectName("findField")
        self.field.setPlaceholderText(tr("Find in this chat"))
        self.field.setAccessibleName(tr("Find in this chat"))
        self.field.setFrame(False)
        self.field.textChanged.connect(self.sought)
        self._count = figure("", "note")
        self._previous = self._button(tr("Previous"), tr("Shift+Enter, Shift+F3"))
        self._next = self._button(tr("Next"), tr("Enter, F3"))
        self._close = self._button(tr("Close"), "Esc")
        self._previous.clicked.connect(lambda: self.step_requested.emit(-1))
        self._next.clicked.connect(lambda: self.step_requested.emit(1))
        self._close.clicked.connect(self.close_bar)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE_S + 2, SPACE_XS, SPACE_XS, SPACE_XS)
        row.setSpacing(SPACE_XS)
        row.addWidget(self.field, 1)
        row.addWidget(self._count)
        for button in (self._previous, self._next, self._close):
            row.addWidget(button)
        self.setFixedWidth(WIDTH)
        self.adjustSize()
        theme.changed.connect(self._draw)
        self._draw()
        self.hide()

    @property
    def count(self) -> str:
        """What it says of how many there are."""
        return self._count.text()

    @property
    def last(self) -> QWidget:
        """Where Tab leaves it."""
        return self._close

    def open_bar(self, text: str = "") -> None:
        """Show it, and have one type; with this text, if it is not empty."""
        self.show()
        self.raise_()
        if text and text != self.field.text():
            self.field.setText(text)
        else:
            self.sought.emit(self.field.text())
        self.field.selectAll()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def close_bar(self) -> None:
        """Hide it."""
        if self.isVisible():
            self.hide()
            self.closed.emit()

    def show_count(self, number: int | None, total: int, *, done: bool) -> None:
        """Say which hit it is of how many; `done` where all was looked at."""
        if not self.field.text():
            text = ""
        elif not total:
            text = tr("Nothing found") if done else tr("Looking ...")
        else:
            text = (
                in_figures(f"{total:,}{'' if done else '+'}")
                if number is None
                else tr("{number:,} of {total:,}", number=number + 1, total=total)
                if done
                else tr("{number:,} of {total:,}+", number=number + 1, total=total)
            )
        self._count.setText(text)
        for button in (self._previous, self._next):
            button.setEnabled(total > 0)

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in _KEYS:
            event.accept()  # or Esc would stop an answer
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        back = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.key() == Qt.Key.Key_Escape:
            self.close_bar()
        elif event.key() in _KEYS:
            self.step_requested.emit(-1 if back else 1)
        else:
            super().keyPressEvent(event)

    def _button(self, text: str, keys: str) -> QToolButton:
        made = QToolButton()
        made.setProperty("kind", "icon")
        size_icon(made, 14)
        set_tip(made, tr("{name} ({keys})", name=text, keys=keys))
        made.setAccessibleName(text)
        return made

    def _draw(self) -> None:
        self._previous.setIcon(self._theme.icon("caret-up"))
        self._next.setIcon(self._theme.icon("caret-down"))
        self._close.setIcon(self._theme.icon("x"))
