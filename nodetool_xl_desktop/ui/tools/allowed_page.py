"""What the model's tools may do without asking, each with a button that takes it back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.content_scroll import ContentScroll
from nodetool_xl_desktop.ui.parts import ElidedLabel, label, set_tip
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S
from nodetool_xl_desktop.ui.tools.tool_values import Allowance

NOTHING = tr(
    "Nothing runs without asking. When a call waits for you, the menu of its Allow button has “Allow in This Chat” and"
    " “Always Allow”; what you choose there stands here, and can be taken back."
)
SOMETHING = tr("These run without asking.")


class AllowedPage(QWidget):
    """Shows what was allowed."""

    #: Take this back (an `Allowance`).
    revoke_requested = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._allowed: tuple[Allowance, ...] | None = None
        self._words = label("", "note", wrap=True)
        body = QWidget()
        body.setObjectName("allowedBody")
        self._rows = QVBoxLayout(body)
        self._rows.setContentsMargins(0, 0, SPACE_M, 0)
        self._rows.setSpacing(0)
        self.buttons: list[QPushButton] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_M)
        layout.addWidget(self._words)
        layout.addWidget(ContentScroll(body))
        layout.addStretch()
        self.show_allowed(())

    @property
    def text(self) -> str:
        """What it says above."""
        return self._words.text()

    def show_allowed(self, allowed: Sequence[Allowance]) -> None:
        """Show this."""
        if tuple(allowed) == self._allowed:
            return
        had_keys = next((at for at, button in enumerate(self.buttons) if button.hasFocus()), -1)
        self._allowed = tuple(allowed)
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self.buttons = []
        self._words.setText(SOMETHING if allowed else NOTHING)
        for each in allowed:
            self._rows.addWidget(self._row(each))
        if had_keys >= 0:
            following = self.buttons[min(had_keys, len(self.buttons) - 1)] if self.buttons else self
            following.setFocus()

    def _row(self, allowed: Allowance) -> QWidget:
        made = QFrame()
        made.setProperty("kind", "lined")
        title, note = ElidedLabel("strong"), ElidedLabel("note")
        title.setText(allowed.title)
        where = tr("in every chat") if allowed.chat_id is None else tr("in the chat that is shown")
        what = allowed.subject or tr("everything it is asked for")
        note.setText(" · ".join(filter(None, [allowed.source, what, where])))
        set_tip(note, note.text())
        revoke = QPushButton(tr("Revoke"))
        revoke.setAutoDefault(False)
        revoke.setAccessibleName(tr("Revoke: {title}, {note}", title=allowed.title, note=note.text()))
        revoke.clicked.connect(partial(self.revoke_requested.emit, allowed))
        self.buttons.append(revoke)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(title)
        words.addWidget(note)
        row = QHBoxLayout(made)
        row.setContentsMargins(0, SPACE_S, 0, SPACE_S)
        row.addLayout(words, 1)
        row.addWidget(revoke)
        return made
