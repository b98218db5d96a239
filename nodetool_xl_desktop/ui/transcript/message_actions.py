"""What can be done with a message: which of it is possible, its keys, its menu, and the bar that comes while one points
at a message. There is one bar for all messages, as a button for each would be most of what a chat costs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QKeyCombination, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.records import Message, State
from nodetool_xl_desktop.store.tree import Versions
from nodetool_xl_desktop.ui.parts import set_tip
from nodetool_xl_desktop.ui.theme import Theme

ICON_SIZE = QSize(16, 16)
BAR_HEIGHT = 26


@dataclass(frozen=True, slots=True)
class _Look:
    text: str
    keys: str = ""
    icon: str = ""


class Do(Enum):
    """Something that can be done with a message, in the order of the menu."""

    COPY = _Look("Copy as Markdown", "Ctrl+C", "copy")
    COPY_PLAIN = _Look("Copy as Plain Text", "Ctrl+Shift+C")
    COPY_RICH = _Look("Copy as Rich Text", "Ctrl+Alt+C")
    QUOTE = _Look("Quote Selection", "Ctrl+Shift+Q")
    EDIT = _Look("Edit", "E", "pencil-simple")
    CONTINUE = _Look("Continue", "Alt+Return", "play")
    REGENERATE = _Look("Regenerate", "Ctrl+Return", "arrow-clockwise")
    WITH_MODEL = _Look("Regenerate with Another Model ...")
    WITH_SAMPLING = _Look("Regenerate with Other Sampling ...")
    PREVIOUS = _Look("Previous Version", "Alt+Left")
    NEXT = _Look("Next Version", "Alt+Right")
    DETAILS = _Look("How It Was Made", "I")
    FORK = _Look("Fork Chat Here", "F", "git-fork")
    DELETE = _Look("Delete with All Below", "Ctrl+Delete", "trash")


#: Where the menu has a line above.
_APART = (Do.EDIT, Do.PREVIOUS, Do.FORK, Do.DELETE)
#: What the bar has a button for; all of it is in the menu behind its last one.
_IN_BAR = (Do.COPY, Do.EDIT, Do.CONTINUE, Do.REGENERATE)
_REGENERATIONS = (Do.REGENERATE, Do.WITH_MODEL, Do.WITH_SAMPLING)
_UNFINISHED = (State.CUT, State.STOPPED, State.INTERRUPTED, State.FAILED)
_KEYS = {QKeySequence(each.value.keys): each for each in Do if each.value.keys}


def possible(message: Message, versions: Versions | None, *, answering: bool, selected: bool) -> set[Do]:
    """What can be done with a message now.

    Args:
        versions: those that stand at its place.
        answering: an answer of this chat is being written: nothing is asked meanwhile, nor taken away under it.
        selected: some of the message is selected.
    """
    can = {Do.COPY, Do.COPY_PLAIN, Do.COPY_RICH} if message.text else set()
    if selected:
        can.add(Do.QUOTE)
    if message.is_open:
        return can
    can |= {Do.EDIT, Do.FORK}
    if not answering:
        can.add(Do.DELETE)
        can |= {Do.DETAILS} if message.role == "assistant" else set()
        if message.role == "assistant":
            can |= set(_REGENERATIONS)
            if message.state in _UNFINISHED and message.text:
                can.add(Do.CONTINUE)
    if versions is not None:
        can |= {Do.PREVIOUS} if versions.index else set()
        can |= {Do.NEXT} if versions.index + 1 < versions.count else set()
    return can


def of_key(event: QKeyEvent) -> Do | None:
    """What a key does with the message that has the focus."""
    key = Qt.Key.Key_Return if event.key() == Qt.Key.Key_Enter else Qt.Key(event.key())
    held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    return _KEYS.get(QKeySequence(QKeyCombination(held, key)))


def menu(parent: QWidget, can: Collection[Do], do: Callable[[Do], None], only: Collection[Do] | None = None) -> QMenu:
    """A menu of what can be done; what cannot is left out, but for what a person would look for."""
    made = QMenu(parent)
    for each in Do:
        if (only is not None and each not in only) or (
            each not in can and each not in (Do.COPY, Do.QUOTE, Do.EDIT, Do.DELETE)
        ):
            continue
        if each in _APART and not made.isEmpty():
            made.addSeparator()
        # What is selected is copied in all three forms at once.
        action = made.addAction(tr("Copy Selection") if each is Do.COPY and Do.QUOTE in can else each.value.text)
        action.setEnabled(each in can)
        if each.value.keys:  # shown, not bound: the transcript hears the key
            action.setShortcut(QKeySequence(each.value.keys))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.setShortcutVisibleInContextMenu(True)
        action.triggered.connect(lambda _checked=False, chosen=each: do(chosen))
    made.aboutToHide.connect(made.deleteLater)
    return made


class _Button(QToolButton):
    """Leaves the keys that go from message to message to the chat; a button takes every arrow."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()
        else:
            super().keyPressEvent(event)


class ActionBar(QFrame):
    """The buttons of one message."""

    #: A `Do`.
    chosen = Signal(object)
    #: The whole menu is wanted, here on the screen.
    menu_requested = Signal(QPoint)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("messageActions")
        self.setAccessibleName(tr("Message actions"))
        self.setFixedHeight(BAR_HEIGHT)
        self._theme = theme
        self._buttons: dict[Do, QToolButton] = {}
        self._can: Collection[Do] = ()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for each in _IN_BAR:
            self._buttons[each] = self._button(each.value.text, each.value.keys)
            self._buttons[each].clicked.connect(lambda _checked=False, chosen=each: self.chosen.emit(chosen))
            row.addWidget(self._buttons[each])
        self._again = self._button(tr("Regenerate with ..."), "")
        self._again.clicked.connect(self._offer_regenerations)
        row.addWidget(self._again)
        self._more = self._button(tr("More"), tr("Menu"))
        self._more.clicked.connect(lambda: self.menu_requested.emit(self._below(self._more)))
        row.addWidget(self._more)
        theme.changed.connect(self._draw)
        self._draw()
        self.hide()

    @property
    def every_button(self) -> list[QToolButton]:
        """All of them, from left to right."""
        return [*self._buttons.values(), self._again, self._more]

    @property
    def buttons(self) -> list[QToolButton]:
        """Those that can be pressed."""
        return [each for each in self.every_button if not each.isHidden()]

    def show_possible(self, can: Collection[Do]) -> None:
        """Offer this."""
        self._can = can
        for each, button in self._buttons.items():
            button.setVisible(each in can)
        self._again.setVisible(Do.WITH_MODEL in can)
        self.adjustSize()

    def _button(self, text: str, keys: str) -> QToolButton:
        made = _Button()
        made.setProperty("kind", "icon")
        made.setIconSize(ICON_SIZE)
        made.setFixedHeight(BAR_HEIGHT)
        set_tip(made, f"{text} ({keys})" if keys else text)
        made.setAccessibleName(text)
        return made

    def _draw(self) -> None:
        for each, button in self._buttons.items():
            button.setIcon(self._theme.icon(each.value.icon))
        self._again.setIcon(self._theme.icon("caret-down"))
        self._again.setIconSize(QSize(10, 10))
        self._more.setIcon(self._theme.icon("dots-three"))

    def _offer_regenerations(self) -> None:
        menu(self, self._can, self.chosen.emit, _REGENERATIONS).popup(self._below(self._again))

    @staticmethod
    def _below(button: QToolButton) -> QPoint:
        return button.mapToGlobal(QPoint(0, button.height()))
