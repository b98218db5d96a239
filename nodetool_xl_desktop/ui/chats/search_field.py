"""What a search is typed into, and the small buttons that filter what is found."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QMenu, QSizePolicy, QToolButton

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.inputs import is_escape
from nodetool_xl_desktop.ui.parts import caption
from nodetool_xl_desktop.ui.theme import Theme


class SearchField(QLineEdit):
    """Where the words are typed. Down goes into what is found, Enter opens the first of it, Esc clears."""

    down_pressed = Signal()
    enter_pressed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("search")
        self.setPlaceholderText(tr("Search all chats"))
        self.setAccessibleName(tr("Search all chats"))
        self._theme = theme
        self._glass = QAction(self)
        self._glass.setEnabled(False)
        self._clear = QAction(tr("Clear the search"), self)
        self._clear.triggered.connect(self.clear)
        self.addAction(self._glass, QLineEdit.ActionPosition.LeadingPosition)
        self.addAction(self._clear, QLineEdit.ActionPosition.TrailingPosition)
        self.textChanged.connect(lambda text: self._clear.setVisible(bool(text)))
        self._clear.setVisible(False)
        theme.changed.connect(self._show_icons)
        self._show_icons()

    def event(self, event: QEvent) -> bool:
        if is_escape(event) and self.text():  # the window's own Esc stops an answer
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Down:
                self.down_pressed.emit()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.enter_pressed.emit()
            case Qt.Key.Key_Escape if self.text():
                self.clear()
            case _:
                super().keyPressEvent(event)

    def _show_icons(self) -> None:
        self._glass.setIcon(self._theme.icon("magnifying-glass"))
        self._clear.setIcon(self._theme.icon("x"))


class FilterButton(QToolButton):
    """One of a few values; the first of them filters nothing.

    Args:
        name: what a screen reader calls it.
    """

    #: Of its words there may be so little, in device-independent pixels.
    LEAST = 40

    changed = Signal()

    def __init__(self, name: str, values: list[str]) -> None:
        super().__init__()
        self._name, self._short = name, {tr("Last 7 Days"): tr("7 Days"), tr("Last 30 Days"): tr("30 Days")}
        self.setProperty("kind", "toggle")
        self.setCheckable(True)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        menu = QMenu(self)
        self.setMenu(menu)
        self._none = values[0]
        self.value = values[0]
        self.offer(values)

    def offer(self, values: list[str]) -> None:
        """Offer these; one that was chosen and is not among them any more is not chosen any more."""
        self.menu().clear()
        for value in values:
            self.menu().addAction(caption(value)).triggered.connect(partial(self.choose, value))
        self._show(self.value if self.value in values else self._none)

    def choose(self, value: str, _checked: bool = False) -> None:
        """Filter by this one."""
        if value != self.value:
            self._show(value)
            self.changed.emit()

    def minimumSizeHint(self) -> QSize:
        """Narrower than its words: a row of them must not be taken for wider than it is, and so for lower."""
        hint = super().minimumSizeHint()
        return QSize(min(self.LEAST, hint.width()), hint.height())

    @property
    def is_set(self) -> bool:
        """Whether it filters anything."""
        return self.value != self._none

    def _show(self, value: str) -> None:
        self.value = value
        self.setText(caption(self._short.get(value, value), 12))
        self.setToolTip(f"{self._name}: {caption(value)}")
        self.setAccessibleName(f"{self._name}: {value}")
        self.setChecked(self.is_set)

    def nextCheckState(self) -> None:
        """A click opens the menu; what is checked is what filters."""

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 22, 26)
