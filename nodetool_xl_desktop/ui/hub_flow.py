"""What comes from elsewhere: Discover, the downloads, and what a hub says of a file of this disk."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.hub.downloads import Download
from nodetool_xl_desktop.hub.errors import BadName, NotFound
from nodetool_xl_desktop.library.origins import Origin, Origins
from nodetool_xl_desktop.ui.discover.door import DiscoverSources
from nodetool_xl_desktop.ui.downloads.downloads_flow import DownloadsFlow
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import Theme

if TYPE_CHECKING:  # 50 ms, which the window's first picture does not wait for
    from nodetool_xl_desktop.ui.discover.discover_flow import DiscoverFlow
    from nodetool_xl_desktop.ui.discover.repository_page import RepositoryPage
    from nodetool_xl_desktop.ui.discover.search_page import SearchPage


class HubFlow(QObject):
    """Makes the pages, those of Discover when they are first asked for, and passes between them.

    Args:
        theme: the theme in force.
        tasks: where everything is done.
        sources: what is asked.
        origins: where the files that were brought here come from.
        tell: hears what could not be done.

    Attributes:
        downloads: the page of the downloads, the foot of the side bar and the tray.
    """

    #: Show the tab of Discover.
    discover_wanted = Signal()
    #: Show the page of the downloads, or no longer.
    downloads_wanted = Signal(bool)
    #: Load the model of this path.
    load_requested = Signal(Path)
    #: Show the model of this path in My Models.
    show_requested = Signal(Path)
    #: A file of this machine was named (a `Path`).
    path_given = Signal(object)
    #: A download was asked for.
    added = Signal()
    #: There are other models on this disk.
    models_changed = Signal()
    #: Switch "Work Off Line" off, then have `discover` refresh.
    on_line_requested = Signal()
    #: Another hub was chosen, empty for the default: keep that.
    endpoint_chosen = Signal(str)

    def __init__(
        self,
        theme: Theme,
        tasks: Tasks,
        sources: DiscoverSources,
        origins: Origins,
        tell: Callable[[UserFacingError], object],
    ) -> None:
        super().__init__()
        self._theme = theme
        self._sources = sources
        self._origins = origins
        self._tasks = tasks
        self._tell = tell
        self._endpoint = ""
        self._made: tuple[SearchPage, RepositoryPage, DiscoverFlow] | None = None
        self.downloads = DownloadsFlow(theme, tasks, sources.downloads, tell, folder=sources.folder)
        self._connect()

    @property
    def search(self) -> SearchPage:
        """The page of the side bar."""
        return self._discover()[0]

    @property
    def page(self) -> RepositoryPage:
        """The repository in the centre."""
        return self._discover()[1]

    @property
    def discover(self) -> DiscoverFlow:
        """What happens on these two."""
        return self._discover()[2]

    def _discover(self) -> tuple[SearchPage, RepositoryPage, DiscoverFlow]:
        if self._made is None:
            from nodetool_xl_desktop.ui.discover.discover_flow import DiscoverFlow  # noqa: PLC0415
            from nodetool_xl_desktop.ui.discover.repository_page import RepositoryPage  # noqa: PLC0415
            from nodetool_xl_desktop.ui.discover.search_page import SearchPage  # noqa: PLC0415

            search, page = SearchPage(self._theme), RepositoryPage(self._theme)
            discover = DiscoverFlow(self._theme, self._tasks, search, page, self._sources, self._tell)
            discover.use_endpoint(self._endpoint)
            discover.opened.connect(self.discover_wanted)
            discover.added.connect(lambda _id: self.added.emit())
            discover.load_requested.connect(self.load_requested)
            discover.downloads_requested.connect(lambda: self.downloads_wanted.emit(True))
            discover.path_given.connect(self.path_given)
            discover.on_line_requested.connect(self.on_line_requested)
            discover.endpoint_chosen.connect(self.endpoint_chosen)
            self._made = search, page, discover
        return self._made

    def use_endpoint(self, endpoint: str) -> None:
        """Ask this hub, which was chosen before; empty for the default."""
        self._endpoint = endpoint
        if self._made is not None:
            self.discover.use_endpoint(endpoint)

    @property
    def endpoint(self) -> str:
        """The hub that is asked; empty for the default."""
        return self.discover.door.chosen if self._made is not None else self._endpoint

    def look_again(self) -> None:
        """Other models are on this disk."""
        if self._made is not None:
            self.discover.look_again()

    def _connect(self) -> None:
        downloads = self.downloads
        downloads.page_requested.connect(lambda: self.downloads_wanted.emit(True))
        downloads.page_closed.connect(lambda: self.downloads_wanted.emit(False))
        downloads.discover_requested.connect(self.discover_wanted)
        downloads.load_requested.connect(self.load_requested)
        downloads.show_requested.connect(self.show_requested)
        downloads.finished.connect(lambda download: self._tasks.start(self._came(download), self._tell))
        downloads.were_done.connect(lambda those: self._tasks.start(self._were_here(those), self._tell))

    def start(self) -> None:
        """Hear of the downloads from now on."""
        self.downloads.start()

    def close(self) -> None:
        """The program ends: ask nothing, and hear nothing."""
        if self._made is not None:
            self.discover.close()
        self.downloads.close()

    async def sha256_of(self, path: Path) -> str | None:
        """What a hub says that a file of this disk should be; None where it knows no such file.

        The repository is that of the folders it lies in, `organisation/repository/file`, as this program, LM Studio and
        others lay them out.

        Raises:
            HubError: the hub cannot be asked.
        """
        if len(path.parts) < 4:
            return None
        hub = await self.discover.door.hub()
        size = (await in_thread(path.stat)).st_size
        try:
            repository = await hub.repository(f"{path.parts[-3]}/{path.parts[-2]}")
        except (BadName, NotFound):
            return None
        return next((file.sha256 for file in repository.files if (file.name, file.size) == (path.name, size)), None)

    async def _came(self, download: Download) -> None:
        """A model is here: remember where it is from, and list it."""
        try:
            await in_thread(partial(_keep_origins, self._origins, download))
        finally:
            self.models_changed.emit()

    async def _were_here(self, downloads: tuple[Download, ...]) -> None:
        """They ended in an earlier run, perhaps too late for it to remember where they are from."""
        for download in downloads:
            await in_thread(partial(_keep_origins, self._origins, download, only_new=True))


def _keep_origins(origins: Origins, download: Download, *, only_new: bool = False) -> None:
    """Touches the disk. Files of a repository lie below one folder as they do there.

    Args:
        origins: where it is kept.
        download: one that is done.
        only_new: whether what is known of a file stays, as another one may lie there by now.
    """
    if download.path is None or not download.files:
        return
    folder = download.path.parents[download.files[0].path.count("/")]
    for file in download.files:
        path = folder / file.path
        if not file.sha256 or not path.is_file() or path.stat().st_size != file.size:
            continue
        if not only_new or origins.of(path) is None:
            origin = Origin(download.repo_id, download.commit, file.sha256, file.size, file.path, download.endpoint)
            origins.keep(path, origin)
