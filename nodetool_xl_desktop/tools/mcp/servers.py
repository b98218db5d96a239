"""All servers of the program, as the window and the chats see them.

Everything here is called on the program's own loop, and returns at once or is awaited. What servers send is read on
the thread of `backstage`; what it has come to arrives here as values.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from nodetool_xl_desktop.core.backstage import Backstage
from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.mcp import editing
from nodetool_xl_desktop.tools.mcp import settings as described
from nodetool_xl_desktop.tools.mcp.entries import Entry, McpTool, Server, secrets_of, seen
from nodetool_xl_desktop.tools.mcp.errors import McpError, SettingsError
from nodetool_xl_desktop.tools.mcp.known import KnownTools
from nodetool_xl_desktop.tools.mcp.life import Life
from nodetool_xl_desktop.tools.mcp.limits import Limits
from nodetool_xl_desktop.tools.mcp.log import LogLine, ServerLog
from nodetool_xl_desktop.tools.mcp.redaction import Redactor
from nodetool_xl_desktop.tools.mcp.settings import Found, Settings
from nodetool_xl_desktop.tools.mcp.settings_file import SettingsFile
from nodetool_xl_desktop.tools.mcp.states import (
    Off,
    PromptMessage,
    ResourceContent,
    Running,
    State,
    ToolInfo,
)
from nodetool_xl_desktop.tools.mcp.ticker import Ticker
from nodetool_xl_desktop.tools.source import Offered, Workspace

if TYPE_CHECKING:
    from nodetool_xl_desktop.tools.mcp.connection import Connection

_OFF_LINE = tr("The program works off line.")
_NOT_ALLOWED = tr("MCP servers are switched off in the settings, under Privacy.")
_SWITCHED_OFF = tr("It is switched off.")

Value = TypeVar("Value")


class McpServers:
    """The servers; a `ToolSource`. See the package's own words for how it is used.

    Args:
        paths: where their settings are kept.
        off_line: the program's switch.
        limits: how long servers are waited for.
    """

    def __init__(self, paths: Paths, off_line: OffLine, limits: Limits | None = None) -> None:
        self._file = SettingsFile(paths.mcp_file)
        self._known_tools = KnownTools(paths.mcp_tools_file)
        self._off_line = off_line
        self._limits = limits or Limits()
        self._backstage = Backstage("mcp")
        self._entries: dict[str, Entry] = {}
        self._known: dict[str, tuple[str, tuple[ToolInfo, ...]]] = {}
        self._changes = asyncio.Lock()
        self._closed = False
        self._read = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._ticker = Ticker(0.1)
        #: Why the settings cannot be read; None where they can, or were not yet.
        self.problem: SettingsError | None = None
        #: Is called on the loop after something has changed.
        self.on_change: Callable[[], None] = lambda: None
        #: Is called with the name of a server whose log has grown.
        self.on_log: Callable[[str], None] = lambda _name: None

    @property
    def file(self) -> Path:
        """Where the settings are kept."""
        return self._file.path

    @property
    def servers(self) -> tuple[Server, ...]:
        """All of them, in the order of the file."""
        return tuple(seen(name, entry) for name, entry in self._entries.items())

    def find(self, name: str) -> Server | None:
        """One of them."""
        entry = self._entries.get(name)
        return seen(name, entry) if entry else None

    def log(self, name: str) -> tuple[LogLine, ...]:
        """What is kept of its log, oldest first."""
        entry = self._entries.get(name)
        return entry.log.lines if entry else ()

    async def load(self) -> None:
        """Read the settings; what is wrong with them is `problem`."""
        async with self._changes:
            self._read = True
            if not self._known:
                self._known = await asyncio.to_thread(self._read_known)
            try:
                raw = await asyncio.to_thread(self._file.read)
            except SettingsError as error:
                self.problem = error
                self._changed()
                return
            await self._show(raw)

    async def offered(self, workspace: Workspace) -> Sequence[Offered]:
        """The tools of all servers that are enabled, as far as they are known; starts none."""
        return [
            Offered(
                McpTool(self.use, name, info, workspace.folder),
                info.title,
                name,
                reaches_out=True,
                purpose=Purpose.SERVERS,
            )
            for name, entry in self._entries.items()
            if entry.life is not None and entry.found.enabled
            for info in self._tools(name, entry)
        ]

    async def wake(self, names: Iterable[str] | None = None) -> None:
        """Start these servers (None: all that are enabled) and wait until each runs or has failed."""
        if self._off_line.refuses(Purpose.SERVERS):
            return
        wanted = set(names) if names is not None else None
        lives = [
            entry.life
            for name, entry in self._entries.items()
            if entry.life is not None and entry.found.enabled and (wanted is None or name in wanted)
        ]
        await asyncio.gather(*(self._backstage.do(life.wake) for life in lives))

    async def restart(self, name: str) -> None:
        """End it where it runs, and start it; waits until it runs or has failed."""
        await self.stop(name)
        await self.wake([name])

    async def stop(self, name: str, why: str = "") -> None:
        """End it; it starts again when one of its tools is called."""
        entry = self._entries.get(name)
        if entry is not None and entry.life is not None and not isinstance(entry.state, Off):
            life = entry.life
            await self._backstage.do(lambda: life.stop(why))

    async def add(self, name: str, settings: Settings) -> None:
        """Put a new server into the settings.

        Raises:
            SettingsError: its name or its settings cannot be used, or the file cannot be written.
        """
        await self.take([Found(name, settings)])

    async def take(self, found: Iterable[Found]) -> None:
        """Put several into the settings, or none: `read_settings` finds them in a text.

        Raises:
            SettingsError: a name or settings cannot be used, or the file cannot be written.
        """
        await self._edit(editing.taken(tuple(found)))

    async def change(self, name: str, new_name: str, settings: Settings) -> None:
        """Give a server another name, other settings, or both; it is ended where it runs.

        Raises:
            SettingsError: as `add`; or there is no such server.
        """
        await self._edit(editing.changed(name, new_name, settings))

    async def remove(self, name: str) -> None:
        """Take a server out of the settings; it is ended where it runs.

        Raises:
            SettingsError: the file cannot be written, or there is no such server.
        """
        await self._edit(editing.removed(name))

    async def enable(self, name: str, on: bool) -> None:
        """Switch a server on or off; it is ended where it runs and is not wanted any longer.

        Raises:
            SettingsError: the file cannot be written, or there is no such server.
        """
        await self._edit(editing.enabled(name, on))

    async def prompt(self, server: str, name: str, arguments: Mapping[str, str]) -> tuple[PromptMessage, ...]:
        """The messages of a server's prompt.

        Raises:
            McpError: the server does not run, or refused.
        """

        async def ask(connection: Connection) -> tuple[PromptMessage, ...]:
            return await connection.prompt(name, dict(arguments))

        return await self.use(server, ask)

    async def resource(self, server: str, uri: str) -> tuple[ResourceContent, ...]:
        """What a server's resource holds.

        Raises:
            McpError: the server does not run, or refused.
        """

        async def ask(connection: Connection) -> tuple[ResourceContent, ...]:
            return await connection.resource(uri)

        return await self.use(server, ask)

    async def use(
        self, server: str, ask: Callable[[Connection], Coroutine[Any, Any, Value]], folder: Path | None = None
    ) -> Value:
        """What `ask`, which runs on the other thread, gets of a server; it is started where it does not run.

        Raises:
            McpError: there is no such server, it cannot be started, or it did not do it.
        """
        self._check()
        entry = self._entries.get(server)
        if entry is None or entry.life is None or not entry.found.enabled:
            why = (
                tr("it is switched off")
                if entry is not None and entry.life is not None
                else tr("it is not in the settings")
            )
            raise McpError(tr('The MCP server "{server}" cannot be used', server=server), why)
        life = entry.life
        return await self._backstage.do(lambda: life.use(ask, folder))

    def off_line_changed(self) -> None:
        """A switch of the program was turned: what runs is ended where it is not allowed any longer."""
        if not self._off_line.refuses(Purpose.SERVERS) or self._closed:
            return
        why = _OFF_LINE if self._off_line.is_on else _NOT_ALLOWED
        for name in self._entries:
            self._in_background(self.stop(name, why))

    async def close(self) -> None:
        """End every server, with all that it has started, and the thread they are spoken to on."""
        self._closed = True
        self._ticker.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(self.stop(name) for name in self._entries), return_exceptions=True)
        await self._backstage.close()

    def _check(self) -> None:
        """May be called on any thread."""
        self._off_line.check(tr("MCP servers cannot be used"), Purpose.SERVERS)

    def _tools(self, name: str, entry: Entry) -> tuple[ToolInfo, ...]:
        if isinstance(entry.state, Running):
            return entry.state.tools
        about, tools = self._known.get(name, ("", ()))
        assert entry.found.settings is not None
        return tools if about == entry.found.settings.about else ()

    async def _edit(self, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        async with self._changes:
            raw = await asyncio.to_thread(self._file.change, edit)
            await self._show(raw)

    async def _show(self, raw: Mapping[str, Any]) -> None:
        """Take the servers as the file has them; what is not as it was is ended."""
        self.problem = None
        found = described.parse(raw)
        before = self._entries
        self._entries = {one.name: before.get(one.name) or self._entry(one) for one in found}
        changed = [one for one in found if self._entries[one.name].found != one]
        gone = [entry.life for name, entry in before.items() if name not in self._entries and entry.life is not None]
        gone += [life for one in changed if (life := self._entries[one.name].life) is not None]
        for one in changed:
            only_switched = replace(one, enabled=True, raw=None) == replace(
                self._entries[one.name].found, enabled=True, raw=None
            )
            fresh = self._entry(one)
            if only_switched:
                fresh.log = self._entries[one.name].log
            self._entries[one.name] = fresh
        self._changed()
        await asyncio.gather(*(self._backstage.do(lambda life=life: life.stop()) for life in gone))  # type: ignore[misc]

    def _entry(self, found: Found) -> Entry:
        loop = asyncio.get_running_loop()
        log = ServerLog(
            Redactor(secrets_of(found.settings)), lambda: self._soon(loop, lambda: self._log_grown(found.name))
        )
        entry = Entry(found, None, log, Off("" if found.enabled else _SWITCHED_OFF))
        if found.settings is not None:

            def told(state: State) -> None:  # on the other thread
                self._soon(loop, lambda: self._told(found.name, entry, state))

            entry.life = Life(found.name, found.settings, log, self._check, self._limits, told)
        return entry

    def _soon(self, loop: asyncio.AbstractEventLoop, work: Callable[[], None]) -> None:
        if not self._closed and not loop.is_closed():
            loop.call_soon_threadsafe(work)

    def _told(self, name: str, entry: Entry, state: State) -> None:
        entry.state = state
        if self._entries.get(name) is not entry:
            return
        self._changed()
        if isinstance(state, Running) and entry.found.settings is not None:
            fresh = (entry.found.settings.about, state.tools)
            if self._known.get(name) != fresh:
                self._known = {**self._known, name: fresh}
                self._in_background(self._keep_known())

    def _read_known(self) -> dict[str, tuple[str, tuple[ToolInfo, ...]]]:
        try:
            return self._known_tools.read()
        except UserFacingError:
            return {}  # it costs a start of each server

    async def _keep_known(self) -> None:
        kept = {name: known for name, known in self._known.items() if name in self._entries}
        try:
            await asyncio.to_thread(self._known_tools.write, kept)
        except UserFacingError as error:
            self._ticker.log.warning("%s", error)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _changed(self) -> None:
        def tell() -> None:  # whom, it is looked up then
            self.on_change()

        self._ticker.tick("", tell)

    def _log_grown(self, name: str) -> None:
        self._ticker.tick(f"log {name}", lambda: self.on_log(name))
