"""Starting `child`, hearing what it says, and seeing to it that nothing of it is left, whatever becomes of it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import secrets
import signal
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.tools import child

_log = logging.getLogger(__name__)

#: What is read of what a child says, in bytes, before it is ended.
MOST_OUTPUT = 4 * units.MIB
#: Files and folders that a child may make: to look through them, and to remove them, takes a second.
MOST_FILES = 20_000
#: How often it is looked how full its folder is; no system bounds what one process writes in all.
_LOOK_EVERY_S = 0.25
_LONGEST_PATH = 3_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may take.

    Attributes:
        wall_s: seconds until it is killed.
        cpu_s: seconds of processor time, of all its threads together.
        memory: bytes of address space.
        file_size: bytes of one file that it writes.
        folder_size: bytes of all files in its folder, which may be held in memory; some more may be written before it
            is seen.
    """

    wall_s: float
    cpu_s: int
    memory: int = units.GIB
    file_size: int = 16 * units.MIB
    folder_size: int = 256 * units.MIB


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a child.

    Attributes:
        output: all that it wrote, at most `MOST_OUTPUT` bytes.
        status: its exit status; negative for a signal.
        ended_by: why it was killed from here: "time", "output" or "folder"; "" where it ended by itself.
    """

    output: bytes
    status: int
    ended_by: str = ""


def child_command() -> tuple[str, ...]:
    """How this program starts the child, installed or frozen into one executable."""
    if getattr(sys, "frozen", False):
        return (sys.executable, "--tool-child")
    # -I: nothing of the environment and of the working folder; -B: it writes nothing beside the modules it imports.
    return (sys.executable, "-I", "-B", "-X", "utf8", child.__file__)


async def confined(request: dict[str, Any], limits: Limits, *, with_folder: bool) -> Outcome:
    """Have a child do something, with nothing of this program's environment. Cancelled, it kills the child.

    It must be called from a thread that lives as long as the program: Linux ends the child with that thread.

    Args:
        request: what `child.main` is asked; the limits are added.
        limits: what it may take.
        with_folder: whether it gets a temporary folder, its working folder, which is removed afterwards.

    Raises:
        OSError: no process could be started, or no folder made.
    """
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="nodetool-xl-") if with_folder else ""
    try:
        told = {"folder": folder, "cpu_s": limits.cpu_s, "memory": limits.memory, "file_size": limits.file_size}
        whole = request | told | {"parent_pid": os.getpid()}
        written = await asyncio.to_thread(lambda: json.dumps(whole).encode())  # a page has megabytes
        return await _one(written, folder, limits)
    finally:
        if folder:
            await asyncio.to_thread(_remove, Path(folder))


async def _one(request: bytes, folder: str, limits: Limits) -> Outcome:
    process = await asyncio.create_subprocess_exec(
        *child_command(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_environment(folder),
        cwd=folder or None,
        start_new_session=True,  # a group of its own, so that all of it can be killed
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    heard = bytearray()
    ended_by = ""
    watching = asyncio.create_task(_kill_once_full(process, folder, limits.folder_size))
    try:
        async with asyncio.timeout(limits.wall_s) as limit:
            await _tell(process, request)
            if not await _hear(process, heard):
                ended_by = "output"
            else:
                await process.wait()
    except TimeoutError:
        if not limit.expired():
            raise
        ended_by = "time"
    finally:
        watching.cancel()
        _kill(process)
        await process.wait()
    if watching.done() and not watching.cancelled() and watching.result():
        ended_by = "folder"
    return Outcome(bytes(heard), process.returncode or 0, ended_by)


async def _kill_once_full(process: asyncio.subprocess.Process, folder: str, most: int) -> bool:
    """Watch its folder, until it holds too much and the child was killed for it, or has ended; whether it was."""
    while folder and process.returncode is None:
        await asyncio.sleep(_LOOK_EVERY_S)
        if await asyncio.to_thread(_is_full, Path(folder), most):
            _kill(process)
            return True
    return False


def _is_full(folder: Path, most: int) -> bool:
    """Whether there are more bytes or files in a folder than may be, or so that they cannot be counted."""
    waiting = [str(folder)]
    files, size = 0, 0
    while waiting:
        try:
            with os.scandir(waiting.pop()) as found:
                for entry in found:
                    files += 1
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        size += entry.stat(follow_symlinks=False).st_size
                    if size > most or files > MOST_FILES or len(entry.path) > _LONGEST_PATH:
                        return True
        except FileNotFoundError:  # it was removed meanwhile
            continue
        except OSError:
            return True
    return False


async def _tell(process: asyncio.subprocess.Process, request: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):  # it died at once: its status says so
        process.stdin.write(request)
        await process.stdin.drain()
    process.stdin.close()


async def _hear(process: asyncio.subprocess.Process, heard: bytearray) -> bool:
    """Read all that it says; False where it says too much."""
    assert process.stdout is not None
    while piece := await process.stdout.read(65_536):
        heard += piece[: MOST_OUTPUT - len(heard)]
        if len(heard) >= MOST_OUTPUT:
            return False
    return True


def _kill(process: asyncio.subprocess.Process) -> None:
    if sys.platform != "win32":
        # Its own group, also where it has ended itself: what it has started may live on.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


def _environment(folder: str) -> dict[str, str]:
    made = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": folder or os.sep, "TMPDIR": folder or os.sep}
    if sys.platform == "win32":
        made["SYSTEMROOT"] = os.environ.get("SYSTEMROOT", r"C:\Windows")
    return made


def _remove(folder: Path) -> None:
    """Remove a folder and whatever was made in it: what forbids that, and what is nested deeper than a path is long."""
    waiting = [folder]
    moved = itertools.count()
    token = secrets.token_hex(8)
    while waiting:
        at = waiting.pop()
        try:
            at.chmod(stat.S_IRWXU)
            with os.scandir(at) as found:
                for entry in found:
                    if not entry.is_dir(follow_symlinks=False):
                        Path(entry.path).unlink()
                    elif at == folder:
                        waiting.append(Path(entry.path))
                    else:  # up to the top, so that no path grows
                        Path(entry.path).chmod(stat.S_IRWXU)
                        waiting.append(Path(entry.path).rename(folder / f"{token}-{next(moved)}"))
            if at != folder:
                at.rmdir()
        except OSError as error:
            _log.warning("A temporary folder could not be removed: %s", error.strerror)
    with contextlib.suppress(OSError):  # it was logged
        folder.rmdir()
