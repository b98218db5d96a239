"""My Models: every model below the chosen folders, in other programs' stores, and every file that was ever opened.

Files are used where they are. What their headers say is kept in an index, so that a list of thousands opens none; what
the index does not know is read in a process of its own, as that takes seconds from whoever does it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.json_file import JsonFile
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.library.breath import never
from nodetool_xl_desktop.library.model_file import ModelFile

if TYPE_CHECKING:  # 18 ms, which the window's first picture does not wait for
    from nodetool_xl_desktop.library.about import Abouts
    from nodetool_xl_desktop.library.folders import ModelFolders
    from nodetool_xl_desktop.library.places import Surroundings
    from nodetool_xl_desktop.library.scan import OnFound, Scanner
    from nodetool_xl_desktop.library.walk import Closed

#: The index of headers, in the cache's folder.
INDEX_NAME = "model-index.sqlite"
_log = logging.getLogger(__name__)


class ModelLibrary:
    """The models of this machine. Its methods touch the disk, and may block; any thread may call them.

    Args:
        paths: the program's folders.
        home: below which other programs' models are looked for, as `ModelFolders` takes it.
        command: starts the process that reads headers; None for the program's own.
    """

    def __init__(
        self, paths: Paths, home: Path | Surroundings | None = None, command: Sequence[str] | None = None
    ) -> None:
        self._paths = paths
        self._file = JsonFile(paths.library_file, tr("The list of models"))
        self._home = home
        self._command = command
        self._lock = threading.Lock()
        self._scanning = threading.Lock()
        self._is_closed = False
        self._closed: tuple[Closed, ...] = ()
        self._opened: list[Path] = []  # since the start: listed even where the list cannot be saved

    @cached_property
    def folders(self) -> ModelFolders:
        """Where models are looked for."""
        from nodetool_xl_desktop.library.folders import ModelFolders  # noqa: PLC0415

        return ModelFolders(self._paths, self._home)

    @cached_property
    def about(self) -> Abouts:
        """What a person says of them."""
        from nodetool_xl_desktop.library.about import Abouts  # noqa: PLC0415

        return Abouts(self._paths)

    @cached_property
    def _scanner(self) -> Scanner:
        from nodetool_xl_desktop.library.index import HeaderIndex  # noqa: PLC0415
        from nodetool_xl_desktop.library.scan import Scanner  # noqa: PLC0415

        index = HeaderIndex(self._paths.cache / INDEX_NAME)
        return Scanner(index, self.folders, self.about, self._command)

    @property
    def closed_folders(self) -> tuple[Closed, ...]:
        """The folders that the last scan could not look through, each with what the system says of it."""
        return self._closed

    def scan(self, on_found: OnFound | None = None, stop: Callable[[], bool] = never) -> list[ModelFile]:
        """Every model, with what its header says. Of two scans at once the second waits, and finds the work done.

        Args:
            on_found: called while headers are read, in the calling thread, at most five times a second; never where
                all of them are known.
            stop: asked often; where it says yes the list is what is known by then.

        Returns:
            Favourites first, then what was opened last, then by title.
        """

        def is_over() -> bool:
            return self._is_closed or stop()

        with self._alone(is_over):
            scanner = self._scanner
            view = scanner.look(self._readable_opened(), is_over)
            said = scanner.read(view, scanner.known(view), on_found, is_over)
            if view.is_whole:
                self._closed = view.closed
            return scanner.listed(view, said)

    def known(self) -> list[ModelFile]:
        """The same list without opening a model file: what the index does not know of has no facts."""
        scanner = self._scanner
        view = scanner.look(self._readable_opened(), lambda: self._is_closed)
        return scanner.listed(view, scanner.known(view))

    def close(self) -> None:
        """End a scan that runs, and the process that it has, within a second; no other one begins any more."""
        self._is_closed = True
        if self._scanning.acquire(timeout=1.0):  # longer only where a disk does not answer
            self._scanning.release()

    def add(self, path: Path) -> Path:
        """Remember a file that was dropped or opened, before the others; returns its absolute path.

        Raises:
            UserFacingError: the list could not be written.
        """
        path = path.absolute()
        with self._lock:
            self._opened = [path, *(other for other in self._opened if other != path)]
            self._keep_opened()
        return path

    def remove(self, path: Path) -> None:
        """Forget an opened file; the file itself stays.

        Raises:
            UserFacingError: the list could not be written.
        """
        with self._lock:
            self._opened = [other for other in self._opened if other != path]
            self._keep_opened(without=path)

    def follow(self, source: Path, target: Path) -> None:
        """As of `following.Follower`: what was opened is listed where it lies now."""
        from nodetool_xl_desktop.library.following import followed  # noqa: PLC0415 - only where something has moved

        def now(paths: list[Path] | None) -> list[Path]:
            return [Path(name) for name in followed({str(path): None for path in paths or []}, source, target)]

        with self._lock:
            self._opened = now(self._opened)
            self._file.change(_paths_in, now, _to_json)

    # What lies on the disk

    @contextlib.contextmanager
    def _alone(self, stop: Callable[[], bool]) -> Iterator[None]:
        """One scan at a time; who does not want to wait any longer goes on, and finds that it is to stop."""
        is_mine = False
        try:
            while not is_mine and not stop():
                is_mine = self._scanning.acquire(timeout=0.1)
            yield
        finally:
            if is_mine:
                self._scanning.release()

    # What was opened

    def _readable_opened(self) -> list[Path]:
        try:
            return self._all_opened()
        except UserFacingError as error:
            _log.warning("%s", error)
            return list(self._opened)

    def _all_opened(self) -> list[Path]:
        """What was opened, newest first; another window of the program may have added to the file meanwhile."""
        return [*self._opened, *(path for path in self._file.read(_paths_in) or [] if path not in self._opened)]

    def _keep_opened(self, without: Path | None = None) -> None:
        """Keep what was opened since the start, before what the file holds now."""

        def changed(held: list[Path] | None) -> list[Path]:
            known = [*self._opened, *(path for path in held or [] if path not in self._opened)]
            return [path for path in known if path != without]

        self._file.change(_paths_in, changed, _to_json)


def _to_json(models: list[Path]) -> object:
    return {"models": [str(path) for path in models]}


def _paths_in(content: Any) -> list[Path]:
    return [Path(entry) for entry in content["models"] if isinstance(entry, str)]
