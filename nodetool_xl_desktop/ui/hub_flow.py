"""What comes from elsewhere: Discover, the downloads, and what a hub says of a file of this disk."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.hub.downloads import Download
from nodetool_xl_desktop.hub.errors import BadName, NotFound
from nodetool_xl_desktop.library.origins import Origin, Origins
from nodetool_xl_desktop.ui.discover.discover_flow import DiscoverFlow
from nodetool_xl_desktop.ui.discover.door import DiscoverSources
from nodetool_xl_desktop.ui.discover.repository_page import RepositoryPage
from nodetool_xl_desktop.ui.discover.search_page import SearchPage
from nodetool_xl_desktop.ui.downloads.downloads_flow import DownloadsFlow
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import Theme


class HubFlow(QObject):
    """Makes the pages, and passes between them.

    Args:
        theme: the theme in force.
        tasks: where everything is done.
        sources: what is asked.
        origins: where the files that were brought here come from.
        tell: hears what could not be done.

    Attributes:
        search: the page of the side bar.
        page: the repository in the centre.
        discover: what happens on these two.
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
    #: There are other models on this disk.
    models_changed = Signal()

    def __init__(
        self,
        theme: Theme,
        tasks: Tasks,
        sources: DiscoverSources,
        origins: Origins,
        tell: Callable[[UserFacingError], object],
    ) -> None:
        super().__init__()
        self._sources = sources
        self._origins = origins
        self._tasks = tasks
        self._tell = tell
        self.search = SearchPage(theme)
        self.page = RepositoryPage(theme)
        self.discover = DiscoverFlow(theme, tasks, self.search, self.page, sources, tell)
        self.downloads = DownloadsFlow(theme, tasks, sources.downloads, tell, folder=sources.folder)
        self._connect()

    def _connect(self) -> None:
        discover, downloads = self.discover, self.downloads
        discover.opened.connect(self.discover_wanted)
        discover.load_requested.connect(self.load_requested)
        discover.downloads_requested.connect(lambda: self.downloads_wanted.emit(True))
        discover.path_given.connect(self.path_given)
        downloads.page_requested.connect(lambda: self.downloads_wanted.emit(True))
        downloads.page_closed.connect(lambda: self.downloads_wanted.emit(False))
        downloads.discover_requested.connect(self.discover_wanted)
        downloads.load_requested.connect(self.load_requested)
        downloads.show_requested.connect(self.show_requested)
        downloads.finished.connect(lambda download: self._tasks.start(self._came(download), self._tell))

    def start(self) -> None:
        """Hear of the downloads from now on."""
        self.downloads.start()

    def close(self) -> None:
        """The program ends: ask nothing, and hear nothing."""
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


def _keep_origins(origins: Origins, download: Download) -> None:
    """Touches the disk. Files of a repository lie below one folder as they do there."""
    if download.path is None or not download.files:
        return
    folder = download.path.parents[download.files[0].path.count("/")]
    for file in download.files:
        path = folder / file.path
        if file.sha256 and path.is_file():
            origin = Origin(download.repo_id, "", file.sha256, file.size, file.path, download.endpoint)
            origins.keep(path, origin)
