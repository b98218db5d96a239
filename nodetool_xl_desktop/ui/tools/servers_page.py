"""The MCP servers of the program: a list of them, and one of them beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.mcp import Found, McpServers, Server, Settings
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XL, Theme
from nodetool_xl_desktop.ui.tools import server_values
from nodetool_xl_desktop.ui.tools.item_list import ItemList
from nodetool_xl_desktop.ui.tools.paste_page import PastePage
from nodetool_xl_desktop.ui.tools.server_detail import ServerDetail
from nodetool_xl_desktop.ui.tools.server_form import ServerForm
from nodetool_xl_desktop.ui.tools.tool_values import Item

LIST_WIDTH = 210
WHAT_THEY_ARE = tr(
    "An MCP server gives the model more tools: files, calendars, databases, whatever somebody wrote one for."
    " It is a program on this computer, or an address elsewhere."
)


class ServersPage(QWidget):
    """Shows the servers, and does what is asked of them.

    Args:
        theme: the theme in force.
        tasks: where that is done.
        servers: those of the program.
    """

    #: A form is open, in which Enter and Escape have a meaning of their own.
    asking = Signal(bool)

    def __init__(self, theme: Theme, tasks: Tasks, servers: McpServers) -> None:
        super().__init__()
        self._theme = theme
        self._tasks = tasks
        self._servers = servers
        self._changes = ""
        self._remedy: Callable[[], object] = lambda: None
        self.notice = Notice()
        self.notice.remedy.setAutoDefault(False)
        self.list = ItemList(theme, tr("MCP servers"))
        self.detail = ServerDetail(theme)
        self.form = ServerForm(theme)
        self.paste = PastePage(theme)
        self._add, self._paste_button = QPushButton(tr("Add ...")), QPushButton(tr("Paste JSON ..."))
        self._lay_out()
        self._connect()
        self.refresh()

    # What is shown

    def refresh(self) -> None:
        """Show the servers as they are now."""
        servers = self._servers.servers
        self.list.show_items([_item(server) for server in servers])
        if not self.list.key and servers:
            self.list.show_items(self.list.items, servers[0].name)
        if self._servers.problem is not None:
            self._tell_error(self._servers.problem, tr("Read Again"), lambda: self._do(self._servers.load))
        self._show_chosen()
        self._stack.setCurrentWidget(self._both if servers else self._empty)

    def show_log(self, name: str) -> None:
        """The log of a server has grown."""
        if name == self.list.key:
            self.detail.show_log(self._servers.log(name))

    def _show_chosen(self) -> None:
        server = self._chosen
        if server is not None:
            self.detail.show_server(server_values.shown(server))
            self.detail.show_log(self._servers.log(server.name))

    @property
    def _chosen(self) -> Server | None:
        return self._servers.find(self.list.key) if self.list.key else None

    @property
    def _names(self) -> list[str]:
        return [server.name for server in self._servers.servers]

    @property
    def is_asking(self) -> bool:
        """Whether a form is open."""
        return self._whole.currentWidget() is not self._overview

    # What is asked for

    def leave_form(self) -> None:
        """Close the form; the keys go to where they came from."""
        self._whole.setCurrentWidget(self._overview)
        (self.list if self._servers.servers else self._add_first).setFocus(Qt.FocusReason.OtherFocusReason)
        self.asking.emit(False)

    def _open_form(self, name: str = "") -> None:
        server = self._servers.find(name) if name else None
        self._changes = name
        self._whole.setCurrentWidget(self.form)
        self.form.ask(name, server.settings if server is not None else None, self._names)
        self.asking.emit(True)

    def _open_paste(self) -> None:
        self._whole.setCurrentWidget(self.paste)
        self.paste.ask(self._names)
        self.asking.emit(True)

    async def _keep(self, name: str, settings: Settings) -> None:
        try:
            if self._changes:
                await self._servers.change(self._changes, name, settings)
            else:
                await self._servers.add(name, settings)
        except UserFacingError as error:
            self.form.tell(str(error))
            return
        self._is_kept(name)
        await self._servers.wake([name])

    async def _take(self, found: tuple[Found, ...]) -> None:
        try:
            await self._servers.take(found)
        except UserFacingError as error:
            self.paste.tell(str(error))
            return
        self._is_kept(found[0].name)
        await self._servers.wake([each.name for each in found if each.enabled])

    def _is_kept(self, name: str) -> None:
        self.notice.hide()
        self.refresh()
        self.list.show_items(self.list.items, name)
        self._show_chosen()
        self.leave_form()

    async def _remove(self, server: Server) -> None:
        await self._servers.remove(server.name)
        self.refresh()
        (self.list if self._servers.servers else self._add_first).setFocus(Qt.FocusReason.OtherFocusReason)
        if server.settings is None:  # what could not be read cannot be written again
            self._tell(tr("“{name}” was removed", name=server.name))
        else:
            self._tell(
                tr("“{name}” was removed", name=server.name),
                tr("Undo"),
                lambda: self._do(partial(self._put_back, server)),
            )

    async def _put_back(self, server: Server) -> None:
        assert server.settings is not None
        await self._servers.add(server.name, server.settings)
        self.notice.hide()
        self.refresh()
        self.list.show_items(self.list.items, server.name)
        self._show_chosen()

    async def _start(self, name: str) -> None:
        server = self._servers.find(name)
        if server is not None and not server.enabled:
            await self._servers.enable(name, True)
        await self._servers.restart(name)

    def _do(self, work: Callable[[], Awaitable[Any]]) -> None:
        """Have something done; what is refused is told."""

        async def told() -> None:
            try:
                await work()
            except UserFacingError as error:
                self._tell_error(error)

        self._tasks.start(told())

    def _do_remedy(self) -> None:
        self._remedy()

    def _tell(self, what: str, remedy: str = "", work: Callable[[], object] = lambda: None) -> None:
        self._remedy = work
        self.notice.tell(what, tone="plain", remedy=remedy)

    def _tell_error(self, error: UserFacingError, remedy: str = "", work: Callable[[], object] = lambda: None) -> None:
        self._remedy = work
        self.notice.tell_error(error, remedy)

    # How it is made

    def _lay_out(self) -> None:
        for button in (self._add, self._paste_button):
            button.setAutoDefault(False)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_S)
        buttons.addWidget(self._add)
        buttons.addWidget(self._paste_button)
        self._both = QWidget()
        left = QVBoxLayout()
        left.setSpacing(SPACE_M)
        left.addWidget(self.list, 1)
        left.addLayout(buttons)
        sides = QHBoxLayout(self._both)
        sides.setContentsMargins(0, 0, 0, 0)
        sides.setSpacing(SPACE_XL)
        sides.addLayout(left)
        sides.addWidget(self.detail, 1)
        self.list.setFixedWidth(LIST_WIDTH)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._both)
        self._empty = self._make_empty()
        self._stack.addWidget(self._empty)
        self._overview = QWidget()
        overview = QVBoxLayout(self._overview)
        overview.setContentsMargins(0, 0, 0, 0)
        overview.setSpacing(SPACE_M)
        overview.addWidget(self.notice)
        overview.addWidget(self._stack, 1)
        self._whole = QStackedWidget()
        for page in (self._overview, self.form, self.paste):
            self._whole.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._whole)

    def _make_empty(self) -> QWidget:
        self._add_first, self._paste_first = QPushButton(tr("Add a Server ...")), QPushButton(tr("Paste JSON ..."))
        self._add_first.setProperty("kind", "primary")
        made = QWidget()
        layout = QVBoxLayout(made)
        layout.setContentsMargins(SPACE_XL * 3, SPACE_XL * 2, SPACE_XL * 3, 0)
        layout.setSpacing(SPACE_L)
        layout.addWidget(label(tr("No servers yet"), "headline"))
        layout.addWidget(label(WHAT_THEY_ARE, "body", wrap=True))
        row = QHBoxLayout()
        row.setSpacing(SPACE_S)
        for button in (self._add_first, self._paste_first):
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch()
        layout.addLayout(row)
        layout.addStretch()
        return made

    def _connect(self) -> None:
        detail = self.detail
        self.list.chosen.connect(lambda _key: self._show_chosen())
        self.list.opened.connect(self._open_form)
        self.notice.remedy_requested.connect(self._do_remedy)
        for add in (self._add, self._add_first):
            add.clicked.connect(lambda _checked=False: self._open_form())
        for paste in (self._paste_button, self._paste_first):
            paste.clicked.connect(self._open_paste)
        self.form.given.connect(lambda name, settings: self._do(partial(self._keep, name, settings)))
        self.form.left.connect(self.leave_form)
        self.paste.given.connect(lambda found: self._do(partial(self._take, found)))
        self.paste.left.connect(self.leave_form)
        detail.edit_requested.connect(lambda: self._open_form(self.list.key))
        detail.start_requested.connect(lambda: self._do(partial(self._start, self.list.key)))
        detail.stop_requested.connect(lambda: self._do(partial(self._servers.stop, self.list.key)))
        detail.remove_requested.connect(self._ask_remove)

    def _ask_remove(self) -> None:
        if (server := self._chosen) is not None:
            self._do(partial(self._remove, server))


def _item(server: Server) -> Item:
    words = server_values.state_words(server)
    return Item(server.name, words, dot=server_values.dot_of(server), key=server.name)
