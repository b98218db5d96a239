"""Says in the window that a download is done, and offers to load what came."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QToolButton

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.standing import Download
from nodetool_xl_desktop.ui.downloads.download_words import name_of
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.theme import Theme


class DoneNotice(Notice):
    """About the one that ended last; hidden until one does, and when it was read.

    Args:
        theme: the theme in force.
    """

    #: Load the model of this path.
    load_requested = Signal(Path)
    #: It came, or went.
    changed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._path: Path | None = None
        self.dismiss = QToolButton()
        self.dismiss.setProperty("kind", "icon")
        self.dismiss.setToolTip(tr("Dismiss"))
        self.dismiss.setAccessibleName(tr("Dismiss"))
        self.dismiss.clicked.connect(self.end)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        layout = self.layout()
        if layout is not None:
            layout.addWidget(self.dismiss)
            layout.setAlignment(self.dismiss, Qt.AlignmentFlag.AlignTop)
        self.remedy_requested.connect(self._load)
        theme.changed.connect(self._show_icon)
        self._show_icon()

    def tell_done(self, download: Download) -> None:
        """Say that this one is done."""
        self._path = download.path
        self.tell(
            name_of(download), tr("Downloaded"), tone="plain", remedy=tr("Load") if download.path is not None else ""
        )
        self.remedy.setAccessibleName(tr("Load {download}", download=name_of(download)))
        self.changed.emit()

    def end(self) -> None:
        """It was read."""
        if not self.isHidden():
            self.hide()
            self.changed.emit()

    def _load(self) -> None:
        self.end()
        if self._path is not None:
            self.load_requested.emit(self._path)

    def _show_icon(self) -> None:
        self.dismiss.setIcon(self._theme.icon("x"))
