"""Files into the trash of the system, and back. Every function touches the disk, and may block."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QFile

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.lock import FileLock
from nodetool_xl_desktop.core.renaming import rename_new


@dataclass(frozen=True, slots=True)
class Trashed:
    """A file that was moved: where it was, and where in the trash it is now."""

    was: Path
    now: Path


def move_to_trash(files: Sequence[Path]) -> list[Trashed]:
    """Move files to the trash: all of them, or none.

    Raises:
        UserFacingError: one of them could not be moved; those before it are where they were, or it says which are not.
    """
    moved: list[Trashed] = []
    for path in files:
        try:
            moved.append(_move(path))
        except UserFacingError as error:
            try:
                bring_back(moved)
            except UserFacingError as stuck:
                why = f"{error.explanation}, and what was there before it is in the trash now: {stuck.explanation}"
                raise UserFacingError(error.what, why, stuck.hint) from error
            raise
    return moved


def bring_back(moved: Sequence[Trashed]) -> None:
    """Move files back to where they were.

    Raises:
        UserFacingError: one is not in the trash any more, or another file lies where it was; the others are back.
    """
    problems = []
    for each in moved:
        try:
            each.was.parent.mkdir(parents=True, exist_ok=True)
            rename_new(each.now, each.was)
        except FileExistsError:
            problems.append(f"another file is called {each.was.name} now")
        except OSError as error:
            problems.append(f"{each.was.name}: {error.strerror or error}")
        else:
            _forget_note(each.now)
    if problems:
        raise UserFacingError("Not all of it could be brought back", ". ".join(problems), "Look into the trash.")


def _move(path: Path) -> Trashed:
    try:
        name = os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError:
        raise _refused(path, "its name is no text", "Rename it first.") from None
    if _is_being_fetched(path):
        raise _refused(path, "it is being downloaded", "Cancel it among the downloads.")
    file = QFile(name)
    if not file.moveToTrash():
        raise _refused(path, file.errorString(), "Its folder may be read-only, or have no trash.")
    if not file.fileName() or Path(file.fileName()) == path:
        raise _refused(path, "the system does not say where it went", "Look into the trash.")
    return Trashed(path, Path(file.fileName()))


def _is_being_fetched(path: Path) -> bool:
    """Whether a program of ours writes into it at this moment; it holds a lock on its name (`hub.download`)."""
    lock_path = path.with_name(f"{path.name.removesuffix('.part')}.lock")
    if not path.name.endswith(".part") or not lock_path.exists():
        return False
    lock = FileLock(lock_path)
    try:
        is_mine = lock.try_acquire()
    except OSError:  # a file system that knows no locks
        return False
    lock.release()
    return not is_mine


def _refused(path: Path, why: str, hint: str) -> UserFacingError:
    return UserFacingError(f"{path.name} could not be moved to the trash", why, hint)


def _forget_note(trashed: Path) -> None:
    """The note that desktops keep about it: without its file it would be listed for ever."""
    if trashed.parent.name == "files":
        with contextlib.suppress(OSError):
            (trashed.parent.parent / "info" / f"{trashed.name}.trashinfo").unlink()
