"""What happens with tools in the window: which are on in the chat that is shown, and what is asked about them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from nodetool_xl_desktop.chat.context import ContextUse
from nodetool_xl_desktop.chat.late_source import LateSource
from nodetool_xl_desktop.chat.toolbox import NEW_CHAT, Toolbox, Tools
from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.parts import Attachment, Part
from nodetool_xl_desktop.ui.composer.composer import Composer
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import Theme
from nodetool_xl_desktop.ui.tools.tool_values import Allowance
from nodetool_xl_desktop.ui.tools.tools_popup import ToolsPopup

# What speaks of servers is imported by `start`, after the window was painted.
if TYPE_CHECKING:
    from nodetool_xl_desktop.chat.attached_files import ReadFile
    from nodetool_xl_desktop.tools.mcp import McpServers
    from nodetool_xl_desktop.ui.tools.servers_flow import ServersFlow
    from nodetool_xl_desktop.ui.tools.tools_dialog import ToolsDialog


@dataclass(frozen=True, slots=True)
class Tooling:
    """What models may call in the whole program.

    Attributes:
        toolbox: which tools there are, which are on, and what is allowed.
        servers: the MCP servers.
        off_line: the program's switch.
    """

    toolbox: Toolbox
    servers: LateSource[McpServers]
    off_line: OffLine


class ToolsFlow(QObject):
    """Nothing of it is seen before `start`.

    Args:
        theme: the theme in force.
        tasks: where what is asked for is done.
        composer: has the button; what is taken from servers goes in there.
        tooling: what models may call.
        tell: says what could not be done.

    Attributes:
        files: what is attached to the chat that is shown, by name (`toolbox.attached`); called in a thread.
    """

    #: Other tools are on: what is asked takes more or less of the context.
    changed = Signal()
    #: What speaks of servers is there: `insert_prompt` and the like do something from now on.
    started = Signal()
    #: The person switched the program off line, or on line again: keep that.
    off_line_changed = Signal(bool)

    def __init__(
        self,
        theme: Theme,
        tasks: Tasks,
        composer: Composer,
        tooling: Tooling,
        tell: Callable[[UserFacingError], object],
    ) -> None:
        super().__init__(composer)
        self._theme = theme
        self._tasks = tasks
        self._composer = composer
        self._toolbox = tooling.toolbox
        self._late = tooling.servers
        self._off_line = tooling.off_line
        self._tell = tell
        self._chat_id = NEW_CHAT
        self._use: ContextUse | None = None
        self._tools: Tools | None = None
        self._on: frozenset[str] | None = None
        self._looking = self._looks_again = self._opens = False
        self._attached: tuple[str, ...] = ()
        self.files: Callable[[], Mapping[str, ReadFile]] = dict
        self.servers: ServersFlow | None = None
        self.popup = ToolsPopup(theme, composer.tools)
        self._connect()

    # What the window calls

    def start(self) -> None:
        """The window was painted: see which tools there are."""
        self._tasks.start(self._start(), self._tell)

    def show_for(self, chat_id: str) -> None:
        """Be about another chat; empty for one in which nothing was said yet."""
        if chat_id != self._chat_id:
            self._chat_id = chat_id
            self._tools = self._on = None
            self.popup.close_popup()
        self.look_again()

    def show_cost(self, use: ContextUse | None) -> None:
        """What the next turn takes of the context; None while that is not known."""
        if use != self._use:
            self._use = use
            self._show()

    def look_again(self) -> None:
        """Something that the toolbox asks is another, such as what is attached."""
        if self.servers is None:
            return
        if self._looking:
            self._looks_again = True
        else:
            self._looking = True
            self._tasks.start(self._look(), self._tell)

    def title(self, name: str) -> str:
        """What people call a tool, by the name that the model calls it: for `Transcript.set_tool_titles`."""
        return next(
            (each.offered.title for each in (self._tools.all if self._tools else ()) if each.name == name), name
        )

    def open(self) -> None:
        """Open the list of tools, or close it."""
        if self._tools is not None or self.popup.isVisible():
            self.popup.toggle()
        else:
            self._opens = True  # as soon as it is known what there is in this chat

    def insert_prompt(self) -> None:
        """Choose a prompt of a server for the message; nothing before `started`."""
        if self.servers is not None:
            self.servers.insert_prompt()

    def attach_resource(self) -> None:
        """Choose what a server has for the message; nothing before `started`."""
        if self.servers is not None:
            self.servers.attach_resource()

    def manage(self) -> None:
        """Open the dialog of servers and of what is allowed; nothing before `started`."""
        if self.servers is not None:
            self.servers.manage()

    def forget_chats(self, ids: Sequence[str]) -> None:
        """Chats came out of a file: nothing that was allowed before holds in them."""
        self._do(self._toolbox.forget_chats(ids))

    @property
    def is_off_line(self) -> bool:
        """Whether the program works off line."""
        return self._off_line.is_on

    def switch_off_line(self) -> None:
        """Work off line from now on, or on line again, as the person wants it."""
        self.set_off_line(not self.is_off_line)
        self.off_line_changed.emit(self.is_off_line)

    def set_off_line(self, is_on: bool) -> None:
        """Work off line, or not: what was kept."""
        self._off_line.is_on = is_on
        if (servers := self._late.made) is not None:
            servers.off_line_changed()
        self.look_again()

    def allow(self, purpose: Purpose, is_allowed: bool) -> None:
        """Allow connections for this purpose, or none: what was kept."""
        self._off_line.allow(purpose, is_allowed)
        if purpose is Purpose.SERVERS and (servers := self._late.made) is not None:
            servers.off_line_changed()
        self.look_again()

    # Looking

    async def _start(self) -> None:
        servers = await self._late.get()
        # Both have what they import by now, in a thread.
        from nodetool_xl_desktop.ui.tools.servers_flow import ServersFlow  # noqa: PLC0415 - see above

        self.servers = ServersFlow(self._theme, self._tasks, self._composer, servers, self._tell)
        self.servers.changed.connect(self.look_again)
        self.servers.dialog_opened.connect(self._dialog_opened)
        self.started.emit()
        self.look_again()
        await servers.load()

    async def _look(self) -> None:
        try:
            while True:
                self._looks_again = False
                chat_id = self._chat_id
                tools = await self._toolbox.offered(chat_id, await in_thread(self.files))
                if chat_id == self._chat_id:
                    self._tools = tools
                    self._show()
                    self._tell_changed(tools)
                if not self._looks_again:
                    return
        finally:
            self._looking = False

    def _tell_changed(self, tools: Tools) -> None:
        on = frozenset(listed.name for listed in tools.on)
        if on != self._on:
            was_known, self._on = self._on is not None, on
            if was_known or on:
                self.changed.emit()

    def _show(self) -> None:
        servers = self._late.made
        if self._tools is None or servers is None:
            return
        from nodetool_xl_desktop.ui.tools.tools_shown import shown  # noqa: PLC0415 - see above

        use = self._use
        seen = shown(
            self._tools,
            servers,
            off_line=self._off_line,
            tokens=use.tools if use is not None else None,
            exact=use is not None and use.exact,
        )
        self._composer.tools.show_count(seen.count)
        self.popup.show_tools(seen)
        if self._opens:
            self._opens = False
            self.popup.open()

    # What is asked for

    def _switch(self, name: str, is_on: bool) -> None:
        self._do(self._toolbox.set_on(self._chat_id, name, is_on))

    async def _switch_all(self, source: str, is_on: bool) -> None:
        of_source = [each for each in self._tools.all if each.offered.source == source] if self._tools else []
        await self._toolbox.set_all_on(self._chat_id, of_source, is_on)

    def _choose_folder(self) -> None:
        dialog = QFileDialog(self._composer.window(), tr("Open a Folder for This Chat"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda name: self.open_folder(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def open_folder(self, folder: Path | None) -> None:
        """Let the tools of the chat that is shown read this folder, and switch on what there is for it; None closes
        it.
        """
        self._do(self._open_folder(self._chat_id, folder))

    async def _open_folder(self, chat_id: str, folder: Path | None) -> None:
        before = {each.name for each in self._tools.all} if self._tools is not None else set[str]()
        await self._toolbox.open_folder(chat_id, folder)
        if folder is None:
            return
        for each in (await self._toolbox.offered(chat_id)).all:
            if each.name not in before and not each.offered.source and not each.offered.reaches_out:
                await self._toolbox.set_on(chat_id, each.name, True)

    def _follow_attachments(self, said: Sequence[Part]) -> None:
        attached = tuple(part.sha256 for part in said if isinstance(part, Attachment))
        if attached != self._attached:  # and not at each key that is pressed
            self._attached = attached
            self.look_again()

    def _dialog_opened(self, dialog: ToolsDialog) -> None:
        dialog.revoke_requested.connect(lambda allowed: self._do(self._revoke(dialog, allowed)))
        self._do(self._show_allowed(dialog))

    async def _show_allowed(self, dialog: ToolsDialog) -> None:
        from nodetool_xl_desktop.ui.tools.tools_shown import allowances  # noqa: PLC0415 - see above

        chat_id = self._chat_id
        listed = (await self._toolbox.offered(chat_id)).all
        here = await self._toolbox.in_chat(chat_id) if chat_id != NEW_CHAT else ()
        always = await self._toolbox.always()
        if self.servers is not None and self.servers.dialog is dialog:
            dialog.allowed.show_allowed([*allowances(always, listed), *allowances(here, listed, chat_id)])

    async def _revoke(self, dialog: ToolsDialog, allowed: Allowance) -> None:
        box, chat_id = self._toolbox, allowed.chat_id
        for grant in await (box.always() if chat_id is None else box.in_chat(chat_id)):
            if (grant.tool, grant.subject) == (allowed.name, allowed.subject):
                await box.forget(grant, chat_id)
        await self._show_allowed(dialog)

    def _do(self, work: Coroutine[Any, Any, object]) -> None:
        """Have something done; what is refused is told, and what holds now is shown."""

        async def done() -> None:
            try:
                await work
            finally:
                self.look_again()

        self._tasks.start(done(), self._tell)

    # How it is made

    def _connect(self) -> None:
        popup = self.popup
        self._composer.tools.clicked.connect(self.open)
        self._composer.draft_changed.connect(self._follow_attachments)
        popup.switched.connect(self._switch)
        popup.all_switched.connect(lambda source, is_on: self._do(self._switch_all(source, is_on)))
        popup.default_requested.connect(lambda: self._do(self._toolbox.make_default(self._chat_id)))
        popup.choose_folder_requested.connect(self._choose_folder)
        popup.close_folder_requested.connect(lambda: self.open_folder(None))
        popup.prompt_requested.connect(self.insert_prompt)
        popup.resource_requested.connect(self.attach_resource)
        popup.manage_requested.connect(self.manage)
        self._toolbox.on_change = self.look_again
