"""Below a text that is too large to be shown at once: how much more there is, and the two ways to it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.tasks import in_thread
from nodetool_xl_desktop.ui.theme import SPACE_S


class MoreFoot(QWidget):
    """Says how much is left, shows more, or saves the whole."""

    more_requested = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._text = ""
        self._saving: asyncio.Task[None] | None = None
        self._words = label("", "note")
        self._show = QPushButton("Show More")
        self._show.clicked.connect(self.more_requested)
        self._save = QPushButton("Save as File ...")
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
            self._words.setText(f"{left:,} of {len(text):,} letters are not shown.")
        else:
            self._words.setText(f"This text is too long to be shown in full ({units.memory(len(text))}).")

    def _choose(self) -> None:
        dialog = QFileDialog(self, "Save the Text", "message.md")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.fileSelected.connect(self._write)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _write(self, path: str) -> None:
        text = self._text
        self._saving = asyncio.get_event_loop().create_task(self._save_to(Path(path), text))

    async def _save_to(self, path: Path, text: str) -> None:
        try:
            await in_thread(lambda: path.write_text(text, encoding="utf-8", errors="replace"))
            self._words.setText(f"Saved as {path.name}.")
        except OSError as error:
            self._words.setText(f"Could not be saved: {error.strerror or error}.")
