"""What is kept of one server, what is shown of it, and its tools as a chat calls them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from nodetool_xl_desktop.tools.call import Result
from nodetool_xl_desktop.tools.mcp.errors import McpError
from nodetool_xl_desktop.tools.mcp.life import Life
from nodetool_xl_desktop.tools.mcp.limits import Limits
from nodetool_xl_desktop.tools.mcp.log import ServerLog
from nodetool_xl_desktop.tools.mcp.settings import Found, Settings
from nodetool_xl_desktop.tools.mcp.states import State, ToolInfo

if TYPE_CHECKING:
    from nodetool_xl_desktop.tools.mcp.connection import Connection

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Server:
    """One server as it stands.

    Attributes:
        name: of the settings.
        settings: None where they cannot be used; `problem` says why.
        enabled: whether it is to be used.
        state: what it is doing.
        about: the command or the address, without secrets.
        problem: a sentence; "" where the settings can be used.
    """

    name: str
    settings: Settings | None
    enabled: bool
    state: State
    about: str = ""
    problem: str = ""


@dataclass(slots=True)
class Entry:
    """What is kept of one server; `life` is None where its settings cannot be used."""

    found: Found
    life: Life | None
    log: ServerLog
    state: State


class Use(Protocol):
    """How a server is asked for something; see `McpServers.use`."""

    async def __call__(
        self, server: str, ask: Callable[[Connection], Coroutine[Any, Any, Value]], folder: Path | None = None
    ) -> Value:
        """What `ask` gets of the server."""


class McpTool:
    """A tool of a server, for one chat.

    Args:
        use: asks a server.
        server: whose it is.
        info: what is known of it.
        folder: the one that is opened for the chat.
    """

    #: Of a call, with a start of its server before it: a server may build a project, and the person can stop it.
    timeout_s = Limits().start_s + Limits().call_s

    def __init__(self, use: Use, server: str, info: ToolInfo, folder: Path | None) -> None:
        self._use = use
        self._server = server
        self._own_name = info.own_name
        self._folder = folder
        self.name = info.name
        self.description = info.description
        self.parameters = info.parameters

    async def __call__(self, **arguments: Any) -> Result:
        """Ask the server, which is started where it does not run.

        Raises:
            McpError: it failed, or the server did.
        """

        async def ask(connection: Connection) -> Result:
            return await connection.call(self._own_name, arguments, self._folder)

        return await self._use(self._server, ask, self._folder)


def seen(name: str, entry: Entry) -> Server:
    """One as the window sees it."""
    settings = entry.found.settings
    about = settings.about if settings is not None else ""
    return Server(name, settings, entry.found.enabled, entry.state, about, entry.found.problem)


def secrets_of(settings: Settings | None) -> set[str]:
    """What must not be shown, also as it reads with its variables put in."""
    if settings is None:
        return set()
    try:
        return settings.secrets | settings.expanded().secrets
    except McpError:
        return settings.secrets
