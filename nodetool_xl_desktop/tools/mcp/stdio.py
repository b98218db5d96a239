"""A server that is a program here: started, heard, and ended with all that it has started.

The package's own transport reads a line of any length, so it is not used.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import psutil
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.mcp.errors import CutOff, McpError
from nodetool_xl_desktop.tools.mcp.settings import Stdio
from nodetool_xl_desktop.tools.mcp.wire import Wire

#: What a server gets of the environment: what programs need, and none of the keys that may be in there.
_INHERITED = (
    *("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"),
    *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATHEXT", "PROCESSOR_ARCHITECTURE", "PROGRAMFILES"),
    *("COMSPEC", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERNAME", "USERPROFILE", "WINDIR", "PROGRAMDATA"),
)
#: How long a server may take to end once its standard input is closed, and then once it was told to.
GRACE_S = 2.0
TERMINATE_S = 1.5
#: The same for one that does what it should not.
_CUT_GRACE_S = 0.2
_NOT_STARTED = tr("The MCP server could not be started")
_LOOK_AT_SETTINGS = tr("Look at its settings.")
_CHUNK = 65_536
#: After as much standard error as one read takes: no more than 6 MB/s of it are looked at, whoever writes faster waits.
_FULL_PAUSE_S = 0.01
#: How often it is looked whether the process still runs.
_LOOK_EVERY_S = 0.25
#: How long the rest of its standard error may take.
_REST_S = 0.5


@asynccontextmanager
async def stdio(settings: Stdio, wire: Wire) -> AsyncIterator[tuple[_Reader, _Writer]]:
    """The transport: the two streams that the client of the `mcp` package speaks over.

    Raises:
        McpError: the program could not be started.
        CutOff: it sent too much; `wire.meter.fault` holds the same.
    """
    process = await _start(settings)
    incoming, reader = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    writer, outgoing = anyio.create_memory_object_stream[SessionMessage](0)
    errors = asyncio.create_task(_read_errors(process, wire))
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_read, process, wire, incoming)
            tasks.start_soon(_write, process, outgoing, incoming, wire)
            tasks.start_soon(_watch, process, wire)
            try:
                yield reader, writer
            finally:
                tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            if wire.by_itself and await _has_ended(process, _LOOK_EVERY_S):
                wire.exit_status = process.returncode
            await _end(process, _CUT_GRACE_S if wire.is_cut_off else GRACE_S)
            await asyncio.wait([errors], timeout=_REST_S)
            errors.cancel()
            wire.log.end()
            for stream in (incoming, reader, writer, outgoing):
                stream.close()
            _close(process)


_Reader = MemoryObjectReceiveStream[SessionMessage | Exception]
_Writer = MemoryObjectSendStream[SessionMessage]


async def _start(settings: Stdio) -> asyncio.subprocess.Process:
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ} | dict(settings.env)
    path, cwd = await asyncio.to_thread(_find, settings, environment.get("PATH"))
    try:
        return await asyncio.create_subprocess_exec(
            path,
            *settings.args,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            limit=_CHUNK * 4,
            start_new_session=True,  # Ctrl+C in a terminal is for the program; and all that it starts can be ended
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise McpError(_NOT_STARTED, why, _LOOK_AT_SETTINGS) from error


def _find(settings: Stdio, search_path: str | None) -> tuple[str, str | None]:
    """Where the program and its working folder are. Touches the disk.

    Raises:
        McpError: one of them is not there.
    """
    cwd = Path(settings.cwd).expanduser() if settings.cwd else None
    if cwd is not None and not cwd.is_dir():
        raise McpError(_NOT_STARTED, tr("its working folder {cwd} is not there", cwd=cwd), _LOOK_AT_SETTINGS)
    path = shutil.which(str(Path(settings.command).expanduser()), path=search_path)
    if path is None:
        why = tr('there is no program "{command}"', command=settings.command)
        raise McpError(_NOT_STARTED, why, tr("Install it, or write its whole path into the settings."))
    return path, str(cwd) if cwd else None


async def _read(
    process: asyncio.subprocess.Process, wire: Wire, to: MemoryObjectSendStream[SessionMessage | Exception]
) -> None:
    """Cut what comes into lines; the line that is not ended yet is bounded."""
    assert process.stdout is not None
    parts: list[bytes] = []
    waiting = 0
    with to, contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, CutOff):
        while data := await process.stdout.read(_CHUNK):
            wire.meter.count_bytes(len(data))
            *lines, rest = data.split(b"\n")
            for line in lines:
                await wire.take_line(b"".join((*parts, line)), to)
                parts, waiting = [], 0
            parts.append(rest)
            waiting += len(rest)
            wire.meter.check_size(waiting)
    wire.end_by_itself()


async def _write(
    process: asyncio.subprocess.Process,
    outgoing: MemoryObjectReceiveStream[SessionMessage],
    incoming: MemoryObjectSendStream[SessionMessage | Exception],
    wire: Wire,
) -> None:
    assert process.stdin is not None
    try:
        async for message in outgoing:
            text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(f"{text}\n".encode(errors="replace"))
            await process.stdin.drain()
    except OSError:  # it has closed its standard input: the client learns that nothing will come
        wire.end_by_itself()
        incoming.close()


async def _watch(process: asyncio.subprocess.Process, wire: Wire) -> None:
    """It may have ended although something that it has started still holds its standard output."""
    while process.returncode is None:  # noqa: ASYNC110 - `wait` would wait for the standard output as well
        await asyncio.sleep(_LOOK_EVERY_S)
    await asyncio.sleep(_LOOK_EVERY_S)  # what it said last
    wire.end_by_itself()


async def _read_errors(process: asyncio.subprocess.Process, wire: Wire) -> None:
    """Always, as a full pipe would stop the server; what is too much is not kept."""
    assert process.stderr is not None
    while data := await process.stderr.read(_CHUNK):
        wire.log.feed(data)
        await asyncio.sleep(_FULL_PAUSE_S if len(data) == _CHUNK else 0)


async def _end(process: asyncio.subprocess.Process, grace_s: float) -> None:
    """Ask it, wait, tell it, wait, kill it; with it all of its session and all of its descendants."""
    family = await asyncio.to_thread(_descendants, process.pid)
    assert process.stdin is not None
    process.stdin.close()
    # What is still in the pipe must not keep it from ending. Nobody reads it any longer.
    drained = asyncio.create_task(_drain(process))
    try:
        if not await _has_ended(process, grace_s):
            family |= await asyncio.to_thread(_descendants, process.pid)
            _signal(process.pid, signal.SIGTERM, process)
            await _has_ended(process, min(grace_s, TERMINATE_S))
    finally:
        drained.cancel()
        _signal(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM), process)
        for one in family:
            with contextlib.suppress(psutil.Error):  # psutil looks whether the number is still the same process
                one.kill()
    await _has_ended(process, TERMINATE_S)


async def _drain(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    while await process.stdout.read(_CHUNK):
        pass


def _descendants(pid: int) -> set[psutil.Process]:
    try:
        return set(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return set()


async def _has_ended(process: asyncio.subprocess.Process, within_s: float) -> bool:
    """Whether it ends; not by `wait`, which also waits for whoever else holds its pipes."""
    until = asyncio.get_running_loop().time() + within_s
    while process.returncode is None:
        if asyncio.get_running_loop().time() > until:
            return False
        await asyncio.sleep(0.02)
    return True


def _signal(group: int, number: int, process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            if process.returncode is None:
                process.kill()
        else:
            os.killpg(group, number)


def _close(process: asyncio.subprocess.Process) -> None:
    """Let go of the pipes, which a descendant may hold open for ever.

    WORKAROUND: asyncio gives no public way to that (Python 3.11 to 3.14).
    """
    transport = getattr(process, "_transport", None)
    if transport is not None:
        with contextlib.suppress(PermissionError):
            transport.close()
