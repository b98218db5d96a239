"""The dialog of the access token for one hub."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.discover.fitting import FittingDialog
from nodetool_xl_desktop.ui.inputs import Check, in_order
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import field, label
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XL, Theme

WIDTH = 580
#: A token is some 40 letters; nobody pastes a book.
LONGEST_TOKEN = 4000


class TokenDialog(FittingDialog):
    """Takes a token, and never shows the one that is kept.

    Args:
        theme: the theme in force.
        host: the hub that it is for.
        why: what it is wanted for; empty for nothing in particular.
        parent: the window.
    """

    #: Try this token, and keep it where the hub knows it.
    token_given = Signal(str)
    #: Forget the one that is kept.
    forget_requested = Signal()
    #: Open the page of the hub where tokens are made.
    page_requested = Signal()

    def __init__(self, theme: Theme, host: str, why: str = "", parent: QWidget | None = None) -> None:
        super().__init__(tr("Access Token"), WIDTH, parent)
        host = one_line(host, 80)
        self._is_kept = False
        self.edit = QLineEdit()
        self.edit.setFrame(False)
        self.edit.setEchoMode(QLineEdit.EchoMode.Password)
        self.edit.setMaxLength(LONGEST_TOKEN)
        self.edit.setPlaceholderText(tr("Paste a token that may read"))
        self.edit.setAccessibleName(tr("Access token for {host}", host=host))
        self.seen = Check(theme, tr("Show what I paste"))
        self.notice = Notice()
        self.page = QPushButton(tr("Make a Token ..."))
        self.forget = QPushButton(tr("Forget Token"))
        self.close_button = QPushButton(tr("Close"))
        self.keep = QPushButton(tr("Check and Keep"))
        self.keep.setProperty("kind", "primary")
        self.keep.setDefault(True)
        for each in (self.page, self.forget, self.close_button):
            each.setAutoDefault(False)
        self._why = label(why, wrap=True)
        self._why.setVisible(bool(why))
        self._where = label(
            tr(
                "The token is kept in the system's keyring, in no file of this program, and is sent to {host} "
                "and to no other host.",
                host=host,
            ),
            "note",
            wrap=True,
        )
        self._lay_out(host)
        self.edit.textChanged.connect(self._typed)
        self.seen.toggled.connect(self._show_letters)
        self.keep.clicked.connect(self._give)
        self.forget.clicked.connect(self.forget_requested)
        self.page.clicked.connect(self.page_requested)
        self.close_button.clicked.connect(self.reject)
        self.show_kept(is_kept=False)
        self._typed("")

    def _lay_out(self, host: str) -> None:
        foot = QHBoxLayout()
        foot.setSpacing(SPACE_S)
        foot.addWidget(self.forget)
        foot.addWidget(self.page)
        foot.addStretch()
        foot.addWidget(self.close_button)
        foot.addWidget(self.keep)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
        layout.setSpacing(SPACE_M)
        layout.addWidget(label(tr("Access token for {host}", host=host), "title", wrap=True))
        layout.addWidget(self._why)
        layout.addWidget(field(self.edit))
        layout.addWidget(self.seen)
        layout.addWidget(self._where)
        layout.addWidget(self.notice)
        layout.addStretch()
        layout.addLayout(foot)
        in_order(self.edit, self.seen, self.forget, self.page, self.close_button, self.keep)

    def show_kept(self, *, is_kept: bool) -> None:
        """Whether there is a token for this hub."""
        self._is_kept = is_kept
        self.forget.setVisible(is_kept)
        self.edit.setPlaceholderText(tr("Paste another token") if is_kept else tr("Paste a token that may read"))

    def show_busy(self, text: str) -> None:
        """Something is being done; nothing can be pressed meanwhile but Close."""
        self.notice.tell(text, tone="plain")
        self._set_enabled(False)
        self.fit_height()

    def show_done(self, what: str, text: str = "") -> None:
        """It was done."""
        self.edit.clear()
        self._set_enabled(True)
        self.notice.tell(what, text, tone="good")
        self.fit_height()
        self.close_button.setFocus()

    def show_problem(self, error: UserFacingError) -> None:
        """It was not done."""
        self._set_enabled(True)
        self.notice.tell_error(error)
        self.fit_height()
        self.edit.setFocus()
        self.edit.selectAll()

    def done(self, result: int) -> None:
        self.edit.clear()
        super().done(result)

    def _set_enabled(self, is_enabled: bool) -> None:
        self.edit.setEnabled(is_enabled)
        self.forget.setEnabled(is_enabled)
        self.keep.setEnabled(is_enabled and bool(self._token))

    @property
    def _token(self) -> str:
        return self.edit.text().strip()

    def _typed(self, _text: str) -> None:
        self.keep.setEnabled(bool(self._token))

    def _show_letters(self, is_seen: bool) -> None:
        self.edit.setEchoMode(QLineEdit.EchoMode.Normal if is_seen else QLineEdit.EchoMode.Password)

    def _give(self) -> None:
        if token := self._token:
            self.token_given.emit(token)
