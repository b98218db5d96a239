"""What happens between the downloads, which live on a thread of their own, and what is seen of them.

Changes are told from that thread, as many as there are: the first one asks the window's loop to look, and those that
come before it has looked are the same look. It looks at most four times a second, and no timer runs while nothing does.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.standing import Download, Limits, State
from nodetool_xl_desktop.ui.downloads import download_words as words
from nodetool_xl_desktop.ui.downloads.downloads_foot import DownloadsFoot
from nodetool_xl_desktop.ui.downloads.tray import Tray
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import Theme

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.downloads.downloads_page import DownloadsPage
    from nodetool_xl_desktop.ui.downloads.row_buttons import Wish

#: Between two looks at figures; between two while only seconds are counted, in milliseconds.
LOOK_MS, COUNT_MS = 250, 1000
#: How old what is known of the disk may be, in seconds.
_ROOM_AGE_S = 5.0


class Queue(Protocol):
    """What the window wants of `hub.downloads.Downloads`; nothing of it waits."""

    limits: Limits

    @property
    def all(self) -> tuple[Download, ...]:
        """A snapshot, in the order of the queue."""

    @property
    def refusal(self) -> UserFacingError | None:
        """Why there are none; None where all is well."""

    def listen(self, callback: Callable[[], None], /) -> object:
        """Call this from its own thread on any change."""

    def pause(self, key: str, /) -> object:
        """Stop it, and keep what has come."""

    def resume(self, key: str, /) -> object:
        """Let it go on."""

    def cancel(self, key: str, /) -> object:
        """Forget it, and remove what has come."""

    def retry(self, key: str, /) -> object:
        """Try again now."""

    def move(self, key: str, to: int, /) -> object:
        """Put it to this place of `all`."""

    def pause_all(self) -> object:
        """Stop all, and keep what has come."""

    def resume_all(self) -> object:
        """Let all go on."""

    def clear_finished(self) -> object:
        """Forget those that are done; their files stay."""


class DownloadsFlow(QObject):
    """Shows the downloads on the page, in the foot of the side bar and in the tray, and passes on what is wanted.

    Args:
        theme: the theme in force.
        tasks: where the disk is looked at.
        downloads: those.
        tell: hears of what could not be done.
        folder: the models folder, whose disk they fill.
        has_tray: whether this system has a tray.

    Attributes:
        foot: of the side bar; over it a notice says that one is done.
        tray: outside of the window.
    """

    #: This `Download` is done: My Models lists it.
    finished = Signal(object)
    #: These (a tuple of `Download`) were done before the program was started.
    were_done = Signal(object)
    #: Load the model of this path.
    load_requested = Signal(Path)
    #: Show the model of this path in My Models.
    show_requested = Signal(Path)
    #: Show the page.
    page_requested = Signal()
    #: Go back to what was shown before the page.
    page_closed = Signal()
    #: Find models to download.
    discover_requested = Signal()
    #: Bring the window to the front; the page is asked for after that.
    window_requested = Signal()
    quit_requested = Signal()
    _changed = Signal()

    def __init__(
        self,
        theme: Theme,
        tasks: Tasks,
        downloads: Queue,
        tell: Callable[[UserFacingError], object],
        *,
        folder: Callable[[], Path],
        has_tray: Callable[[], bool] = QSystemTrayIcon.isSystemTrayAvailable,
    ) -> None:
        super().__init__()
        self._tasks = tasks
        self._downloads = downloads
        self._tell = tell
        self._folder = folder
        self._batch = words.Batch()
        self._states: dict[str, State] = {}  # at the last look
        self._since = time.time()  # what was done before is no news
        self._looked_at = float("-inf")
        self._asked = threading.Event()
        self._has_closed = False
        self._free: int | None = None
        self._room_at = float("-inf")
        self._theme = theme
        self._has_page = False
        self.foot = DownloadsFoot(theme)
        self._notice = self.foot.notice
        self.tells = True
        self.tray = Tray(theme, tasks, has_tray)
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._look)
        self._connect()

    def _connect(self) -> None:
        self._changed.connect(self._look_soon, Qt.ConnectionType.QueuedConnection)
        self.foot.clicked.connect(self.page_requested)
        self._notice.load_requested.connect(self.load_requested)
        self.tray.show_requested.connect(self._come_forward)
        self.tray.pause_requested.connect(partial(self._act, self._downloads.pause_all))
        self.tray.resume_requested.connect(partial(self._act, self._downloads.resume_all))
        self.tray.quit_requested.connect(self.quit_requested)

    @cached_property
    def page(self) -> DownloadsPage:
        """The page in the centre, made when it is first asked for."""
        from nodetool_xl_desktop.ui.downloads.downloads_page import DownloadsPage  # noqa: PLC0415

        page = DownloadsPage(self._theme)
        self._has_page = True
        page.seen.connect(self._page_seen)
        page.wished.connect(self._do)
        page.moved.connect(self._move)
        page.closed.connect(self.page_closed)
        page.discover_requested.connect(self.discover_requested)
        page.pause_all_requested.connect(partial(self._act, self._downloads.pause_all))
        page.resume_all_requested.connect(partial(self._act, self._downloads.resume_all))
        page.clear_requested.connect(partial(self._act, self._downloads.clear_finished))
        page.limits_changed.connect(self._limit)
        return page

    def start(self) -> None:
        """Show what there is, and hear of what changes; once, when the downloads were read or soon will be."""
        self._downloads.listen(self._heard)
        self._changed.emit()

    def close(self) -> None:
        """The program ends: hear of nothing more."""
        self._has_closed = True
        self._next.stop()
        self.tray.close()

    # From their thread into this one

    def _heard(self, *_: object) -> None:
        """Called from the thread of the downloads."""
        if not self._asked.is_set() and not self._has_closed:
            self._asked.set()
            with suppress(RuntimeError):  # Qt has ended already
                self._changed.emit()

    def _look_soon(self) -> None:
        """At once where the last look is long ago, or else as soon as it is."""
        wait_ms = LOOK_MS - (time.monotonic() - self._looked_at) * 1000
        if wait_ms <= 0:
            self._look()
        elif not self._next.isActive() or self._next.remainingTime() > wait_ms:
            self._next.start(round(wait_ms))

    def _look(self) -> None:
        if self._has_closed:
            return
        self._next.stop()
        self._asked.clear()  # before it looks: what changes meanwhile is looked at once more
        self._looked_at = time.monotonic()
        downloads = self._downloads.all
        total = self._batch.total(downloads)
        self.foot.show_total(total)
        self.tray.show_total(total)
        if self._is_page_seen:
            self._show_page(downloads)
        self._tell_news(downloads)
        if any(each.state is State.RUNNING or each.retry_in_s is not None for each in downloads):
            self._next.start(COUNT_MS)  # a connection that gives nothing tells nobody

    def _act(self, work: Callable[[], object], *_: object) -> None:
        """Do what a person wants, and show what comes of it without delay."""
        self._looked_at = float("-inf")
        try:
            work()
        except UserFacingError as error:
            self._tell(error)
        self._changed.emit()

    # The page

    @property
    def _is_page_seen(self) -> bool:
        return self._has_page and self.page.isVisible()

    def _page_seen(self, is_seen: bool) -> None:
        if is_seen and not self._has_closed:
            self._notice.end()
            self._show_page(self._downloads.all)

    def _show_page(self, downloads: tuple[Download, ...]) -> None:
        self.page.show_refusal(self._downloads.refusal)
        self.page.show_downloads(downloads)
        self.page.show_limits(self._downloads.limits)
        self.page.show_room(self._free)
        if time.monotonic() - self._room_at > _ROOM_AGE_S:
            self._room_at = time.monotonic()
            self._tasks.start(self._look_at_room())

    async def _look_at_room(self) -> None:
        self._free = await in_thread(lambda: free_bytes(self._folder()))
        self.page.show_room(self._free)

    def _limit(self, limits: Limits) -> None:
        def set_limits() -> None:
            self._downloads.limits = limits

        self._act(set_limits)

    def _move(self, key: str, target: str) -> None:
        ids = [each.id for each in self._downloads.all]
        if key in ids and target in ids:
            self._act(partial(self._downloads.move, key, ids.index(target)))

    def _do(self, wish: Wish, key: str) -> None:
        from nodetool_xl_desktop.ui.downloads.row_buttons import Wish  # noqa: PLC0415 - made with the page

        works = {
            Wish.PAUSE: self._downloads.pause,
            Wish.RESUME: self._downloads.resume,
            Wish.RETRY: self._downloads.retry,
            Wish.CANCEL: self._downloads.cancel,
        }
        path = next((each.path for each in self._downloads.all if each.id == key), None)
        if (work := works.get(wish)) is not None:
            self._act(partial(work, key))
        elif path is not None:
            (self.load_requested if wish is Wish.LOAD else self.show_requested).emit(path)

    # News

    def _tell_news(self, downloads: tuple[Download, ...]) -> None:
        """What ended since the last look; not what the journal says of earlier days, which comes some looks after the
        start."""
        before, self._states = self._states, {each.id: each.state for each in downloads}
        done = [each for each in downloads if each.state is State.DONE and each.id not in before]
        if earlier := tuple(each for each in done if each.finished < self._since):
            self.were_done.emit(earlier)
        for each in downloads:
            known = before.get(each.id)
            if each.state is State.DONE and known is not State.DONE and (known or each.finished >= self._since):
                self._tell_done(each)
            elif each.state is State.FAILED and known not in (None, State.FAILED):
                self._tell_failed(each)

    def _tell_done(self, download: Download) -> None:
        self.finished.emit(download)
        if not self._is_page_seen:
            self._notice.tell_done(download)
        self._notify(tr("Download finished"), tr("{download} is in My Models.", download=words.name_of(download)))

    def _tell_failed(self, download: Download) -> None:
        why = f": {one_line(download.error.what)}." if download.error is not None else "."
        self._notify(tr("Download failed"), f"{words.name_of(download)}{why}")

    def _notify(self, title: str, text: str) -> None:
        """Where the person is elsewhere, by the system."""
        if QApplication.activeWindow() is not None or not self.tells:
            return
        if not self.tray.tell(title, text):
            QApplication.alert(self.foot.window())

    def _come_forward(self) -> None:
        self.window_requested.emit()
        self.page_requested.emit()


def free_bytes(folder: Path) -> int | None:
    """What is free on the disk that this folder is on, or would be on; None where that cannot be said. It may block."""
    for place in (folder, *folder.parents):
        with suppress(OSError):
            return shutil.disk_usage(os.fspath(place)).free
    return None
