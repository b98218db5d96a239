"""What can be done with a message: which of it is possible, its keys, its menu, and the bar that comes while one points
at a message. There is one bar for all messages, as a button for each would be most of what a chat costs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import Enum

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.records import Message, State
from nodetool_xl_desktop.store.tree import Versions
from nodetool_xl_desktop.ui.action import Action, Where
from nodetool_xl_desktop.ui.action_places import action_of
from nodetool_xl_desktop.ui.action_places import of_key as key_in
from nodetool_xl_desktop.ui.parts import set_tip, size_icon
from nodetool_xl_desktop.ui.theme import Theme, scaled

BAR_HEIGHT = 26


class Do(Enum):
    """Something that can be done with a message, by the id of its row in `action_places`, in the order of the menu."""

    COPY = "message.copy"
    COPY_PLAIN = "message.copy_plain"
    COPY_RICH = "message.copy_rich"
    QUOTE = "message.quote"
    EDIT = "message.edit"
    CONTINUE = "message.continue"
    REGENERATE = "message.regenerate"
    WITH_MODEL = "message.with_model"
    WITH_SAMPLING = "message.with_sampling"
    PREVIOUS = "message.version_before"
    NEXT = "message.version_after"
    DETAILS = "message.details"
    FORK = "message.fork"
    DELETE = "message.delete"

    @property
    def row(self) -> Action:
        """How it is called, and its keys."""
        return action_of(self.value)


#: Where the menu has a line above.
_APART = (Do.EDIT, Do.PREVIOUS, Do.FORK, Do.DELETE)
#: What the bar has a button for; all of it is in the menu behind its last one.
_IN_BAR = {Do.COPY: "copy", Do.EDIT: "pencil-simple", Do.CONTINUE: "play", Do.REGENERATE: "arrow-clockwise"}
_REGENERATIONS = (Do.REGENERATE, Do.WITH_MODEL, Do.WITH_SAMPLING)
_BY_ID: dict[str | None, Do] = {each.value: each for each in Do}
_UNFINISHED = (State.CUT, State.STOPPED, State.INTERRUPTED, State.FAILED)


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
    return _BY_ID.get(key_in(Where.MESSAGE, event))


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
        action = made.addAction(tr("Copy Selection") if each is Do.COPY and Do.QUOTE in can else each.row.name)
        action.setEnabled(each in can)
        if each.row.keys:  # shown, not bound: the transcript hears the key
            action.setShortcuts(each.row.sequences)
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
        self._theme = theme
        self._buttons: dict[Do, QToolButton] = {}
        self._can: Collection[Do] = ()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for each in _IN_BAR:
            self._buttons[each] = self._button(each.row.name, each.row.tip)
            self._buttons[each].clicked.connect(lambda _checked=False, chosen=each: self.chosen.emit(chosen))
            row.addWidget(self._buttons[each])
        self._again = self._button(tr("Regenerate with ..."), tr("Regenerate with ..."))
        size_icon(self._again, 10)
        self._again.clicked.connect(self._offer_regenerations)
        row.addWidget(self._again)
        self._more = self._button(tr("More"), tr("{name} ({keys})", name=tr("More"), keys=tr("Menu")))
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

    def _button(self, text: str, tip: str) -> QToolButton:
        made = _Button()
        made.setProperty("kind", "icon")
        set_tip(made, tip)
        made.setAccessibleName(text)
        return made

    def _draw(self) -> None:
        for part in (self, *self.every_button):
            part.setFixedHeight(scaled(BAR_HEIGHT))
        for each, button in self._buttons.items():
            button.setIcon(self._theme.icon(_IN_BAR[each]))
        self._again.setIcon(self._theme.icon("caret-down"))
        self._more.setIcon(self._theme.icon("dots-three"))

    def _offer_regenerations(self) -> None:
        menu(self, self._can, self.chosen.emit, _REGENERATIONS).popup(self._below(self._again))

    @staticmethod
    def _below(button: QToolButton) -> QPoint:
        return button.mapToGlobal(QPoint(0, button.height()))
