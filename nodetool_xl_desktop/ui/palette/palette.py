"""The palette itself: a field over the window, and below it what answers to what is typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QFrame, QLineEdit, QVBoxLayout, QWidget
from shiboken6 import Shiboken

from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.inputs import is_escape
from nodetool_xl_desktop.ui.palette.entries import Entry, Offers
from nodetool_xl_desktop.ui.palette.palette_list import LineView, said
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XL

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.main_window import MainWindow

WIDTH = 600
#: So many lines are seen at once, where the window has room for them.
LINES = 11
#: So many actions that were used are remembered.
REMEMBERED = 20


class _Field(QLineEdit):
    """What is typed; the keys that choose a line go to the palette."""

    #: So many lines further, and whether it goes on at the other end.
    stepped = Signal(int, bool)
    left = Signal()

    def event(self, event: QEvent) -> bool:
        if is_escape(event):  # or the window's own Esc would stop an answer
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        match event.key():
            case keys.Key_Up | keys.Key_Down as key:
                self.stepped.emit(1 if key == keys.Key_Down else -1, True)
            case keys.Key_PageUp | keys.Key_PageDown as key:
                self.stepped.emit(LINES - 1 if key == keys.Key_PageDown else 1 - LINES, False)
            case keys.Key_Escape:
                self.left.emit()
            case _:
                super().keyPressEvent(event)

    def focusNextPrevChild(self, forwards: bool) -> bool:
        """Tab goes through the lines: nothing else of the palette takes keys."""
        self.stepped.emit(1 if forwards else -1, True)
        return True


class Palette(QFrame):
    """Lies over the window while it is open, and goes when the keys go elsewhere.

    Args:
        window: whose actions, models and chats it offers.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.setObjectName("palette")
        self._window = window
        self._offers: Offers | None = None
        self._before: QWidget | None = None
        self.field = _Field()
        self.field.setObjectName("search")
        self.view = LineView(window.theme)
        self._nothing = label(tr("Nothing is called so."), "note")
        self._nothing.setContentsMargins(SPACE_M, 0, SPACE_M, SPACE_S)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_S, SPACE_S, SPACE_S, SPACE_S)
        layout.setSpacing(SPACE_S)
        layout.addWidget(self.field)
        layout.addWidget(self._nothing)
        layout.addWidget(self.view, 1)
        self.field.textEdited.connect(self._find)
        self.field.returnPressed.connect(self._run)
        self.field.stepped.connect(self._step)
        self.field.left.connect(self.close_palette)
        self.view.clicked.connect(self._run)
        window.installEventFilter(self)
        self.hide()

    def toggle(self, *, models_only: bool = False) -> None:
        """Open it, or close it.

        Args:
            models_only: offer models to load, and nothing else.
        """
        if self.isVisible():
            self.close_palette()
            return
        self._before = QApplication.focusWidget()
        self._offers = Offers(self._window, models_only=models_only)
        name = tr("Load which model?") if models_only else tr("What do you want to do?")
        self.field.setPlaceholderText(name)
        self.field.setAccessibleName(name)
        self.setAccessibleName(tr("Load Model") if models_only else tr("Command Palette"))
        self.field.clear()
        self._show(self._offers.all(self.recent))
        self._place()
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)
        _application().focusChanged.connect(self._focus_changed)

    def close_palette(self) -> None:
        """Close it; the keys go where they were before."""
        before, self._before = self._before, None
        self._leave()
        if before is not None and Shiboken.isValid(before) and before.isVisible():  # an answer may have taken it away
            before.setFocus(Qt.FocusReason.PopupFocusReason)

    def _leave(self) -> None:
        if self._offers is not None:
            self._offers = None
            _application().focusChanged.disconnect(self._focus_changed)
            self.hide()

    def _focus_changed(self, _before: QWidget | None, now: QWidget | None) -> None:
        if now is not None and not self.isAncestorOf(now):
            self._before = None
            self._leave()

    # What is offered

    @property
    def recent(self) -> list[str]:
        """The ids of the actions that were used here, the last one first."""
        return self._window.chosen.now[settings.LAST_COMMANDS].split()

    def _find(self, typed: str) -> None:
        if self._offers is not None:
            self._show(self._offers.find(typed, self.recent))
            self._say()

    def _show(self, entries: Sequence[Entry]) -> None:
        self.view.show_entries(entries)
        self._nothing.setVisible(not entries)

    def _step(self, by: int, goes_on: bool) -> None:
        self.view.step(by, goes_on=goes_on)
        self._say()

    def _say(self) -> None:
        """The keys are in the field, so a screen reader has to be told of the line."""
        if QAccessible.isActive():
            chosen = self.view.chosen
            words = said(chosen) if chosen is not None else self._nothing.text()
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.field, words))

    def _run(self) -> None:
        chosen = self.view.chosen
        if chosen is None or not chosen.is_enabled:
            return
        self.close_palette()  # first: what is done may be about what has the keys, or give them to something else
        if chosen.id:
            recent = [chosen.id, *(name for name in self.recent if name != chosen.id)][:REMEMBERED]
            self._window.chosen.choose(settings.LAST_COMMANDS, " ".join(recent))
        chosen.run()

    # Where it is

    def _place(self) -> None:
        """In the middle of the window, in its upper half; it stays as high as it is while one types."""
        room = self._window.rect()
        width = min(WIDTH, room.width() - 2 * SPACE_XL)
        self.ensurePolished()
        lines = min(len(self.view.lines.entries), LINES)
        wanted = self.field.sizeHint().height() + lines * self.view.line_height + 3 * SPACE_S + 2 * self.frameWidth()
        top = max(SPACE_XL, room.height() // 10)
        self.setGeometry((room.width() - width) // 2, top, width, min(wanted, room.height() - 2 * top))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._window and event.type() is QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)


def _application() -> QApplication:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    return application
