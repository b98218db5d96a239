"""What the settings do in the window: each is used when read, and again when it is another one. And their page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.setting import Section, Setting, T
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.endpoint import parse_endpoint
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import Theme

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from nodetool_xl_desktop.core.settings_file import Values
    from nodetool_xl_desktop.ui.chosen import Chosen
    from nodetool_xl_desktop.ui.settings.settings_page import SettingsPage


class SettingsFlow(QObject):
    """Hands each value to who uses it, and leads the page.

    Args:
        theme: the theme in force.
        chosen: the settings.
        tasks: where it works.
        tell: hears what could not be done.
        open_url: opens the file in the system's editor.
    """

    #: The page was made (a `SettingsPage`).
    made = Signal(object)
    #: The page is to be seen no longer.
    closed = Signal()

    def __init__(
        self,
        theme: Theme,
        chosen: Chosen,
        tasks: Tasks,
        tell: Callable[[UserFacingError], object],
        open_url: Callable[[QUrl], bool] = QDesktopServices.openUrl,
    ) -> None:
        super().__init__()
        self._theme = theme
        self._chosen = chosen
        self._tasks = tasks
        self._tell = tell
        self.open_url = open_url
        self._uses: list[tuple[Setting[Any], Callable[[Any], object]]] = []
        self._used: dict[int, Any] = {}
        self._widgets: dict[Section, Callable[[], QWidget]] = {}
        self._page: SettingsPage | None = None
        self._began = chosen.now
        chosen.changed.connect(self._use)
        chosen.read.connect(self._begin)
        chosen.refused.connect(self._use_again)

    # What they do

    def use(self, setting: Setting[T], work: Callable[[T], object]) -> None:
        """Have `work` called with the value of a setting once it was read, and each time that it is another one."""
        self._uses.append((setting, work))

    def _begin(self, values: Values) -> None:
        self._began = values
        self._use(values)  # also where nothing was chosen

    def _use(self, values: Values) -> None:
        for place, (setting, work) in enumerate(self._uses):
            value = values[setting]
            if place not in self._used or self._used[place] != value:
                self._used[place] = value
                work(value)
        if self._page is not None:
            self._page.show_values(values)

    def _use_again(self, setting: Setting[Any]) -> None:
        """Something else was wanted, and already done, than may hold."""
        for other, work in self._uses:
            if other is setting:
                work(self._chosen.now[setting])
        if self._page is not None:
            self._page.show_values(self._chosen.now)

    # The page

    def add_section(self, section: Section, widget: Callable[[], QWidget]) -> None:
        """Have a section of the page end with this, which is made when it is first shown."""
        self._widgets[section] = widget

    @property
    def page(self) -> SettingsPage:
        """The page; made when it is first asked for."""
        if self._page is None:
            from nodetool_xl_desktop.ui.settings.settings_page import SettingsPage  # noqa: PLC0415

            readings = {settings.ENDPOINT: parse_endpoint}
            self._page = page = SettingsPage(self._theme, self._began, self._chosen.file.path, self._widgets, readings)
            page.chosen.connect(self._chosen.choose)
            page.reset_requested.connect(self._chosen.reset)
            page.open_requested.connect(self.open_file)
            page.seen.connect(self._chosen.look_again)
            page.closed.connect(self.closed)
            page.show_values(self._chosen.now)
            self.made.emit(page)
        return self._page

    def open_file(self) -> None:
        """Open `settings.toml` in the system's editor; it is made first where there is none."""
        self._tasks.start(self._open_file(), self._tell)

    async def _open_file(self) -> None:
        path = await in_thread(self._chosen.file.make)
        if not self.open_url(QUrl.fromLocalFile(str(path))):
            raise UserFacingError(
                tr("settings.toml could not be opened"),
                tr("the system has no program for it"),
                tr("Open it in an editor: {path}", path=path),
            )
