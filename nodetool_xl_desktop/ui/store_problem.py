"""What the window says of the chats on the disk: that they cannot be opened, and what should be known once they are."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store import records
from nodetool_xl_desktop.store.errors import StoreError, StoreFault
from nodetool_xl_desktop.ui.notice import Notice, Tone
from nodetool_xl_desktop.ui.parts import card_layout, label
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XL, SPACE_XS, Theme

WIDTH = 520
#: With these there is a file that cannot be used, which another one can take the place of.
REPLACEABLE = (StoreFault.DAMAGED, StoreFault.NOT_A_STORE)


class StoreProblem(QWidget):
    """Stands where the chat would: what is wrong, and what can be done.

    Args:
        theme: the theme in force.
    """

    #: Try to open the chats again.
    retry_requested = Signal()
    #: Set the file that cannot be used aside, and begin with what of it can be read.
    begin_anew_requested = Signal()
    #: Go on with chats that are not kept.
    unsaved_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setObjectName("storeProblem")
        self._what = label("", "headline", wrap=True)
        self._why = label("", "body", wrap=True, selects=True)
        self._hint = label("", "body", wrap=True, selects=True)
        for text in (self._why, self._hint):
            text.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
        self._retry = QPushButton(tr("Try Again"))
        self._retry.setProperty("kind", "primary")
        self._retry.clicked.connect(lambda: self._ask(self.retry_requested))
        self._anew = QPushButton(tr("Begin a New Store"))
        self._anew.clicked.connect(lambda: self._ask(self.begin_anew_requested))
        self._unsaved = QPushButton(tr("Go On Without Saving"))
        self._unsaved.clicked.connect(lambda: self._ask(self.unsaved_requested))
        self._notes = label("", "note", wrap=True)
        self._lay_out()
        theme.changed.connect(self._show_icons)
        self._show_icons()

    def tell(self, error: StoreError) -> None:
        """Show why the chats cannot be opened; the buttons work again."""
        self._what.setText(error.what)
        self._why.setText(_sentence(error.why))
        self._hint.setText(_sentence(error.hint))
        for text in (self._why, self._hint):
            text.setVisible(bool(text.text()))
        can_begin_anew = error.fault in REPLACEABLE
        self._anew.setVisible(can_begin_anew)
        self._notes.setText(_notes(can_begin_anew))
        for button in (self._retry, self._anew, self._unsaved):
            button.setEnabled(True)
        self.setAccessibleName(str(error))
        if self.isVisible():
            self._retry.setFocus()

    def _ask(self, signal: SignalInstance) -> None:
        """Pass on what was asked for, once: what comes of it takes a moment."""
        for button in (self._retry, self._anew, self._unsaved):
            button.setEnabled(False)
        signal.emit()

    def _lay_out(self) -> None:
        card = QFrame()
        card.setMaximumWidth(WIDTH)
        inside = card_layout(card)
        inside.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
        inside.setSpacing(SPACE_M)
        for text in (self._what, self._why, self._hint):
            inside.addWidget(text)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_S)
        for button in (self._retry, self._anew, self._unsaved):
            buttons.addWidget(button)
        buttons.addStretch()
        inside.addSpacing(SPACE_XS)
        inside.addLayout(buttons)
        inside.addWidget(self._notes)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(card, 1000)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_XL, SPACE_L, SPACE_XL, SPACE_L)
        layout.addStretch(2)
        layout.addLayout(row)
        layout.addStretch(3)

    def _show_icons(self) -> None:
        self._retry.setIcon(self._theme.icon("arrow-clockwise", "on_accent"))


class StoreBanners(QWidget):
    """What should be known of the chats, above them; takes no room while there is nothing.

    Args:
        theme: the theme in force.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(SPACE_S)
        self._told: list[_Banner] = []
        self._unsaved = self._make(dismissable=False)
        self._problem = self._make(dismissable=False)
        theme.changed.connect(self._show_icons)
        self._refresh()

    def tell_notices(self, notices: Sequence[records.Notice]) -> None:
        """Show what was found when the store was opened, until each is dismissed; what is shown already is not shown
        again.
        """
        for notice in notices:
            if any(banner.said == notice for banner in self._told):
                continue
            banner = self._make(dismissable=True)
            banner.said = notice
            banner.notice.tell(notice.what, " ".join(filter(None, map(_sentence, (notice.why, notice.hint)))))
            self._told.append(banner)
        self._refresh()

    def tell_unsaved(self, unsaved: bool = True) -> None:
        """Say, as long as it is so, that these chats go with the program."""
        self._unsaved.tell(
            tr("Chats of this session are not kept") if unsaved else "",
            tr("They are gone when the program ends. Export what you want to keep: Chat > Export."),
        )
        self._refresh()

    def tell_problem(self, problem: StoreError | None) -> None:
        """Say, as long as it is so, that what streams in cannot be written; None: it can be again."""
        why = "" if problem is None else " ".join(filter(None, map(_sentence, (problem.why, problem.hint))))
        self._problem.tell(
            "" if problem is None else problem.what,
            tr("{why} It is kept in memory, and tried again each second.", why=why),
            "bad",
        )
        self._refresh()

    @property
    def texts(self) -> list[str]:
        """What they say, from the top, for a screen reader and for tests."""
        banners = (self._unsaved, self._problem, *self._told)
        return [banner.notice.text for banner in banners if not banner.isHidden()]

    def _make(self, *, dismissable: bool) -> _Banner:
        banner = _Banner(self._theme, dismissable=dismissable)
        banner.dismissed.connect(lambda: self._dismiss(banner))
        self._layout.addWidget(banner)
        return banner

    def _dismiss(self, banner: _Banner) -> None:
        self._told.remove(banner)
        self._layout.removeWidget(banner)
        banner.hide()
        banner.deleteLater()
        self._refresh()

    def _refresh(self) -> None:
        self.setVisible(bool(self._told) or not self._unsaved.isHidden() or not self._problem.isHidden())

    def _show_icons(self) -> None:
        for banner in self._told:
            banner.show_icon()


class _Banner(QWidget):
    """One of them; hidden while it says nothing."""

    dismissed = Signal()

    def __init__(self, theme: Theme, *, dismissable: bool) -> None:
        super().__init__()
        self._theme = theme
        self.said: records.Notice | None = None
        self.notice = Notice()
        self._close = QToolButton()
        self._close.setProperty("kind", "icon")
        self._close.setToolTip(tr("Dismiss"))
        self._close.setAccessibleName(tr("Dismiss"))
        self._close.clicked.connect(self.dismissed)
        self.notice.buttons.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight)
        self._close.setVisible(dismissable)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.notice)
        if not dismissable:  # the others are shown where they lie: here that would make a window of them
            self.hide()
        self.show_icon()

    def tell(self, what: str, text: str, tone: Tone = "warning") -> None:
        """Say this; without `what`, nothing."""
        if what:
            self.notice.tell(what, text, tone=tone)
        self.setVisible(bool(what))

    def show_icon(self) -> None:
        self._close.setIcon(self._theme.icon("x", "warning"))


def _sentence(text: str) -> str:
    begun = f"{text[:1].upper()}{text[1:]}"
    return begun if not begun or begun.endswith((".", "!", "?")) else f"{begun}."


def _notes(can_begin_anew: bool) -> str:
    """What the buttons do, where that is more than their words say."""
    anew = (
        tr(
            "A new store begins with what can still be read of the old file. That one is kept beside it, as"
            " chats.damaged-, with the date in its name. "
        )
        if can_begin_anew
        else ""
    )
    return tr("{anew}Without saving, you can chat at once; those chats are gone when the program ends.", anew=anew)
