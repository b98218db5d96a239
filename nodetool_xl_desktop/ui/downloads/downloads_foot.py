"""The foot of the side bar: how far the downloads are, over whatever page is shown."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QProgressBar, QPushButton, QVBoxLayout

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.downloads.done_notice import DoneNotice
from nodetool_xl_desktop.ui.downloads.download_words import Total
from nodetool_xl_desktop.ui.parts import restyle
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_XS, Theme

STEPS = 1000
#: Between the edge of the button and its letters, in device-independent pixels: see the style sheet.
INSET = 5


class DownloadsFoot(QFrame):
    """ "2 downloads · 64 %" over a thin bar, and a notice where one is done; hidden while there is nothing to tell of.

    Args:
        theme: the theme in force.

    Attributes:
        notice: about the one that ended last.
    """

    #: Show the downloads.
    clicked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("downloadsFoot")
        self._total = Total()
        self.button = QPushButton()
        self.button.setProperty("kind", "foot")
        self.button.setToolTip(tr("Show Downloads"))
        font = QFont(self.button.font())
        font.setFeature(QFont.Tag("tnum"), 1)
        self.button.setFont(font)
        self.button.clicked.connect(self.clicked)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, STEPS)
        self._bar.setFixedHeight(3)
        self.notice = DoneNotice(theme)
        self.notice.changed.connect(self._show_whether)
        bar = QVBoxLayout()  # as far in as the button's letters
        bar.setContentsMargins(INSET, 0, INSET, 0)
        bar.addWidget(self._bar)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_M - INSET, 0, SPACE_M - INSET, 0)
        layout.setSpacing(SPACE_XS)
        layout.addWidget(self.notice)
        layout.addWidget(self.button)
        layout.addLayout(bar)
        self._show_whether()

    def show_total(self, total: Total) -> None:
        """Show what all come to."""
        if total == self._total:
            return
        self._total = total
        self.button.setText(total.words)
        self.button.setAccessibleName(tr("Downloads: {words}", words=total.words) if total.words else tr("Downloads"))
        restyle(self.button, "tone", "bad" if total.failed and not total.active else "muted")
        self._bar.setValue(total.done * STEPS // total.size if total.size else 0)
        restyle(self._bar, "tone", "muted" if total.paused and not total.active else "accent")
        self._show_whether()

    def _show_whether(self) -> None:
        total = self._total
        self.button.setVisible(not total.is_nothing)
        self._bar.setVisible(bool(total.active or total.paused))
        self.setVisible(not (total.is_nothing and self.notice.isHidden()))

    @property
    def words(self) -> str:
        """What it says of all; empty while there is nothing to say."""
        return "" if self.isHidden() else self._total.words
