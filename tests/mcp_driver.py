"""What the tests of MCP servers share: a program's worth of servers, and how long things may take."""

from __future__ import annotations

import asyncio
import contextlib
import socket  # noqa: TID251 - a free port
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.tools import Result, call
from nodetool_xl_desktop.tools.mcp import Limits, McpServers, Settings, Stdio
from nodetool_xl_desktop.tools.source import Offered, Workspace

HERE = Path(__file__).parent
#: What the window's loop may be held up at once: 0.1 s (measured: 0.03 s), and what a busy machine adds.
HELD_UP_S = 0.5
#: Nothing in the tests takes long but what hangs.
LIMITS = Limits(start_s=20, request_s=5, call_s=5, alive_s=0.4, pauses_s=(0.0, 0.25), stable_s=60)


def working(*manner: str, **env: str) -> Stdio:
    """The real server."""
    return Stdio(sys.executable, (str(HERE / "mcp_server.py"), *manner), env)


def small(**env: str) -> Stdio:
    """One of few lines, whose tools do what goes wrong with servers; it starts at once."""
    return Stdio(sys.executable, (str(HERE / "small_mcp_server.py"),), env)


def broken(fault: str, **env: str) -> Stdio:
    """One that is none."""
    return Stdio(sys.executable, (str(HERE / "broken_mcp_server.py"), fault), env)


@contextlib.asynccontextmanager
async def served(*manner: str, port: int = 0) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """The real server over HTTP: its address, and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = port or free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(HERE / "mcp_server.py"), *manner, "--http", str(port)), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        while b"running on" not in (line := await process.stderr.readline()):
            assert line, "it ended"
        drained = asyncio.create_task(process.stderr.read())
        yield f"http://127.0.0.1:{port}/mcp", process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await drained


@contextlib.asynccontextmanager
async def answering(head: str, text: str, count: int) -> AsyncIterator[str]:
    """The address of a server that answers everything with 100 kB of a text, so many times.

    It is a process of its own, as it would hold up the loop that is measured.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(HERE / "broken_mcp_server.py"), "answer", head, text, str(count)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}/mcp"
    finally:
        process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def running(
    paths: Paths, off_line: OffLine | None = None, limits: Limits = LIMITS, **servers: Settings
) -> AsyncIterator[McpServers]:
    """These servers in the settings; all of it is closed at the end."""
    made = McpServers(paths, off_line or OffLine(), limits)
    try:
        await made.load()
        for name, settings in servers.items():
            await made.add(name, settings)
        yield made
    finally:
        await made.close()


async def tools(servers: McpServers, folder: Path | None = None) -> dict[str, Offered]:
    """What is offered, by the server's own names where those are plain."""
    offered = await servers.offered(Workspace(folder))
    return {one.tool.name.partition("__")[2] or one.tool.name: one for one in offered}


async def called(servers: McpServers, tool: str, folder: Path | None = None, **arguments: Any) -> Result:
    """The result of one tool."""
    return await call((await tools(servers, folder))[tool].tool, arguments)


async def until(holds: Callable[[], Any], within_s: float = 10.0) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it never held"
        await asyncio.sleep(0.01)


class Gaps:
    """How long the loop was held up at once, in seconds, while this was entered."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Gaps:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()

    async def _watch(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            self.longest_s = max(self.longest_s, now - last)
            last = now
