"""The middle of the window: the chat, or what takes its place while models are looked after.

The tab of the side bar says what belongs there: a chat to Chats, a repository to Discover, and to Models the chat or,
where the person wants it, the whole table. Downloads lie over all of them until they are closed.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from nodetool_xl_desktop.ui.side_bar import SideBar, Tab


@dataclass(frozen=True, slots=True)
class Pages:
    """What can be in the middle."""

    chat: QWidget
    table: QWidget
    repository: QWidget
    downloads: QWidget


class Centre(QStackedWidget):
    """Shows the page that belongs to the tab of the side bar.

    Args:
        side_bar: whose tab decides.
        fit_panel: is about models on this disk, and away while another page has its own verdicts.
        pages: those.
    """

    #: Another page is shown.
    changed = Signal()

    def __init__(self, side_bar: SideBar, fit_panel: QWidget, pages: Pages) -> None:
        super().__init__()
        self._side_bar = side_bar
        self._fit_panel = fit_panel
        self._pages = pages
        self._table_wanted = False
        self._downloads_wanted = False
        self._fit_panel_wanted = True
        for page in (pages.chat, pages.table, pages.repository, pages.downloads):
            self.addWidget(page)
        side_bar.tab_changed.connect(self._tab_changed)

    @property
    def page(self) -> QWidget | None:
        """The page that is shown."""
        return self.currentWidget()

    def show_chat(self) -> None:
        """Show the chat, whatever the side bar shows."""
        self._table_wanted = self._downloads_wanted = False
        if self._side_bar.tab is Tab.DISCOVER:
            self._side_bar.show_tab(Tab.CHATS)
        self._show()

    def show_table(self, *, is_wanted: bool = True) -> None:
        """Show all of My Models, or go back to the chat."""
        self._table_wanted, self._downloads_wanted = is_wanted, False
        if is_wanted:
            self._side_bar.show_tab(Tab.MODELS)
        self._show()

    def toggle_table(self) -> None:
        """Show all of My Models where they are not shown, else the chat."""
        self.show_table(is_wanted=self.page is not self._pages.table)

    def show_downloads(self, *, is_wanted: bool = True) -> None:
        """Show the downloads, or go back to what lay below them."""
        self._downloads_wanted = is_wanted
        self._show()

    def toggle_fit_panel(self) -> None:
        """Show the fit panel, or put it away; it stays so."""
        self._fit_panel_wanted = not self._fit_panel_wanted
        self._show()

    @property
    def fit_panel_wanted(self) -> bool:
        """Whether the person wants the fit panel, where there is room for it."""
        return self._fit_panel_wanted

    def _tab_changed(self) -> None:
        self._downloads_wanted = False
        if self._side_bar.tab is not Tab.MODELS:
            self._table_wanted = False
        self._show()

    def _show(self) -> None:
        page = self._wanted()
        about_models_here = page in (self._pages.chat, self._pages.table)
        self._fit_panel.setVisible(self._fit_panel_wanted and about_models_here)
        if page is not self.page:
            self.setCurrentWidget(page)
            self.changed.emit()

    def _wanted(self) -> QWidget:
        if self._downloads_wanted:
            return self._pages.downloads
        if self._side_bar.tab is Tab.DISCOVER:
            return self._pages.repository
        return self._pages.table if self._table_wanted else self._pages.chat
