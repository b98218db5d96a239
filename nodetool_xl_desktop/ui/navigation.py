"""The ways between the pages: what a person wants on one of them and gets on another.

My Models, Discover, the downloads and whatever is opened from outside know nothing of each other; this does.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.setting import Section
from nodetool_xl_desktop.ui.centre import Centre
from nodetool_xl_desktop.ui.chat_flow import ChatFlow
from nodetool_xl_desktop.ui.hub_flow import HubFlow
from nodetool_xl_desktop.ui.model_flow import ModelFlow
from nodetool_xl_desktop.ui.opening import Opening
from nodetool_xl_desktop.ui.settings.settings_flow import SettingsFlow
from nodetool_xl_desktop.ui.side_bar import SideBar, Tab


class Navigation:
    """Leads from page to page.

    Args:
        side_bar: its tabs.
        centre: what belongs to each of them.
        chats: the chats; one that is chosen is shown.
        models: lists and loads.
        hub: Discover and the downloads.
        opening: what comes from outside.
        settings: leads their page.
        start: does what takes time, and tells what could not be done.
    """

    def __init__(  # noqa: PLR0913 - a page each
        self,
        *,
        side_bar: SideBar,
        centre: Centre,
        chats: ChatFlow,
        models: ModelFlow,
        hub: HubFlow,
        opening: Opening,
        settings: SettingsFlow,
        start: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._side_bar = side_bar
        self._centre = centre
        self._models = models
        self._hub = hub
        self._settings = settings
        self._start = start
        self._connect_models()
        self._connect_hub()
        chats.shown_changed.connect(centre.show_chat)
        opening.models_opened.connect(models.open_soon)
        opening.folders_dropped.connect(self._add_folders)
        opening.files_dropped.connect(chats.pane.composer.attach)
        opening.place_dropped.connect(self.show_repository)
        settings.closed.connect(self._close_settings)
        hub.path_given.connect(lambda path: opening.open([path]))

    def _connect_models(self) -> None:
        page = self._side_bar.models
        page.table_requested.connect(self.toggle_table)
        page.settings_requested.connect(self._centre.show_fit_panel)
        page.load_requested.connect(self._centre.show_chat)
        self._models.shelf.table_made.connect(lambda table: table.closed.connect(self._close_table))
        self._models.shelf.listed.connect(self._hub.look_again)

    def _connect_hub(self) -> None:
        hub = self._hub
        hub.discover_wanted.connect(partial(self.show_tab, Tab.DISCOVER))
        hub.downloads_wanted.connect(self.show_downloads)
        hub.load_requested.connect(self._load)
        hub.show_requested.connect(self._show_model)
        hub.models_changed.connect(self._models.shelf.scan_soon)

    def show_tab(self, tab: Tab) -> None:
        """Show a page of the side bar, and have the keys go there."""
        self._side_bar.show()
        self._side_bar.show_tab(tab)
        self._side_bar.focus_page()

    def search_chats(self) -> None:
        """Have the keys go to the search over all chats."""
        self.show_tab(Tab.CHATS)
        self._side_bar.chats.focus_search()

    def toggle_table(self) -> None:
        """Show all of My Models in the centre, or the chat again."""
        self._side_bar.show()
        self._centre.toggle_table()
        if self._centre.page is self._models.table:
            self._models.table.focus_table()
        else:
            self._side_bar.focus_page()

    def _close_table(self) -> None:
        self._centre.show_chat()
        self._side_bar.focus_page()

    def show_downloads(self, is_wanted: bool = True) -> None:
        """Show the downloads in the centre, or what lay below them."""
        self._centre.show_downloads(is_wanted=is_wanted)
        if is_wanted:
            self._hub.downloads.page.focus_list()

    def show_settings(self, section: Section | None = None) -> None:
        """Show the settings in the centre; one of their sections, or the one that was shown last."""
        page = self._settings.page
        self._centre.show_settings()
        page.show_section(section or page.section)

    def _close_settings(self) -> None:
        self._centre.show_settings(is_wanted=False)
        self._side_bar.focus_page()

    def _load(self, model: Path) -> None:
        """Load a model that came just now, perhaps before it is listed."""
        self._centre.show_chat()

        async def load() -> None:
            await self._models.open([model])
            await self._models.load(model)

        self._start(load())

    def _show_model(self, model: Path) -> None:
        """Select a model in My Models."""
        self._centre.show_chat()
        self._start(self._models.list_models(model))

    def _add_folders(self, folders: list[Path]) -> None:
        """Folders were dropped: what is in them is listed from now on."""
        self.show_tab(Tab.MODELS)
        self._start(self._models.shelf.folders.add(folders))

    def show_repository(self, text: str) -> None:
        """Show what lies at an address of the hub."""
        self.show_tab(Tab.DISCOVER)
        self._hub.discover.open_place(text)
