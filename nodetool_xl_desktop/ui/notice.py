"""A notice: what happened, why, and what to do about it, with the remedy as a button."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.ui.parts import label, restyle
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XS

#: Beside the words there is room for buttons that take less than one of so many parts of the width.
PARTS = 3
Tone = Literal["good", "warning", "bad", "plain"]


class Notice(QFrame):
    """One notice; hidden while it has nothing to say."""

    #: The person pressed the remedy.
    remedy_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._error: UserFacingError | None = None
        self._what = label("", "strong", wrap=True)
        self._text = label("", wrap=True, selects=True)
        self._text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.remedy = QPushButton()
        self.remedy.setProperty("kind", "link")
        self.remedy.clicked.connect(self.remedy_requested)
        words = QVBoxLayout()
        words.setSpacing(SPACE_XS)
        words.addWidget(self._what)
        words.addWidget(self._text)
        words.addStretch()
        self._row = layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_M, SPACE_S + 2, SPACE_S, SPACE_S + 2)
        layout.addLayout(words, 1)
        self.buttons = QVBoxLayout()
        self.buttons.setSpacing(0)
        self.buttons.addWidget(self.remedy, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(self.buttons)
        self.hide()

    def tell(
        self,
        what: str,
        text: str = "",
        *,
        tone: Tone = "warning",
        remedy: str = "",
    ) -> None:
        """Show a notice; without `remedy` there is no button."""
        self._error = None
        for part, words in ((self._what, what), (self._text, text), (self.remedy, remedy)):
            part.setText(words)
            part.setVisible(bool(words))
        restyle(self, "notice", tone)
        for part in (self._what, self._text, self.remedy):  # their colours follow the frame's
            part.style().polish(part)
        self.setAccessibleName(f"{what} {text}".strip())
        self.show()

    def fit(self, width: int) -> None:
        """Put the buttons below the words where they would leave them too little of this width."""
        is_narrow = PARTS * self.buttons.sizeHint().width() > width
        direction = QHBoxLayout.Direction.TopToBottom if is_narrow else QHBoxLayout.Direction.LeftToRight
        if direction is not self._row.direction():
            self._row.setDirection(direction)

    def tell_error(self, error: UserFacingError, remedy: str = "") -> None:
        """Show an error: what happened, then why and what to do."""
        self.tell(error.what, error.explanation, tone="bad", remedy=remedy)
        self._error = error

    def untell(self, error: UserFacingError) -> None:
        """This is over; whatever else it shows stays."""
        if self._error is error:
            self.hide()

    @property
    def text(self) -> str:
        """Everything it says, for a screen reader and for tests."""
        return "" if self.isHidden() else self.accessibleName()
