"""One download on the page: what it is, how far it is, and what can be done with it. Its figures stand in columns of
one width, so that nothing moves while they change."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleInterface, QFocusEvent, QFont, QFontMetrics, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QSizePolicy,
    QVBoxLayout,
)

from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.standing import Download, State
from nodetool_xl_desktop.ui.accessible import Accessible
from nodetool_xl_desktop.ui.action import Where
from nodetool_xl_desktop.ui.action_places import of_key
from nodetool_xl_desktop.ui.downloads import download_words as words
from nodetool_xl_desktop.ui.downloads.row_buttons import RowButtons, Wish
from nodetool_xl_desktop.ui.parts import ElidedLabel, figure, label, restyle, set_tip
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XS, Theme, scaled

#: A bar's length in steps.
STEPS = 1000
#: The widest that the columns of figures hold.
_WIDEST = (tr("23 h 59 min left"), tr("999 MB/s"), tr("999.9 GB of 999.9 GB"))
#: How many pixels the mouse moves before a row is dragged.
_DRAG_FROM = 8
_NOTE_PIXELS = 12


class DownloadRow(QFrame):
    """One row, on which the keys can stand: Space pauses and resumes, Ctrl+Del cancels, Enter loads, Alt+Up and
    Alt+Down move.

    Args:
        theme: the theme in force.
        download: what it shows at first.
    """

    #: The person wants this: a `Wish`.
    wished = Signal(object)
    #: The keys shall go to the row that is so many further.
    stepped = Signal(int)
    #: The keys came to it.
    focused = Signal()
    #: It is dragged; the mouse is at this height of the screen.
    dragged = Signal(int)
    #: It is let go; True where it shall stay where it was.
    dropped = Signal(bool)

    def __init__(self, theme: Theme, download: Download) -> None:
        super().__init__()
        self.download = download
        self._pressed_at: int | None = None
        self._is_dragged = False
        self.setObjectName("downloadRow")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._name = ElidedLabel("strong")
        self._source = ElidedLabel("note")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, STEPS)
        self.bar.setFixedHeight(6)
        self.bar.setAccessibleName(tr("Progress"))
        self._state = ElidedLabel()
        self._state.setProperty("tone", "muted")
        self._figures = [_column(widest) for widest in _WIDEST]
        self._problem = label("", "note", wrap=True, selects=True)
        self.buttons = RowButtons(theme, self, download)
        self.buttons.wished.connect(self.wished)
        self._lay_out()
        self.show_download(download)

    # What it looks like

    def _lay_out(self) -> None:
        names = QVBoxLayout()
        names.setSpacing(2)
        names.addWidget(self._name)
        names.addWidget(self._source)
        top = QHBoxLayout()
        top.setSpacing(SPACE_XS)
        top.addLayout(names, 1)
        buttons = self.buttons
        for button in (buttons.up, buttons.down, buttons.main, buttons.cancel, buttons.show_it, buttons.load):
            top.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        foot = QHBoxLayout()
        foot.setSpacing(SPACE_M)
        foot.addWidget(self._state, 1)
        for column in self._figures:
            foot.addWidget(column)
        problem = QHBoxLayout()
        problem.setSpacing(SPACE_M)
        problem.addWidget(self._problem, 1)
        problem.addWidget(self.buttons.again, 0, Qt.AlignmentFlag.AlignVCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_L, SPACE_M, SPACE_M, SPACE_M)
        layout.setSpacing(SPACE_S)
        for part in (top, self.bar, foot, problem):
            if isinstance(part, QProgressBar):
                layout.addWidget(part)
            else:
                layout.addLayout(part)

    def accessible(self) -> QAccessibleInterface:
        """What a screen reader is told of it: an item of a list."""
        return Accessible(self, QAccessible.Role.ListItem)

    def show_download(self, download: Download) -> None:
        """Show how it stands now."""
        before, self.download = self.download, download
        self._name.setText(words.name_of(download))
        self._source.setText(words.source(download))
        said, tone = words.state_words(download)
        self._state.setText(said)
        restyle(self._state, "tone", tone)
        self._show_figures(download)
        self.bar.setValue(download.done * STEPS // download.size if download.size else 0)
        restyle(self.bar, "tone", _bar_tone(download))
        self._show_problem(download)
        self.buttons.show_for(download, self.buttons.movable)
        if before is download or before.files != download.files:
            set_tip(self._name, "\n".join(one_line(file.path) for file in download.files))
        # The name is told each time it is another, so it has no figures.
        self.setAccessibleName(f"{words.name_of(download)}, {tr(download.state.value)}")
        self.setAccessibleDescription(words.spoken(download))

    def _show_figures(self, download: Download) -> None:
        """Which columns there are depends on the state alone, so that none comes or goes with a figure."""
        is_done = download.state is State.DONE
        is_running = download.state is State.RUNNING and download.retry_in_s is None
        shown = (words.time_left(download), words.speed(download), words.sizes(download))
        for column, text, is_visible in zip(self._figures, shown, (is_running, is_running, not is_done), strict=True):
            column.setText(text)
            column.setVisible(is_visible)
        self._state.setVisible(not is_done)
        self.bar.setVisible(not is_done)

    def show_place(self, can_rise: bool, can_fall: bool) -> None:
        """Say whether there is a row above it and below it to change places with."""
        if self.buttons.movable != (can_rise, can_fall):
            self.buttons.show_for(self.download, (can_rise, can_fall))
            self._show_cursor()

    def _show_cursor(self) -> None:
        if any(self.buttons.movable):
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.unsetCursor()

    def show_held(self, is_held: bool) -> None:
        """Show that it is the one that is dragged."""
        restyle(self, "held", "true" if is_held else "false")

    def _show_problem(self, download: Download) -> None:
        error = download.error
        said = f"{error.what}. {error.explanation}".strip() if error is not None else ""
        self._problem.setText(one_line(said))
        self._problem.setVisible(bool(said))
        restyle(self._problem, "kind", "problem" if download.state is State.FAILED else "note")

    # What a person does

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        is_alone = held == Qt.KeyboardModifier.NoModifier
        key, does = event.key(), of_key(Where.DOWNLOAD, event)
        if does in ("download.up", "download.down"):
            if self.buttons.movable[does == "download.down"]:
                self.wished.emit(Wish.UP if does == "download.up" else Wish.DOWN)
        elif is_alone and key in (keys.Key_Up, keys.Key_Down):
            self.stepped.emit(-1 if key == keys.Key_Up else 1)
        elif is_alone and key == keys.Key_Escape and self._is_dragged:
            self._let_go(stays=True)
        elif does == "download.main" and self.hasFocus():
            self.buttons.do_main()
        elif does == "download.cancel" and self.download.state is not State.DONE:
            self.wished.emit(Wish.CANCEL)
        elif does == "download.load" and not self.buttons.load.isHidden():
            self.wished.emit(Wish.LOAD)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focused.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and any(self.buttons.movable):
            self._pressed_at = event.globalPosition().toPoint().y()
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed_at is None:
            return
        now = event.globalPosition().toPoint().y()
        if not self._is_dragged and abs(now - self._pressed_at) >= _DRAG_FROM:
            self._is_dragged = True
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        if self._is_dragged:
            self.dragged.emit(now)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self._let_go(stays=False)

    def _let_go(self, *, stays: bool) -> None:
        was_dragged, self._is_dragged, self._pressed_at = self._is_dragged, False, None
        if was_dragged:
            self._show_cursor()
            self.dropped.emit(stays)


def _bar_tone(download: Download) -> str:
    if download.state is State.FAILED:
        return "bad"
    if download.state is State.PAUSED:
        return "muted"
    return "warning" if download.retry_in_s is not None else "accent"


def _column(widest: str) -> QLabel:
    """A figure that is as wide as its widest."""
    made = figure("", "note")
    font = QFont(made.font())
    font.setPixelSize(scaled(_NOTE_PIXELS))
    made.setFixedWidth(QFontMetrics(font).horizontalAdvance(widest) + SPACE_XS)
    return made
