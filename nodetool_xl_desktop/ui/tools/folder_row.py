"""The folder that the person opened for a chat: what the model's tools may read, and nothing beside it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.parts import ElidedLabel, set_tip
from nodetool_xl_desktop.ui.theme import SPACE_XS, Theme, scaled


class FolderRow(QWidget):
    """Names the folder with a button that closes it, or offers to choose one.

    Args:
        theme: the theme in force.
    """

    choose_requested = Signal()
    close_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._choose = QPushButton(tr("Choose Folder ..."))
        self._choose.setProperty("kind", "quiet")
        set_tip(self._choose, tr("A folder that the tools of this chat may read"))
        self._icon = QLabel()
        self._name = ElidedLabel()
        self._close = QToolButton()
        self._close.setProperty("kind", "icon")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_XS + 2)
        for part in (self._icon, self._name, self._close, self._choose):
            layout.addWidget(part, 1 if part is self._name else 0)
        layout.addStretch()
        self.setMinimumHeight(26)
        self._choose.clicked.connect(self.choose_requested)
        self._close.clicked.connect(self._ask_close)
        theme.changed.connect(self._draw)
        self.show_folder(None)
        self._draw()

    @property
    def inputs(self) -> tuple[QWidget, ...]:
        """In the order of the tab key."""
        return (self._choose, self._close)

    @property
    def text(self) -> str:
        """What is said of the folder; empty for none."""
        return self._name.text() if not self._name.isHidden() else ""

    def show_folder(self, folder: Path | None) -> None:
        """This one is open; None: none is."""
        for part in (self._icon, self._name, self._close):
            part.setVisible(folder is not None)
        self._choose.setVisible(folder is None)
        name = (folder.name or str(folder)) if folder is not None else ""
        self._name.setText(name)
        self._name.setAccessibleName(tr("Folder of this chat: {folder}", folder=folder) if folder is not None else "")
        for part in (self._icon, self._name):
            set_tip(part, tr("The tools of this chat may read {folder}", folder=folder) if folder is not None else "")
        self._close.setAccessibleName(tr("Close the folder {name}", name=name))
        set_tip(self._close, tr("Close the folder: the tools of this chat read nothing of it any more"))

    def _ask_close(self) -> None:
        self._choose.show()
        self._choose.setFocus()  # else the keys go anywhere
        self.close_requested.emit()

    def _draw(self) -> None:
        self._icon.setPixmap(self._theme.icon("folder-open", "accent").pixmap(*2 * (scaled(16),)))
        self._close.setIcon(self._theme.icon("x"))
