"""What happens with MCP servers in the window: the dialog about them, and what is taken of them into the message."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from PySide6.QtCore import QObject, Signal

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.mcp import McpServers, PromptMessage, ResourceContent, Running
from nodetool_xl_desktop.ui.composer.composer import Composer
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import Theme

# The dialogs are imported when one is opened: the window's first paint need not wait for them.
if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.tools.insert_dialog import Choice, InsertDialog
    from nodetool_xl_desktop.ui.tools.tools_dialog import ToolsDialog


class ServersFlow(QObject):
    """Opens the dialogs; there is at most one of each.

    Args:
        theme: the theme in force.
        tasks: where what is asked for is done.
        composer: what is taken goes in there.
        servers: those of the program.
        tell: says what could not be done.
    """

    #: Something of the servers is another now.
    changed = Signal()
    #: The dialog about tools was opened (a `ToolsDialog`).
    dialog_opened = Signal(object)

    def __init__(
        self,
        theme: Theme,
        tasks: Tasks,
        composer: Composer,
        servers: McpServers,
        tell: Callable[[UserFacingError], object],
    ) -> None:
        super().__init__(composer)
        self._theme = theme
        self._tasks = tasks
        self._composer = composer
        self._servers = servers
        self._tell = tell
        self.dialog: ToolsDialog | None = None
        self.insert_dialog: InsertDialog | None = None
        servers.on_change = self._changed
        servers.on_log = self._log_grown

    def manage(self) -> None:
        """Open the dialog about tools."""
        from nodetool_xl_desktop.ui.tools.tools_dialog import ToolsDialog  # noqa: PLC0415 - see above

        if self.dialog is not None:
            self.dialog.raise_()
            return
        dialog = self.dialog = ToolsDialog(self._theme, self._tasks, self._servers, self._composer.window())

        def closed() -> None:
            self.dialog = None
            dialog.deleteLater()

        dialog.finished.connect(closed)
        dialog.open()
        self.dialog_opened.emit(dialog)

    def insert_prompt(self) -> None:
        """Ask which prompt of a server to put into the message."""
        nothing = tr("No server that runs offers prompts.")
        self._tasks.start(self._ask(tr("Insert a Prompt"), tr("Insert"), _prompts, self._put_prompt, nothing))

    def attach_resource(self) -> None:
        """Ask which resource of a server goes along with the message."""
        nothing = tr("No server that runs offers resources.")
        self._tasks.start(self._ask(tr("Attach a Resource"), tr("Attach"), _resources, self._attach, nothing))

    async def _ask(
        self,
        title: str,
        done: str,
        choices: Callable[[McpServers], Sequence[Choice]],
        take: Callable[[Choice, Mapping[str, str]], Any],
        nothing: str,
    ) -> None:
        from nodetool_xl_desktop.ui.tools.insert_dialog import InsertDialog  # noqa: PLC0415 - see above

        if self.insert_dialog is not None:
            self.insert_dialog.raise_()
            return
        dialog = self.insert_dialog = InsertDialog(self._theme, title, done, self._composer.window())

        def closed() -> None:
            self.insert_dialog = None
            dialog.deleteLater()

        dialog.finished.connect(closed)
        dialog.taken.connect(lambda choice, given: self._tasks.start(self._taken(dialog, take, choice, given)))
        dialog.open()
        dialog.wait(tr("Asking the servers ..."))
        await self._servers.wake()
        if self.insert_dialog is dialog:
            dialog.show_choices(choices(self._servers), self._why_nothing(nothing))

    def _why_nothing(self, nothing: str) -> str:
        """Why there is nothing to choose from."""
        from nodetool_xl_desktop.ui.tools.server_values import state_words  # noqa: PLC0415 - see above

        others = [each for each in self._servers.servers if not isinstance(each.state, Running)]
        return "\n".join(
            [
                nothing,
                *(f"{each.name}: {state_words(each)}" for each in others),
            ]
        )

    async def _taken(
        self,
        dialog: InsertDialog,
        take: Callable[[Choice, Mapping[str, str]], Any],
        choice: Choice,
        given: Mapping[str, str],
    ) -> None:
        try:
            await take(choice, given)
        except UserFacingError as error:
            if self.insert_dialog is dialog:
                dialog.tell_error(error)
            else:
                self._tell(error)
            return
        if self.insert_dialog is dialog:
            dialog.accept()

    async def _put_prompt(self, choice: Choice, given: Mapping[str, str]) -> None:
        said = await self._servers.prompt(choice.server, choice.item.key, given)
        if not any(each.text.strip() or each.image for each in said):
            raise UserFacingError(
                tr("The prompt is empty"), tr("the server “{server}” sent no text for it", server=choice.server)
            )
        text = prompt_text(said)
        if text:
            self._composer.put(text)
        for number, each in enumerate(said, 1):
            if each.image is not None:
                self._composer.attach_data(f"{choice.item.title} {number}", each.image.data)

    async def _attach(self, choice: Choice, _given: Mapping[str, str]) -> None:
        contents = await self._servers.resource(choice.server, choice.item.key)
        if not contents:
            raise UserFacingError(
                tr("The resource is empty"), tr("the server “{server}” sent nothing for it", server=choice.server)
            )
        for content in contents:
            data = content.text.encode("utf-8", "replace") if content.data is None else content.data
            self._composer.attach_data(resource_name(content, choice.item.title), data)
        self._composer.focus()

    def _changed(self) -> None:
        if self.dialog is not None:
            self.dialog.servers.refresh()
        self.changed.emit()

    def _log_grown(self, name: str) -> None:
        if self.dialog is not None:
            self.dialog.servers.show_log(name)


def prompt_text(said: Sequence[PromptMessage]) -> str:
    """The messages of a prompt as one text; who says what is told where both speak."""
    texts = [(each.role, each.text.strip()) for each in said if each.text.strip()]
    if len({role for role, _ in texts}) < 2:
        return "\n\n".join(text for _, text in texts)
    names = {"user": tr("User"), "assistant": tr("Assistant")}
    return "\n\n".join(f"{names.get(role, role.title())}:\n{text}" for role, text in texts)


def resource_name(content: ResourceContent, title: str) -> str:
    """What a resource is called as a file: the end of its address where that is a name, else its title."""
    try:
        last = PurePosixPath(unquote(urlsplit(content.uri).path)).name
    except ValueError:
        last = ""
    name = last if "." in last.strip(".") else title
    return " ".join(name.replace("/", "_").split())[:120] or tr("Resource")


def _running(servers: McpServers) -> list[tuple[str, Running]]:
    return [(each.name, each.state) for each in servers.servers if isinstance(each.state, Running)]


def _prompts(servers: McpServers) -> Sequence[Choice]:
    from nodetool_xl_desktop.ui.tools import server_values  # noqa: PLC0415 - see above
    from nodetool_xl_desktop.ui.tools.insert_dialog import Choice, Field  # noqa: PLC0415

    return [
        Choice(
            name,
            server_values.prompt_item(prompt),
            tuple(Field(each.name, each.description, each.required) for each in prompt.arguments),
        )
        for name, running in _running(servers)
        for prompt in running.prompts
    ]


def _resources(servers: McpServers) -> Sequence[Choice]:
    from nodetool_xl_desktop.ui.tools import server_values  # noqa: PLC0415 - see above
    from nodetool_xl_desktop.ui.tools.insert_dialog import Choice  # noqa: PLC0415

    return [
        Choice(name, server_values.resource_item(each))
        for name, running in _running(servers)
        for each in running.resources
    ]
