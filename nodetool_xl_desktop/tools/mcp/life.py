"""A server over time: started when somebody needs it, started again when it dies, ended when nobody wants it.

All of it is on the thread of `backstage`; the window hears of it through `tell`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.mcp.errors import CutOff, McpError
from nodetool_xl_desktop.tools.mcp.limits import Limits
from nodetool_xl_desktop.tools.mcp.log import ServerLog
from nodetool_xl_desktop.tools.mcp.settings import Settings
from nodetool_xl_desktop.tools.mcp.states import Failed, Off, Restarting, Starting, State

if TYPE_CHECKING:  # it imports the `mcp` package, which takes 0.5 s
    from nodetool_xl_desktop.tools.mcp.connection import Connection

#: How long the end of a connection may take: more than a program here is given, which has to be gone then.
_END_S = 8.0

Value = TypeVar("Value")


class Life:
    """One server.

    Args:
        name: of the server.
        settings: as they stand in the file.
        log: what is written down.
        check: raises a UserFacingError where the program works off line.
        limits: how long it is waited for.
        tell: is told each state.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        log: ServerLog,
        check: Callable[[], None],
        limits: Limits,
        tell: Callable[[State], None],
    ) -> None:
        self._name = name
        self._settings = settings
        self._log = log
        self._check = check
        self._limits = limits
        self._tell = tell
        self._state: State = Off()
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._waiting: set[asyncio.Future[State]] = set()
        self._stopping: str | None = None
        self._folder: Path | None = None

    def start(self, folder: Path | None = None) -> None:
        """Have it run."""
        if self._task is None or self._task.done():
            self._folder = folder
            self._stopping = None
            self._set(Starting())
            self._task = asyncio.create_task(self._live())

    async def wake(self) -> None:
        """Have it run, and wait until it does or has failed; one that was cut off is not started again by this."""
        with contextlib.suppress(McpError):  # the state says so
            await self._connected(None)

    async def stop(self, why: str = "") -> None:
        """End it; its process, and what that has started, are gone then."""
        self._stopping = why
        task = self._task
        if task is None or task.done():
            self._set(Off(why))
            return
        if self._connection is not None and self._connection.was_ready:
            self._connection.end()
        else:
            task.cancel()
        if not (await asyncio.wait([task], timeout=_END_S))[0]:  # what it still sends has no end
            task.cancel()
            await asyncio.wait([task], timeout=_END_S)

    async def use(self, ask: Callable[[Connection], Awaitable[Value]], folder: Path | None = None) -> Value:
        """What `ask` gets of the server, which is started where it does not run.

        Raises:
            McpError: it does not run, or did not do it.
        """
        for again in (True, False):
            connection = await self._connected(folder)
            try:
                return await ask(connection)
            except McpError as error:
                if not (again and type(error).__name__ == "Lost"):
                    raise
        raise AssertionError("the second round returns or raises")

    async def _connected(self, folder: Path | None) -> Connection:
        if isinstance(self._state, Failed) and isinstance(self._state.error, CutOff):
            raise _again(self._state.error)
        while self._connection is None or not self._connection.is_up:
            self.start(folder)
            state = await self._next_state()
            if isinstance(state, Failed):
                raise _again(state.error)
            if isinstance(state, Off):
                raise McpError(tr('The MCP server "{name}" was ended', name=self._name), state.why)
        return self._connection

    async def _next_state(self) -> State:
        future: asyncio.Future[State] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            return await future
        finally:
            self._waiting.discard(future)

    async def _live(self) -> None:
        try:
            await self._run_again_and_again()
        except asyncio.CancelledError:
            if self._stopping is None:
                raise
        finally:
            self._connection = None
            if self._stopping is not None:
                self._log.note(f"It was ended. {self._stopping}".strip())
                self._set(Off(self._stopping))

    async def _run_again_and_again(self) -> None:
        deaths = 0
        while True:
            began = time.monotonic()
            ran, error = await self._run_once()
            if self._stopping is not None:
                return
            self._log.error(str(error))
            if ran and time.monotonic() - began > self._limits.stable_s:
                deaths = 0
            if isinstance(error, CutOff) or (not ran and not deaths) or deaths >= len(self._limits.pauses_s):
                self._set(Failed(error))
                return
            pause = self._limits.pauses_s[deaths]
            deaths += 1
            self._set(Restarting(error.why or error.what, pause))
            await asyncio.sleep(pause)

    async def _run_once(self) -> tuple[bool, McpError]:
        """Whether it answered, and why it ended."""
        try:
            self._check()
            settings = self._settings.expanded()
        except UserFacingError as error:
            return False, error if isinstance(error, McpError) else McpError(error.what, error.why, error.hint)
        connection = self._connection = self._connect(settings)
        self._log.note(f"It is started: {self._settings.about}")  # not with what its variables hold
        try:
            reason = await connection.run()
            return connection.was_ready, reason
        finally:
            self._connection = None

    def _connect(self, settings: Settings) -> Connection:
        from nodetool_xl_desktop.tools.mcp.connection import Connection  # noqa: PLC0415 - 0.5 s, on this thread

        return Connection(self._name, settings, self._log, self._check, self._limits, self._folder, self._set)

    def _set(self, state: State) -> None:
        self._state = state
        self._tell(state)
        for future in self._waiting:
            if not future.done():
                future.set_result(state)


def _again(error: McpError) -> McpError:
    """The same for another who asks: one error is raised once."""
    return McpError(error.what, error.why, error.hint)
