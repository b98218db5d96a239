"""Below a text that is too large to be shown at once: how much more there is, and the two ways to it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.ui.leaf.save_as import SaveAs
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_S


class MoreFoot(QWidget):
    """Says how much is left, shows more, or saves the whole."""

    more_requested = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._text = ""
        self._words = label("", "note")
        self._show = QPushButton(tr("Show More"))
        self._show.clicked.connect(self.more_requested)
        self._save = QPushButton(tr("Save as File ..."))
        self._save.clicked.connect(self._choose)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, SPACE_S, 0, SPACE_S)
        row.setSpacing(SPACE_S)
        for widget in (self._show, self._save, self._words):
            row.addWidget(widget)
        row.addStretch(1)

    def show_left(self, text: str, left: int, *, can_grow: bool) -> None:
        """Say how much is not shown.

        Args:
            text: the whole text.
            left: letters that are not shown, where nothing but their number stands against it.
            can_grow: whether more of it can be shown here at all.
        """
        self._text = text
        self._show.setVisible(can_grow)
        if can_grow:
            self._words.setText(
                trn(
                    "{left:,} of {count} letter is not shown.",
                    "{left:,} of {count:,} letters are not shown.",
                    len(text),
                    left=left,
                )
            )
        else:
            self._words.setText(
                tr("This text is too long to be shown in full ({units}).", units=units.memory(len(text)))
            )

    def _choose(self) -> None:
        SaveAs(self.window(), self._text, "message.md").saved.connect(self._saved)

    def _saved(self, name: str) -> None:
        self._words.setText(tr("Saved as {name}.", name=name))
