"""The bar on the left: the pages of chats, of models and of Discover with their tabs, and below them the downloads."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.chats.chat_browser import ChatBrowser
from nodetool_xl_desktop.ui.inputs import in_order, stops
from nodetool_xl_desktop.ui.models.models_page import ModelsPage
from nodetool_xl_desktop.ui.theme import SPACE_M

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.discover.search_page import SearchPage

WIDTH = 264


class Tab(IntEnum):
    """The pages, in their order."""

    CHATS = 0
    MODELS = 1
    DISCOVER = 2


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
        self._tabs = QTabBar()
        self._tabs.setDrawBase(False)
        self._tabs.setExpanding(True)
        self._tabs.setUsesScrollButtons(False)
        self._tabs.setElideMode(Qt.TextElideMode.ElideRight)
        self._tabs.setAccessibleName(tr("Side bar"))
        for name in (tr("Chats"), tr("Models"), tr("Discover")):
            self._tabs.addTab(name)
        around = QFrame()
        around.setObjectName("tabs")
        inside = QVBoxLayout(around)
        inside.setContentsMargins(2, 2, 2, 2)
        inside.addWidget(self._tabs)
        self._pages = QStackedWidget()  # not a QStackedLayout: without a parent it shows its first page as a window
        for page in (chats, models):
            self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE_M, 0, SPACE_M)  # at its sides each page has its own margin
        layout.setSpacing(SPACE_M)
        top = QHBoxLayout()
        top.setContentsMargins(SPACE_M, 0, SPACE_M, 0)
        top.addWidget(around)
        layout.addLayout(top)
        layout.addWidget(self._pages, 1)
        layout.addWidget(foot)
        self._tabs.currentChanged.connect(self._show_page)
        self._tabs.currentChanged.connect(lambda _tab: self.tab_changed.emit())

    @cached_property
    def discover(self) -> SearchPage:
        """The page of Discover."""
        page = self._make_discover()
        self._pages.addWidget(page)
        in_order(self._tabs, *stops(page))  # made late, and yet in its place
        return page

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
