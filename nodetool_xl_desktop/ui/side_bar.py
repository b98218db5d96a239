"""The bar on the left: the pages of chats, of models and of Discover with their tabs, and below them the downloads."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.chats.chat_browser import ChatBrowser
from nodetool_xl_desktop.ui.inputs import in_order, stops
from nodetool_xl_desktop.ui.models.models_page import ModelsPage
from nodetool_xl_desktop.ui.theme import SPACE_M, USUAL_PX, scaled, share

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.discover.search_page import SearchPage

WIDTH = 264
#: Of the window's width, at most, in larger letters.
SHARE = 0.3
#: Between the name of a tab and its edges, in all.
PADDING = 8


class Tab(IntEnum):
    """The pages, in their order."""

    CHATS = 0
    MODELS = 1
    DISCOVER = 2


class _Tabs(QTabBar):
    """The names of the pages, in letters in which all of them can be read."""

    def __init__(self) -> None:
        super().__init__()
        self._size = 0
        self.setDrawBase(False)
        self.setExpanding(True)
        self.setUsesScrollButtons(False)
        self.setElideMode(Qt.TextElideMode.ElideRight)

    def fit(self) -> None:
        """Where larger letters of the system leave no room for the names, these are as large as there is."""
        names = [self.tabText(at) for at in range(self.count())]
        least = min(USUAL_PX, scaled(USUAL_PX))
        size = next((each for each in range(scaled(USUAL_PX), least, -1) if self._fits(names, each)), least)
        wanted = size if size != scaled(USUAL_PX) else 0
        if wanted != self._size:
            self._size = wanted
            self.setStyleSheet(f"QTabBar {{ font-size: {wanted}px; }}" if wanted else "")

    def _fits(self, names: list[str], size: int) -> bool:
        font = QFont(self.font())
        font.setPixelSize(size)
        font.setWeight(QFont.Weight.DemiBold)  # any of them may be the one that is shown
        metrics = QFontMetrics(font)
        return sum(metrics.horizontalAdvance(name) + PADDING for name in names) <= self.width()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()


class SideBar(QFrame):
    """Chats, My Models and Discover.

    Args:
        chats: the first page.
        models: the second.
        discover: gives the third, when it is first shown.
        foot: stands below whatever page is shown.
    """

    #: Another page is shown.
    tab_changed = Signal()

    def __init__(
        self, chats: ChatBrowser, models: ModelsPage, discover: Callable[[], SearchPage], foot: QWidget
    ) -> None:
        super().__init__()
        self.setObjectName("sideBar")
        self.setFixedWidth(WIDTH)
        self.chats = chats
        self.models = models
        self._make_discover = discover
        self._tabs = _Tabs()
        self._tabs.setAccessibleName(tr("Side bar"))
        for name in (tr("Chats"), tr("Models"), tr("Discover")):
            self._tabs.addTab(name)
        around = QFrame()
        around.setObjectName("tabs")
        inside = QVBoxLayout(around)
        inside.setContentsMargins(2, 2, 2, 2)
        inside.addWidget(self._tabs)
        self._pages = QStackedWidget()  # not a QStackedLayout: without a parent it shows its first page as a window
        held = QWidget()  # beside the pages, which come over one another, a bar is seen over each of them
        inside = QVBoxLayout(held)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self._pages)
        for page in (chats, models):
            self._pages.addWidget(page)
            page.undo.lie_over(held)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE_M, 0, SPACE_M)  # at its sides each page has its own margin
        layout.setSpacing(SPACE_M)
        top = QHBoxLayout()
        top.setContentsMargins(SPACE_M, 0, SPACE_M, 0)
        top.addWidget(around)
        layout.addLayout(top)
        layout.addWidget(held, 1)
        layout.addWidget(foot)
        in_order(models.view, *stops(chats.undo), *stops(models.undo))
        self._tabs.currentChanged.connect(self._show_page)
        self._tabs.currentChanged.connect(lambda _tab: self.tab_changed.emit())

    @cached_property
    def discover(self) -> SearchPage:
        """The page of Discover."""
        page = self._make_discover()
        self._pages.addWidget(page)
        in_order(self._tabs, *stops(page))  # made late, and yet in its place
        return page

    def fit(self, width: int) -> None:
        """Be as wide as the letters ask for in a window of this width."""
        self.setFixedWidth(share(WIDTH, width, SHARE))
        self._tabs.fit()

    def _show_page(self, tab: int) -> None:
        page = (self.chats, self.models)[tab] if tab < Tab.DISCOVER else self.discover
        self._pages.setCurrentWidget(page)

    def show_tab(self, tab: Tab) -> None:
        """Show this page."""
        self._tabs.setCurrentIndex(tab)

    @property
    def tab(self) -> Tab:
        """The page that is shown."""
        return Tab(self._tabs.currentIndex())

    def focus_page(self) -> None:
        """Have the keys go to the list that is shown."""
        if self.tab is Tab.DISCOVER:
            self.discover.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return
        page = self.chats.view if self.tab is Tab.CHATS else self.models.view
        page.setFocus(Qt.FocusReason.ShortcutFocusReason)
