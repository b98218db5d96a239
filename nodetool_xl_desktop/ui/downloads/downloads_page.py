"""The page of downloads in the centre of the window: what comes, what waits, what came, and what all may take.

Its figures are set only while it is seen; `shown` asks for them.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import file_size
from nodetool_xl_desktop.hub.standing import Download, Limits, State
from nodetool_xl_desktop.ui.chats.chat_places import ask_whether
from nodetool_xl_desktop.ui.closed_by_escape import ClosedByEscape
from nodetool_xl_desktop.ui.downloads import download_words as words
from nodetool_xl_desktop.ui.downloads.download_list import DownloadList
from nodetool_xl_desktop.ui.downloads.download_row import DownloadRow
from nodetool_xl_desktop.ui.downloads.limits_bar import LimitsBar
from nodetool_xl_desktop.ui.downloads.row_buttons import Wish
from nodetool_xl_desktop.ui.page_head import PageHead, icon_button
from nodetool_xl_desktop.ui.parts import label, restyle
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_XL, SPACE_XS, Theme

COLUMN = 760
#: From so many bytes on it is asked before what has come is removed.
ASK_FROM = 200_000_000


class DownloadsPage(ClosedByEscape):
    """All downloads, and what can be done with them.

    Args:
        theme: the theme in force.
    """

    #: It is seen, or not any longer: it wants figures, or none.
    seen = Signal(bool)
    #: The person wants this of that: a `Wish`, and the download's id.
    wished = Signal(object, str)
    #: This download shall be where that one is now, by their ids.
    moved = Signal(str, str)
    pause_all_requested = Signal()
    resume_all_requested = Signal()
    clear_requested = Signal()
    #: The person chose these: `Limits`.
    limits_changed = Signal(object)
    #: Find models to download.
    discover_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._downloads: tuple[Download, ...] = ()
        self.setObjectName("downloadsPage")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list = DownloadList(theme)
        self.limits = LimitsBar(theme)
        self.all_button = QPushButton(tr("Pause All"))
        self._room = label("", "note", wrap=True)
        self._back = icon_button(tr("Close Downloads"), tr("Close Downloads (Esc)"))
        self._pages = QStackedWidget()
        self._make_head()
        self._make_body()
        self._lay_out()
        self._connect()
        self._show_icons()
        self.show_downloads(())

    # What it looks like

    def _make_head(self) -> None:
        self._head = PageHead.of_closed(tr("Downloads"))
        self._head.row.addStretch()
        self._head.add(self.all_button, self._back)

    def _make_body(self) -> None:
        inside = QWidget()
        inside.setObjectName("downloadsBody")
        column = QHBoxLayout(inside)
        column.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
        self.list.setMaximumWidth(COLUMN)
        column.addStretch()
        column.addWidget(self.list, 1000)
        column.addStretch()
        self._scroll = QScrollArea()
        self._scroll.setObjectName("downloadsScroll")
        self._scroll.setWidgetResizable(True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inside)
        self._pages.addWidget(self._scroll)
        self._pages.addWidget(self._make_empty())

    def _make_empty(self) -> QWidget:
        empty = QWidget()
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._says, self._says_more = says, more = label("", "headline"), label("", "body", wrap=True)
        for each in (says, more):
            each.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.show_refusal(None)
        self.discover = QPushButton(tr("Discover Models"))
        self.discover.setProperty("kind", "primary")
        layout = QVBoxLayout(empty)
        layout.setSpacing(SPACE_M)
        layout.addStretch(2)
        for widget in (self._picture, says):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(more)
        layout.addWidget(self.discover, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)
        return empty

    def _lay_out(self) -> None:
        foot = QFrame()
        foot.setObjectName("downloadsLimits")
        inside = QVBoxLayout()
        inside.setSpacing(SPACE_XS)
        inside.addWidget(self.limits)
        inside.addWidget(self._room)
        stays = tr("Closing the window pauses downloads. They go on where they were when the program is started again.")
        inside.addWidget(label(stays, "note", wrap=True))
        held = QWidget()
        held.setLayout(inside)
        held.setMaximumWidth(COLUMN)
        inside.setContentsMargins(SPACE_XS, 0, SPACE_XS, 0)
        row = QHBoxLayout(foot)
        row.setContentsMargins(SPACE_XL, SPACE_M, SPACE_XL, SPACE_M)
        row.addStretch()
        row.addWidget(held, 1000)
        row.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._head)
        layout.addWidget(self._pages, 1)
        layout.addWidget(foot)

    def _connect(self) -> None:
        self._theme.changed.connect(self._show_icons)
        self._back.clicked.connect(self.closed)
        self.discover.clicked.connect(self.discover_requested)
        self.all_button.clicked.connect(self._do_all)
        self.list.wished.connect(self._wish)
        self.list.moved.connect(self.moved)
        self.list.clear_requested.connect(self.clear_requested)
        self.list.row_focused.connect(self._reveal)
        self.limits.changed.connect(self.limits_changed)

    def _show_icons(self) -> None:
        self._back.setIcon(self._theme.icon("x"))
        self._picture.setPixmap(self._theme.icon("download-simple").pixmap(QSize(40, 40)))

    # What it shows

    def show_downloads(self, downloads: Sequence[Download]) -> None:
        """Show these, in the order of the queue."""
        self._downloads = tuple(downloads)
        self.list.show_downloads(downloads)
        self._pages.setCurrentIndex(0 if downloads else 1)
        active = any(each.state in words.ACTIVE for each in downloads)
        paused = any(each.state is State.PAUSED for each in downloads)
        self.all_button.setText(tr("Pause All") if active or not paused else tr("Resume All"))
        if not (active or paused) and self.all_button.hasFocus() and not self.list.focus_first():
            self._back.setFocus(Qt.FocusReason.OtherFocusReason)
        self.all_button.setVisible(active or paused)

    def show_refusal(self, error: UserFacingError | None) -> None:
        """Say why nothing is downloaded here; None where nothing is wrong."""
        more = tr("What you download from Discover is shown here,\nand stays listed until you clear it.")
        if error is not None:
            more = error.explanation
        self._says.setText(tr("No Downloads") if error is None else error.what)
        self._says_more.setText(more)

    def show_room(self, free: int | None) -> None:
        """Say how many bytes are free on the disk of the models folder; None where that cannot be said."""
        said, is_short = words.room(free, self._downloads)
        self._room.setText(said or " ")  # its line stays, or all above it would move
        restyle(self._room, "kind", "problem" if is_short else "note")

    def show_limits(self, limits: Limits) -> None:
        """Show what downloads may take."""
        self.limits.show_limits(limits)

    def focus_list(self) -> None:
        """Give the keys to the first row, or else to what leads to models."""
        if not self.list.focus_first():
            self.discover.setFocus(Qt.FocusReason.OtherFocusReason)

    def _reveal(self, row: QWidget) -> None:
        if isinstance(row, DownloadRow):
            self._scroll.ensureWidgetVisible(row, 0, SPACE_L)

    # What a person does

    def _do_all(self) -> None:
        is_pause = self.all_button.text() == tr("Pause All")
        (self.pause_all_requested if is_pause else self.resume_all_requested).emit()

    def _wish(self, wish: Wish, key: str) -> None:
        """Ask first where much would be lost."""
        download = next((each for each in self._downloads if each.id == key), None)
        if download is None:
            return
        if wish is not Wish.CANCEL or download.done < ASK_FROM:
            self.wished.emit(wish, key)
            return
        question = tr("Remove the download of {download}?", download=words.name_of(download))
        text = tr(
            "{done} have come, and are removed with it. Pause it instead to keep them.", done=file_size(download.done)
        )
        ask_whether(self, question, text, tr("Remove Download"), lambda: self.wished.emit(wish, key))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.seen.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.seen.emit(False)
