"""What happens between the section Privacy and what it tells of: whom the program asks, its folders, the keyring."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from nodetool_xl_desktop.core.connections import Purpose, contacts
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.folder_size import folder_size
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.endpoint import host_of, origin
from nodetool_xl_desktop.ui.settings import privacy_words as words
from nodetool_xl_desktop.ui.settings.privacy_page import Kept, PrivacyPage
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread

if TYPE_CHECKING:
    from nodetool_xl_desktop.hub.tokens import Tokens
    from nodetool_xl_desktop.ui.settings.settings_page import SettingsPage

#: While many are asked, the page says so this often, in milliseconds.
_REST_MS = 250


class PrivacyFlow(QObject):
    """Leads what the section has besides its switches, and says in their rows who was asked.

    Args:
        tasks: where it works.
        paths: the program's folders.
        models: finds the models folder; touches the disk.
        tokens: the access tokens; may block.
        endpoint: the address of the hub that is in use.
        tell: hears what could not be done.
        parent: the window.
    """

    _asked = Signal()  # by any thread

    def __init__(
        self,
        *,
        tasks: Tasks,
        paths: Paths,
        models: Callable[[], Path],
        tokens: Tokens,
        endpoint: Callable[[], str],
        tell: Callable[[UserFacingError], object],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._tasks, self._paths, self._models = tasks, paths, models
        self._tokens, self._endpoint, self._tell = tokens, endpoint, tell
        self.open_url: Callable[[QUrl], bool] = QDesktopServices.openUrl
        self._page: PrivacyPage | None = None
        self._settings: SettingsPage | None = None
        self._end: Callable[[], None] | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._show_asked)
        self._asked.connect(self._rest_first)

    @property
    def page(self) -> PrivacyPage:
        """What the section has below its switches; made when it is first asked for."""
        if self._page is None:
            self._page = page = PrivacyPage(_kept(self._paths))
            page.seen.connect(lambda: self._tasks.start(self._look(page), self._tell))
            page.open_requested.connect(lambda folder: self._tasks.start(self._open(folder), self._tell))
            page.look_requested.connect(lambda: self._tasks.start(self._ask_keyring(page), self._tell))
            self._show_tokens(page, None)
        return self._page

    def follow(self, settings: SettingsPage) -> None:
        """Say in the rows of this page who was asked, as long as it is seen."""
        self._settings = settings
        settings.seen.connect(self._begin)
        settings.left.connect(self.close)

    # Who was asked

    def _begin(self) -> None:
        if self._end is None:
            self._end = contacts.listen(lambda _purpose: self._asked.emit())
        self._show_asked()

    def close(self) -> None:
        """Follow it no longer."""
        if self._end is not None:
            self._end()
            self._end = None
        self._rest.stop()

    def _rest_first(self) -> None:
        if self._end is not None and not self._rest.isActive():
            self._rest.start()

    def _show_asked(self) -> None:
        if self._settings is None:
            return
        for purpose in Purpose:
            known = contacts.of(purpose)
            self._settings.rows[purpose.switch].tell(words.asked(known), words.all_asked(known))

    # The folders

    async def _look(self, page: PrivacyPage) -> None:
        await self._show_known(page)
        for row in page.rows:
            if row.kept.folder == self._paths.models:  # a person may have moved it
                row.show_folder(await in_thread(self._models))
            row.show_size(await in_thread(partial(folder_size, row.folder, deep=row.kept.deep)))

    async def _open(self, folder: Path) -> None:
        what = tr("The folder could not be opened")
        if not await in_thread(folder.is_dir):
            raise UserFacingError(what, tr("it is not there, as nothing was kept in it yet"), str(folder))
        if not self.open_url(QUrl.fromLocalFile(str(folder))):
            raise UserFacingError(what, tr("no file manager answered"), tr("It is {parent}.", parent=folder))

    # The keyring

    async def _show_known(self, page: PrivacyPage) -> None:
        self._show_tokens(page, await in_thread(self._tokens.known))

    async def _ask_keyring(self, page: PrivacyPage) -> None:
        page.look.setEnabled(False)  # it may take the keyring, and the person, a while
        await in_thread(partial(self._tokens.get, self._endpoint()))
        await self._show_known(page)

    def _show_tokens(self, page: PrivacyPage, known: dict[str, bool] | None) -> None:
        endpoint, known = self._endpoint(), known or {}
        hosts = [_host(name) for name, has_one in known.items() if has_one]
        page.show_tokens(host_of(endpoint), hosts, looked=origin(endpoint) in known)


def _host(name: str) -> str:
    """Of an origin, as people call it: with a port only where it is one of its own."""
    return host_of(name.removesuffix(":443" if name.startswith("https:") else ":80"))


def _kept(paths: Paths) -> list[Kept]:
    in_settings = tr("Settings, MCP servers and their keys, permissions, the list of downloads")
    return [
        Kept(tr("Chats"), paths.chats, tr("With what is attached to them, and their backups")),
        Kept(tr("Models"), paths.models, tr("Those that this program downloads")),
        Kept(tr("Engines"), paths.engines, tr("Those that you installed")),
        Kept(tr("Settings"), paths.data, in_settings, deep=False),
        Kept(tr("Logs"), paths.logs, tr("What the program and its engine did; no chats")),
        Kept(tr("Cache"), paths.cache, tr("What can be worked out or fetched again")),
    ]
