"""Discover: what happens between the search, the repository that is open, and the rest of the window."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.address import LocalPath, RepositoryAddress, parse_place
from nodetool_xl_desktop.ui.discover.door import DiscoverSources, Door
from nodetool_xl_desktop.ui.discover.hub_dialog import HubDialog
from nodetool_xl_desktop.ui.discover.remedies import GIVE_TOKEN, GO_ON_LINE, TRY_AGAIN
from nodetool_xl_desktop.ui.discover.repository_flow import RepositoryFlow
from nodetool_xl_desktop.ui.discover.repository_page import RepositoryPage
from nodetool_xl_desktop.ui.discover.result_rows import Card
from nodetool_xl_desktop.ui.discover.search_flow import SearchFlow
from nodetool_xl_desktop.ui.discover.search_page import SearchPage
from nodetool_xl_desktop.ui.discover.token_flow import TokenFlow
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import Theme


class DiscoverFlow(QObject):
    """Wires the two pages and the two dialogs.

    Args:
        theme: the theme in force.
        tasks: where what is asked for is done.
        search: the page of the side bar.
        page: the repository in the middle of the window.
        sources: what is asked.
        tell: hears what could not be done.
        open_url: hands an address to the system's browser.
    """

    #: The page of a repository is to be seen.
    opened = Signal()
    #: It is to be seen no longer.
    closed = Signal()
    #: Load this file (a `Path`).
    load_requested = Signal(object)
    #: Show the downloads.
    downloads_requested = Signal()
    #: A download was asked for (its id).
    added = Signal(str)
    #: Switch "Work Off Line" off, then call `refresh`.
    on_line_requested = Signal()
    #: Another hub was chosen, empty for the default: keep that.
    endpoint_chosen = Signal(str)
    #: A file of this machine was pasted (a `Path`).
    path_given = Signal(object)

    def __init__(
        self,
        theme: Theme,
        tasks: Tasks,
        search: SearchPage,
        page: RepositoryPage,
        sources: DiscoverSources,
        tell: Callable[[UserFacingError], object],
        open_url: Callable[[QUrl], object] = QDesktopServices.openUrl,
    ) -> None:
        super().__init__(search)
        self._page_of_search, self._page, self._tell = search, page, tell
        self.door = Door(sources)
        self.search = SearchFlow(search, tasks, self.door, sources)
        self.repository = RepositoryFlow(page, tasks, self.door, sources, tell)
        self.tokens = TokenFlow(theme, tasks, page, self.door, sources.tokens, open_url)
        self.search.picks_judged.connect(page.start.show_picks)
        page.start.wanted.connect(self.open_repository)
        search.card_chosen.connect(self._open_card)
        search.place_given.connect(self.open_place)
        search.remedy_requested.connect(self._search_remedy)
        search.token_requested.connect(lambda: self.tokens.ask(self.repository.repo_id))
        search.hub_requested.connect(self._ask_for_hub)
        page.closed.connect(self._close)
        page.load_requested.connect(self.load_requested)
        page.downloads_requested.connect(self.downloads_requested)
        page.remedy_requested.connect(self._page_remedy)
        self.repository.opened.connect(self.opened)
        self.repository.added.connect(self.added)
        self.tokens.changed.connect(self._again)

    # From the window

    def use_endpoint(self, endpoint: str) -> None:
        """Ask this hub, which was chosen before; empty for the default."""
        if endpoint != self.door.chosen:
            self.door.choose(endpoint)
            self.search.refresh()

    def refresh(self) -> None:
        """Whether the network may be asked is another thing now: ask anew for what is shown."""
        self.search.refresh()
        self.repository.again()

    def look_again(self) -> None:
        """Other models are on this disk."""
        self.repository.look_again()

    def open_repository(self, repo_id: str, revision: str = "main") -> None:
        """Show a repository."""
        self._page_of_search.show_open(repo_id)
        self.repository.open(repo_id, revision)

    def open_place(self, text: str) -> None:
        """Open what a person typed, pasted or dropped: a repository of the hub, or a file of this machine."""
        try:
            place = parse_place(text, self.door.endpoint)
        except UserFacingError as error:
            self._tell(error)
            return
        match place:
            case RepositoryAddress():
                self._page_of_search.show_open(place.repo_id)
                self.repository.open(place.repo_id, place.revision, wanted=place)
            case LocalPath():
                self.path_given.emit(place.path)
            case _:
                why = tr("it is an address of a single file, and of no repository of the hub")
                hint = tr("Use `nodetool-xl-desktop fit ADDRESS` to look at it, or download it in a browser")
                self._tell(UserFacingError(tr("This address is not opened here"), why, hint))

    def close(self) -> None:
        """The program ends: ask nothing any more."""
        self.search.close()
        self.repository.end()

    # From the pages

    def _open_card(self, card: Card) -> None:
        self._page_of_search.show_open(card.repo_id)
        self.repository.open(card.repo_id, "main", card.found)

    def _close(self) -> None:
        self.repository.close()
        self._page.show_nothing()
        self._page_of_search.show_open("")
        self._page_of_search.focus_list()
        self.closed.emit()

    def _search_remedy(self, remedy: str) -> None:
        {
            GO_ON_LINE: self.on_line_requested.emit,
            GIVE_TOKEN: lambda: self.tokens.ask(""),
            TRY_AGAIN: self.search.try_again,
        }[remedy]()

    def _page_remedy(self, remedy: str) -> None:
        {
            GO_ON_LINE: self.on_line_requested.emit,
            GIVE_TOKEN: lambda: self.tokens.ask(self.repository.repo_id),
            TRY_AGAIN: self.repository.again,
        }[remedy]()

    def _again(self) -> None:
        """The token is another one."""
        self.search.refresh()
        self.repository.again()

    def _ask_for_hub(self) -> None:
        dialog = HubDialog(self.door.chosen, self._page_of_search.window())
        dialog.endpoint_given.connect(self._choose_hub)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _choose_hub(self, endpoint: str) -> None:
        if endpoint == self.door.chosen:
            return
        self.door.choose(endpoint)
        self.endpoint_chosen.emit(endpoint)
        self.search.refresh()
        self.repository.again()
