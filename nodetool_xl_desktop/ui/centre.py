"""The middle of the window: the chat, or what takes its place while models are looked after.

The tab of the side bar says what belongs there: a chat to Chats, a repository to Discover, and to Models the chat or,
where the person wants it, the whole table. Downloads, or the settings, lie over all of them until they are closed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from nodetool_xl_desktop.ui.side_bar import SideBar, Tab

#: From this width of the window on there is room for the fit panel beside the table, in device-independent pixels.
BESIDE_TABLE_FROM = 1720


@dataclass(frozen=True, slots=True)
class Pages:
    """What can be in the middle. All but the chat are made when first asked for, and stay the same then."""

    chat: QWidget
    table: Callable[[], QWidget]
    repository: Callable[[], QWidget]
    downloads: Callable[[], QWidget]
    settings: Callable[[], QWidget]


class Centre(QStackedWidget):
    """Shows the page that belongs to the tab of the side bar.

    Args:
        side_bar: whose tab decides.
        fit_panel: is about models on this disk: away while another page has its own verdicts, and beside the table,
            which has a column for them, unless the window is wide.
        pages: those.
        parent: what it lies in.
    """

    #: Another page is shown.
    changed = Signal()

    def __init__(self, side_bar: SideBar, fit_panel: QWidget, pages: Pages, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("centre")
        self._side_bar = side_bar
        self._fit_panel = fit_panel
        self._pages = pages
        self._table_wanted = False
        self._over: Callable[[], QWidget] | None = None  # what lies over all of them
        self._fit_panel_wanted = True
        self._fit_panel_beside_table = False  # wanted there, though the window is narrow
        self.addWidget(pages.chat)
        side_bar.tab_changed.connect(self._tab_changed)

    @property
    def page(self) -> QWidget | None:
        """The page that is shown."""
        return self.currentWidget()

    def show_chat(self) -> None:
        """Show the chat, whatever the side bar shows."""
        self._table_wanted, self._over = False, None
        if self._side_bar.tab is Tab.DISCOVER:
            self._side_bar.show_tab(Tab.CHATS)
        self._show()

    def show_table(self, *, is_wanted: bool = True) -> None:
        """Show all of My Models, or go back to the chat."""
        self._table_wanted, self._over = is_wanted, None
        if is_wanted:
            self._side_bar.show_tab(Tab.MODELS)
        self._show()

    def toggle_table(self) -> None:
        """Show all of My Models where they are not shown, else the chat."""
        self.show_table(is_wanted=self.page is not self._pages.table())

    def show_downloads(self, *, is_wanted: bool = True) -> None:
        """Show the downloads, or go back to what lay below them."""
        self._lay_over(self._pages.downloads, is_wanted=is_wanted)

    def show_settings(self, *, is_wanted: bool = True) -> None:
        """Show the settings, or go back to what lay below them."""
        self._lay_over(self._pages.settings, is_wanted=is_wanted)

    def _lay_over(self, page: Callable[[], QWidget], *, is_wanted: bool) -> None:
        if is_wanted:
            self._over = page
        elif self._over == page:
            self._over = None
        self._show()

    def toggle_fit_panel(self) -> None:
        """Show the fit panel, or put it away; it stays so."""
        is_wanted = not self.fit_panel_wanted
        if self._is_crowded:
            self._fit_panel_beside_table = is_wanted
        if is_wanted or not self._is_crowded:
            self._fit_panel_wanted = is_wanted
        self._show()

    def show_fit_panel(self) -> None:
        """Show the chat with the fit panel beside it."""
        self._fit_panel_wanted = True
        self.show_chat()

    @property
    def _is_crowded(self) -> bool:
        """Whether the table is shown and has no room to give away."""
        is_table = self._table_wanted and self._over is None and self._side_bar.tab is Tab.MODELS
        return is_table and self.window().width() < BESIDE_TABLE_FROM

    @property
    def fit_panel_wanted(self) -> bool:
        """Whether the fit panel is shown; a page that is not about models of this disk has none for that time."""
        return self._fit_panel_wanted and (not self._is_crowded or self._fit_panel_beside_table)

    def _tab_changed(self) -> None:
        self._over = None
        if self._side_bar.tab is not Tab.MODELS:
            self._table_wanted = False
        self._show()

    def _show(self) -> None:
        page = self._wanted()
        self._show_fit_panel()
        if page is not self.page:
            if self.indexOf(page) < 0:
                self.addWidget(page)
            self.setCurrentWidget(page)
            self.changed.emit()

    def _show_fit_panel(self) -> None:
        about_others = self._over is not None or self._side_bar.tab is Tab.DISCOVER
        self._fit_panel.setVisible(self.fit_panel_wanted and not about_others)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_fit_panel()

    def _wanted(self) -> QWidget:
        if self._over is not None:
            return self._over()
        if self._side_bar.tab is Tab.DISCOVER:
            return self._pages.repository()
        return self._pages.table() if self._table_wanted else self._pages.chat
