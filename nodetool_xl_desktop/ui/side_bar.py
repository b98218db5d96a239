"""The bar on the left: the pages of chats, of models and of Discover with their tabs, and below them the downloads."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from nodetool_xl_desktop.library.model_file import ModelFile
from nodetool_xl_desktop.preview.badges import Badge
from nodetool_xl_desktop.ui.chats.chat_browser import ChatBrowser
from nodetool_xl_desktop.ui.discover.search_page import SearchPage
from nodetool_xl_desktop.ui.models.models_page import ModelsPage
from nodetool_xl_desktop.ui.theme import SPACE_M

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
        discover: the third.
        foot: stands below whatever page is shown.
    """

    #: Another page is shown.
    tab_changed = Signal()
    #: Other files are listed.
    listed = Signal()
    #: Another model is selected.
    model_selected = Signal(Path)
    #: A model was double-clicked, or Enter was pressed on it.
    load_requested = Signal(Path)
    open_requested = Signal()
    #: Forget this model; its file stays.
    remove_requested = Signal(Path)

    def __init__(self, chats: ChatBrowser, models: ModelsPage, discover: SearchPage, foot: QWidget) -> None:
        super().__init__()
        self.setObjectName("sideBar")
        self.setFixedWidth(WIDTH)
        self.chats = chats
        self.models = models
        self.discover = discover
        self._tabs = QTabBar()
        self._tabs.setDrawBase(False)
        self._tabs.setExpanding(True)
        self._tabs.setAccessibleName("Side bar")
        for name in ("Chats", "Models", "Discover"):
            self._tabs.addTab(name)
        around = QFrame()
        around.setObjectName("tabs")
        inside = QVBoxLayout(around)
        inside.setContentsMargins(2, 2, 2, 2)
        inside.addWidget(self._tabs)
        self._pages = QStackedWidget()  # not a QStackedLayout: without a parent it shows its first page as a window
        for page in (chats, models, discover):
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
        self._tabs.currentChanged.connect(self._pages.setCurrentIndex)
        self._tabs.currentChanged.connect(lambda _tab: self.tab_changed.emit())
        self.models.listed.connect(self.listed)
        self.models.model_selected.connect(self.model_selected)
        self.models.load_requested.connect(self.load_requested)
        self.models.open_requested.connect(self.open_requested)
        self.models.remove_requested.connect(self.remove_requested)

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

    # My Models

    def show_models(self, files: list[ModelFile], select: Path | None = None) -> None:
        """Show the library; `select` one of it, which was opened just now, or leave the selection where it is."""
        if select is not None:
            self.show_tab(Tab.MODELS)
        self.models.show_models(files, select)

    @property
    def files(self) -> list[ModelFile]:
        """The models that are listed."""
        return self.models.files

    def show_badge(self, model: Path, badge: Badge | None) -> None:
        """Say whether a model would fit; None where that cannot be said."""
        self.models.show_badge(model, badge)

    def show_loaded(self, model: Path | None) -> None:
        """Mark the model in memory."""
        self.models.show_loaded(model)

    @property
    def selected(self) -> Path | None:
        """The selected model."""
        return self.models.selected

    def select(self, model: Path) -> None:
        """Select a model that is listed."""
        self.models.select(model)
