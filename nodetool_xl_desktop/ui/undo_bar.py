"""What was just deleted can be taken back for a while: a bar at the bottom of the chat says so."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QEnterEvent,
    QHideEvent,
    QKeyEvent,
    QKeySequence,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QTextEdit,
    QToolButton,
    QWidget,
)

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.inputs import is_escape
from nodetool_xl_desktop.ui.parts import ElidedLabel
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XS, Theme

#: How long it is offered, and how long at least after somebody pointed at it, in milliseconds.
STAYS_MS, STAYS_AFTER_MS = 10_000, 3_000
WIDEST = 520
#: Below this width the words have a line to themselves.
NARROW = 300
_numbers = count(1)


class UndoBar(QFrame):
    """Lies over the bottom of `area` while there is something to take back, without moving what is there.

    It waits while the mouse is over it, or the keys are in it. Ctrl+Z takes back too, wherever in the window the keys
    are, while the bar is seen; unless they are in a text that has something of its own to take back.

    Args:
        theme: the theme in force.
        area: what it lies over.
        rises: how far above the bottom of `area`, in device-independent pixels.
        stays_ms: how long it is offered, in milliseconds.
    """

    def __init__(self, theme: Theme, area: QWidget, *, rises: int = SPACE_L, stays_ms: int = STAYS_MS) -> None:
        super().__init__(area)
        self._theme = theme
        self._area = area
        self._rises = rises
        self._undo: Callable[[], None] | None = None
        self._number = 0  # what was offered later has a higher one
        self._stays_ms = self._left_ms = stays_ms
        self._is_watching = False
        self._watched: QWidget | None = None
        self.setObjectName("undoBar")
        self._text = ElidedLabel()
        self._button = QPushButton(tr("Undo"))
        self._button.setProperty("kind", "link")
        self._button.clicked.connect(self.take_back)
        self._dismiss = QToolButton()
        self._dismiss.setProperty("kind", "icon")
        self._dismiss.setToolTip(tr("Dismiss"))
        self._dismiss.setAccessibleName(tr("Dismiss"))
        self._dismiss.clicked.connect(self.forget)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_XS)
        buttons.addWidget(self._button)
        buttons.addStretch()
        buttons.addWidget(self._dismiss)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(SPACE_M, SPACE_XS, SPACE_S, SPACE_XS)
        self._row.setSpacing(SPACE_XS)
        self._row.addWidget(self._text, 1)
        self._row.addLayout(buttons)
        self._end = QTimer(self)
        self._end.setSingleShot(True)
        self._end.timeout.connect(self.forget)
        self._keys = QShortcut(QKeySequence.StandardKey.Undo, area)  # in all of its window
        self._keys.setEnabled(False)
        self._keys.activated.connect(self.take_back)
        area.installEventFilter(self)
        theme.changed.connect(self._show_icons)
        self._show_icons()
        self.hide()

    def lie_over(self, area: QWidget) -> None:
        """Lie over this instead, which stays while its pages come and go: what can be taken back is seen that long."""
        self._area.removeEventFilter(self)
        self._area = area
        self.setParent(area)
        self._keys.setParent(area)
        area.installEventFilter(self)

    def hand_to(self, other: UndoBar) -> None:
        """This one is seen no longer: what can be taken back is offered there for the rest of its time, if that is."""
        undo = self._undo
        if undo is None or not other._area.isVisible():
            return
        left_ms = self._end.remainingTime() if self._end.isActive() else self._left_ms
        self.forget()
        other.offer(self._text.text(), undo, max(left_ms, STAYS_AFTER_MS))

    def offer(self, text: str, undo: Callable[[], None], stays_ms: int = 0) -> None:
        """Say what was done, and offer to take it back; what was offered before cannot be taken back here any more.

        Args:
            text: such as "Message deleted".
            undo: takes it back; called at most once.
            stays_ms: how long, in milliseconds, where not as long as this bar offers all.
        """
        self._undo = undo
        self._text.setText(text)
        self._button.setAccessibleName(tr("{text}. Undo", text=text))
        self.setAccessibleName(text)
        self._number = next(_numbers)
        self._place()
        self.show()
        self.raise_()
        self._share_keys()
        self._watch_focus(True)
        self._end.stop()
        self._left_ms = stays_ms or self._stays_ms
        self._go_on()
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    @property
    def is_shown(self) -> bool:
        """Whether there is something to take back."""
        return self._undo is not None

    def take_back(self) -> None:
        """Take it back, where there is something."""
        undo = self._undo
        self.forget()
        if undo is not None:
            undo()

    def forget(self) -> None:
        """Offer it no longer."""
        self._undo = None
        self._end.stop()
        self._share_keys()
        self._watch_focus(False)
        self.hide()

    # Time

    def _go_on(self) -> None:
        """Let the time run, unless somebody is at it."""
        if self._undo is None:
            return
        if self.underMouse() or self._has_focus():
            if self._end.isActive():
                self._left_ms = max(self._end.remainingTime(), STAYS_AFTER_MS)
                self._end.stop()
        elif not self._end.isActive():
            self._end.start(self._left_ms)

    def _has_focus(self) -> bool:
        focused = QApplication.focusWidget()
        return focused is not None and self.isAncestorOf(focused)

    # Place

    def _place(self) -> None:
        area = self._area.rect()
        width = min(WIDEST, area.width() - 2 * SPACE_L)
        direction = QBoxLayout.Direction.TopToBottom if width < NARROW else QBoxLayout.Direction.LeftToRight
        if direction is not self._row.direction():
            self._row.setDirection(direction)
        height = self.sizeHint().height()
        self.setFixedSize(max(0, width), height)
        self.move(QPoint((area.width() - width) // 2, area.height() - height - self._rises))

    # Keys

    def _share_keys(self) -> None:
        """Of all bars that are seen in the window, the key is for what was done last and can still be taken back."""
        bars = [self, *(bar for bar in self.window().findChildren(UndoBar) if bar is not self)]
        offering = (bar for bar in bars if bar._undo is not None and bar.isVisible())
        last = max(offering, key=lambda bar: bar._number, default=None)
        for bar in bars:
            bar._keys.setEnabled(bar is last)

    def _watch_focus(self, on: bool) -> None:
        application = QApplication.instance()
        if not isinstance(application, QApplication):
            return
        if on and not self._is_watching:
            application.focusChanged.connect(self._focus_changed)
        elif not on and self._is_watching:
            application.focusChanged.disconnect(self._focus_changed)
        self._is_watching = on
        self._watch(application.focusWidget() if on else None)

    def _focus_changed(self, _before: QWidget | None, now: QWidget | None) -> None:
        self._watch(now)
        self._go_on()

    def _watch(self, widget: QWidget | None) -> None:
        """A text takes Ctrl+Z for itself before a shortcut hears of it, also where it has nothing to take back."""
        if self._watched is not None:
            self._watched.removeEventFilter(self)
        self._watched = widget
        if widget is not None:
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._area and event.type() is QEvent.Type.Resize and not self.isHidden():
            self._place()
        elif watched is self._watched and isinstance(event, QKeyEvent) and self._is_ours(event):
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    def _is_ours(self, event: QKeyEvent) -> bool:
        is_undo = event.type() is QEvent.Type.ShortcutOverride and event.matches(QKeySequence.StandardKey.Undo)
        return is_undo and self.isVisible() and not _has_own_undo(self._watched)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._place()
        self._share_keys()

    def hideEvent(self, event: QHideEvent) -> None:
        """The page that it lies over went: the key is for a bar that is seen."""
        super().hideEvent(event)
        self._share_keys()

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self._go_on()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._go_on()

    def event(self, event: QEvent) -> bool:
        if is_escape(event):  # or the window's own Esc would stop an answer
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.forget()
        else:
            super().keyPressEvent(event)

    def _show_icons(self) -> None:
        self._dismiss.setIcon(self._theme.icon("x"))


def _has_own_undo(widget: QWidget | None) -> bool:
    match widget:
        case QTextEdit() | QPlainTextEdit():
            return not widget.isReadOnly() and widget.document().isUndoAvailable()
        case QLineEdit():
            return widget.isUndoAvailable()
        case QAbstractSpinBox():  # it has the keys for the line in it
            return any(line.isUndoAvailable() for line in widget.findChildren(QLineEdit))
    return False
