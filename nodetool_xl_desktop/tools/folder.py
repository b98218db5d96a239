"""The folder that a person opened for a chat: what is in it, and nothing that is not.

A model names files, and may be talked into naming any. So a name is resolved with all its links first; what then lies
outside is refused; and what is inside is opened from the folder downwards with no link followed any more, so that
nobody can put one there in between. Devices and pipes are never opened for reading, as that could wait for ever.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.tools.text_files import BLOCK, shown

#: Of more entries than this, a folder is not looked through for a name that is spelt otherwise.
_MOST_LOOKED_AT = 5_000
_HAS_DIR_FD = os.open in os.supports_dir_fd
_O_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_O_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
#: Whatever it is, opening it waits for nobody.
_O_QUIET = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
#: What the system says of a name that it cannot follow; a circle of links is a RuntimeError before Python 3.13.
_CANNOT_FOLLOW = (OSError, RuntimeError, ValueError)
_HINT = "Take a name as list_folder shows it"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a folder.

    Attributes:
        name: as the system has it; `text_files.shown` makes it harmless.
        kind: "file", "folder", "link" (to a folder, to what is outside, or to nothing) or "other" (a device, a pipe).
        size: in bytes, of a file.
    """

    name: str
    kind: str
    size: int = 0


class Folder:
    """A folder and all below it.

    Every method touches the disk, raises UserFacingError where a name is not there, leads out, or cannot be read, and
    takes names with slashes, from this folder on: "" is the folder itself.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def entries(self, name: str = "") -> Iterator[Entry]:
        """What is in a folder, in the order of the disk."""
        root, inside = self._found(name)
        try:
            with _opened_folder(root, inside) as folder, os.scandir(folder) as found:
                for entry in found:
                    yield _entry(root, inside, entry)
        except OSError as error:
            raise _unreadable(name, error) from error

    def blocks(self, name: str, most: int) -> Iterator[bytes]:
        """The content of a file, in blocks, up to `most` bytes of it."""
        root, inside = self._found(name)
        try:
            with _opened(root, inside, os.O_RDONLY | _O_QUIET) as handle:
                kind = os.fstat(handle).st_mode
                if stat.S_ISDIR(kind):
                    raise UserFacingError(f"{_told(name)} is a folder", hint="list_folder shows what is in it")
                if not stat.S_ISREG(kind):
                    raise _Device
                left = most
                while left > 0 and (block := os.read(handle, min(BLOCK, left))):
                    left -= len(block)
                    yield block
        except OSError as error:
            raise _unreadable(name, error) from error

    def size(self, name: str) -> int:
        """The bytes of a file."""
        root, inside = self._found(name)
        try:
            return root.joinpath(*inside).lstat().st_size
        except OSError as error:
            raise _unreadable(name, error) from error

    def _found(self, name: str) -> tuple[Path, tuple[str, ...]]:
        """Where the folder really is, and the steps from there to what a name leads to."""
        try:
            root = self._path.resolve(strict=True)
        except _CANNOT_FOLLOW as error:
            why = "it was removed, or cannot be read"
            raise UserFacingError("The folder of this chat is not there any more", why) from error
        steps = _steps(name)
        try:
            target = root.joinpath(*steps).resolve(strict=True)
        except _CANNOT_FOLLOW as error:
            other = _otherwise_spelt(root, steps)
            if other is None:
                raise _missing(name, error) from error
            target = other
        if not target.is_relative_to(root):
            raise UserFacingError(f"{_told(name)} leads out of the folder", "it is a link to elsewhere", _HINT)
        return root, target.relative_to(root).parts


class _Device(OSError):
    """It is neither a file nor a folder."""


def _entry(root: Path, inside: tuple[str, ...], entry: os.DirEntry[str]) -> Entry:
    with contextlib.suppress(OSError):  # it went away meanwhile, or nobody may look at it
        if entry.is_symlink():
            return _link(root, inside, entry.name)
        if entry.is_dir(follow_symlinks=False):
            return Entry(entry.name, "folder")
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISREG(status.st_mode):
            return Entry(entry.name, "file", status.st_size)
    return Entry(entry.name, "other")


def _link(root: Path, inside: tuple[str, ...], name: str) -> Entry:
    """A link to a file of the folder is as that file. One to a folder is not: who goes down all would go in circles."""
    try:
        target = root.joinpath(*inside, name).resolve(strict=True)
        if target.is_relative_to(root) and stat.S_ISREG((status := target.lstat()).st_mode):
            return Entry(name, "file", status.st_size)
    except _CANNOT_FOLLOW:
        return Entry(name, "link")
    return Entry(name, "link")


def _steps(name: str) -> list[str]:
    """The parts of a name; raises UserFacingError for one that is no name inside a folder."""
    text = name.replace("\\", "/") if sys.platform == "win32" else name
    if text.startswith("/") or (sys.platform == "win32" and ":" in text):
        why = "only what is in the opened folder can be read, by its name from there on"
        raise UserFacingError(f"{_told(name)} is a place on the whole disk", why, _HINT)
    steps = [step for step in text.split("/") if step not in ("", ".")]
    if ".." in steps:
        raise UserFacingError(f"{_told(name)} leads out of the folder", '".." is not allowed', _HINT)
    return steps


def _otherwise_spelt(root: Path, steps: list[str]) -> Path | None:
    """What is meant by a name that is not there as it is written: in other case, or as `shown` wrote it."""
    at = root
    for number, step in enumerate(steps):
        try:
            found = _same(at, step)
            if found is None:
                # The model may have begun with the name of the folder itself.
                own = number == 0 and len(steps) > 1 and step == root.name
                return _otherwise_spelt(root, steps[1:]) if own else None
            at = (at / found).resolve(strict=True)
        except _CANNOT_FOLLOW:
            return None
        if not at.is_relative_to(root):
            return None
    return at


def _same(folder: Path, step: str) -> str | None:
    """The one name in a folder that `step` stands for."""
    names = []
    with os.scandir(folder) as found:
        for entry in found:
            names.append(entry.name)
            if len(names) > _MOST_LOOKED_AT:
                return None
    if step in names:
        return step
    same = [name for name in names if shown(name) == step]
    same = same or [name for name in names if name.casefold() == step.casefold()]
    return same[0] if len(same) == 1 else None


@contextlib.contextmanager
def _opened_folder(root: Path, inside: tuple[str, ...]) -> Iterator[int | Path]:
    if os.scandir not in os.supports_fd:  # Windows
        yield root.joinpath(*inside)
        return
    with _opened(root, inside, os.O_RDONLY | _O_DIRECTORY | _O_QUIET) as handle:
        yield handle


@contextlib.contextmanager
def _opened(root: Path, inside: tuple[str, ...], flags: int) -> Iterator[int]:
    handle = _open(root, inside, flags)
    try:
        yield handle
    finally:
        os.close(handle)


def _open(root: Path, inside: tuple[str, ...], flags: int) -> int:
    """Open what lies at `inside`, from `root` downwards; a link on the way is an error.

    Windows cannot open so. To make a link there takes the rights of an administrator.
    """
    if not _HAS_DIR_FD:
        return os.open(root.joinpath(*inside), flags)
    handle = os.open(root, os.O_RDONLY | _O_DIRECTORY)
    for number, step in enumerate(inside, 1):
        try:
            if number == len(inside):
                kind = os.stat(step, dir_fd=handle, follow_symlinks=False).st_mode
                if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):  # to open a device may do something already
                    raise _Device
            found = os.open(step, (flags if number == len(inside) else _O_DIRECTORY) | _O_NOFOLLOW, dir_fd=handle)
        finally:
            os.close(handle)
        handle = found
    return handle


def _told(name: str) -> str:
    return shown(name)[:200] or "The folder"


def _missing(name: str, error: Exception) -> UserFacingError:
    if isinstance(error, PermissionError):
        return _unreadable(name, error)
    return UserFacingError(f"There is no {_told(name)} in the folder", hint=_HINT)


def _unreadable(name: str, error: Exception) -> UserFacingError:
    if isinstance(error, NotADirectoryError):
        return UserFacingError(f"{_told(name)} is no folder", hint="read_file reads a file")
    if isinstance(error, _Device):
        return UserFacingError(f"{_told(name)} cannot be read", "it is a device or a pipe, no file")
    why = error.strerror if isinstance(error, OSError) and error.strerror else "it cannot be opened"
    return UserFacingError(f"{_told(name)} could not be read", why)
