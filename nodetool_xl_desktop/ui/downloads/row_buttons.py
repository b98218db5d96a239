"""The buttons of one download: those that its state leaves something to do for, each in its place."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from nodetool_xl_desktop.core.translation import mark, tr
from nodetool_xl_desktop.hub.standing import Download, State
from nodetool_xl_desktop.ui.action_places import action_of
from nodetool_xl_desktop.ui.downloads import download_words as words
from nodetool_xl_desktop.ui.theme import Theme


class Wish(StrEnum):
    """What a person wants of a download."""

    PAUSE = mark("Pause")
    RESUME = mark("Resume")
    RETRY = mark("Retry")
    CANCEL = mark("Cancel")
    UP = mark("Move Up")
    DOWN = mark("Move Down")
    LOAD = mark("Load")
    SHOW = mark("Show in My Models")


#: What the one button does that goes with the state, with its icon.
_MAIN = {
    State.WAITING: (Wish.PAUSE, "pause"),
    State.RUNNING: (Wish.PAUSE, "pause"),
    State.CHECKING: (Wish.PAUSE, "pause"),
    State.PAUSED: (Wish.RESUME, "play"),
    State.FAILED: (Wish.RETRY, "arrow-clockwise"),
}


class RowButtons(QObject):
    """The buttons of a row, which lays them out.

    Args:
        theme: the theme in force.
        row: takes the keys when the button goes that has them.
        download: what they are for at first.
    """

    #: The person wants this: a `Wish`.
    wished = Signal(object)

    def __init__(self, theme: Theme, row: QWidget, download: Download) -> None:
        super().__init__(row)
        self._theme = theme
        self._row = row
        self._download = download
        self._said: tuple[object, ...] = ()
        self.movable = (False, False)
        self.up, self.down, self.main, self.cancel = (_icon_button() for _ in range(4))
        self.again = _text_button(tr("Retry"), "link")
        self.show_it = _text_button(tr(Wish.SHOW.value), "link")
        self.load = _text_button(tr(Wish.LOAD.value), "primary")
        for button, wish in (
            (self.up, Wish.UP),
            (self.down, Wish.DOWN),
            (self.cancel, Wish.CANCEL),
            (self.again, Wish.RETRY),
            (self.show_it, Wish.SHOW),
            (self.load, Wish.LOAD),
        ):
            button.clicked.connect(lambda _checked=False, wish=wish: self.wished.emit(wish))
        self.main.clicked.connect(self.do_main)
        theme.changed.connect(self._show_icons)

    @property
    def all(self) -> tuple[QToolButton | QPushButton, ...]:
        """Where the keys go after the row itself, in this order."""
        return self.up, self.down, self.main, self.cancel, self.again, self.show_it, self.load

    def do_main(self) -> None:
        """Do what goes with the state: pause, resume or retry."""
        wish, _ = _MAIN.get(self._download.state, (None, ""))
        if wish is not None:
            self.wished.emit(wish)

    def show_for(self, download: Download, movable: tuple[bool, bool]) -> None:
        """Show those that are of use now.

        Args:
            download: what they are for.
            movable: whether there is a row above it, and one below it, to change places with.
        """
        self._download, self.movable = download, movable
        state = download.state
        is_done, is_failed = state is State.DONE, state is State.FAILED
        waits = download.retry_in_s is not None and state in words.ACTIVE
        policy = self.main.sizePolicy()  # beside a failed one its place stays, or the arrows would not stand in a line
        policy.setRetainSizeWhenHidden(not is_done)
        self.main.setSizePolicy(policy)
        for button, is_visible in (
            (self.up, any(movable) and not is_done),
            (self.down, any(movable) and not is_done),
            (self.main, not (is_done or is_failed)),
            (self.cancel, not is_done),
            (self.again, waits or is_failed),
            (self.show_it, is_done and download.path is not None),
            (self.load, is_done and download.path is not None),
        ):
            self._keep_keys(button, is_visible)
            if button.isHidden() is is_visible:
                button.setVisible(is_visible)
        for button, can_move in zip((self.up, self.down), movable, strict=True):
            self._keep_keys(button, can_move)
            button.setEnabled(can_move)
        self.again.setText(tr("Try Now") if waits else tr("Retry"))
        self._show_icons()

    def _keep_keys(self, button: QWidget, stays: bool) -> None:
        """Where the one goes that has the keys, the row takes them."""
        if not stays and button.hasFocus():
            self._row.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_icons(self) -> None:
        """Draw the pictures of the buttons, and say what they do: only where that is another than before, as a picture
        takes a millisecond."""
        state = self._download.state
        said = words.name_of(self._download), state, self.again.text(), self._theme.tokens
        if said == self._said:
            return
        self._said = said
        wish, icon = _MAIN.get(state, (Wish.PAUSE, "pause"))
        cancels = mark("Remove") if state is State.FAILED else Wish.CANCEL.value
        for button, name, tip, action in (
            (self.up, "arrow-up", Wish.UP.value, "download.up"),
            (self.down, "arrow-down", Wish.DOWN.value, "download.down"),
            (self.main, icon, wish.value, "download.main"),
            (self.cancel, "x", cancels, "download.cancel"),
        ):
            button.setIcon(self._theme.icon(name))
            button.setToolTip(tr("{name} ({keys})", name=tr(tip), keys=action_of(action).keys_text))
            button.setAccessibleName(f"{tr(tip)}: {said[0]}")
        for told in (self.again, self.show_it, self.load):
            told.setAccessibleName(f"{told.text()}: {said[0]}")


def _icon_button() -> QToolButton:
    made = QToolButton()
    made.setProperty("kind", "icon")
    made.setCursor(Qt.CursorShape.ArrowCursor)
    made.hide()
    return made


def _text_button(text: str, kind: str) -> QPushButton:
    made = QPushButton(text)
    made.setProperty("kind", kind)
    made.setAutoDefault(False)
    made.setCursor(Qt.CursorShape.ArrowCursor)
    made.hide()
    return made
