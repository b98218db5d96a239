"""Files into the trash of the system, and back. Every function touches the disk, and may block."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QFile, QStandardPaths

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.lock import FileLock
from nodetool_xl_desktop.core.renaming import rename_new
from nodetool_xl_desktop.core.translation import tr

#: A name longer than this, in bytes, has no room for what the trash of a desktop adds to it (".trashinfo", a number).
_LONGEST_NAME = 240
_READ_ONLY = tr("Its folder may be read-only, or have no trash.")
_log = logging.getLogger(__name__)


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
                why = tr(
                    "{why}, and what was there before it is in the trash now: {stuck}",
                    why=error.explanation,
                    stuck=stuck.explanation,
                )
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
            problems.append(tr("another file is called {name} now", name=each.was.name))
        except OSError as error:
            problems.append(f"{each.was.name}: {error.strerror or error}")
        else:
            _forget_note(each.now)
    if problems:
        raise UserFacingError(
            tr("Not all of it could be brought back"), ". ".join(problems), tr("Look into the trash.")
        )


def _move(path: Path) -> Trashed:
    try:
        name = os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError:
        raise _refused(path, tr("its name is no text"), tr("Rename it first.")) from None
    if _is_being_fetched(path):
        raise _refused(path, tr("it is being downloaded"), tr("Cancel it among the downloads."))
    problem = _prepared()
    file = QFile(name)
    if not file.moveToTrash():
        raise _refused(path, *(_why_not(path) or problem or (file.errorString(), _READ_ONLY)))
    if not file.fileName() or Path(file.fileName()) == path:
        raise _refused(path, tr("the system does not say where it went"), tr("Look into the trash."))
    return Trashed(path, Path(file.fileName()))


def _prepared() -> tuple[str, str] | None:
    """Have the folder that the trash of a desktop lies in: Qt makes none, and then says "Bad file descriptor".

    Returns:
        why it cannot be made, with what to do about it; None where it is there.
    """
    if sys.platform in ("win32", "darwin"):
        return None
    folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericDataLocation))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        _log.warning("%s, where the trash lies, cannot be made: %s", folder, error)
        return tr(
            "the trash lies in {folder}, which cannot be made ({strerror})",
            folder=folder,
            strerror=error.strerror or error,
        ), tr("Make that folder.")
    return None


def _why_not(path: Path) -> tuple[str, str] | None:
    """Why a file cannot go, and what to do, where that can be seen from here: what Qt says of these is no reason."""
    if sys.platform not in ("win32", "darwin") and len(os.fsencode(path.name)) > _LONGEST_NAME:
        return tr("its name is too long for the trash, which adds something to it"), tr("Give it a shorter name first.")
    if os.path.lexists(path) and not os.access(path.parent, os.W_OK):
        return tr("nothing may be removed from {parent}", parent=path.parent), tr(
            "Look at the permissions of that folder."
        )
    return None


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
    return UserFacingError(tr("{name} could not be moved to the trash", name=path.name), why, hint)


def _forget_note(trashed: Path) -> None:
    """The note that desktops keep about it: without its file it would be listed for ever."""
    if trashed.parent.name == "files":
        with contextlib.suppress(OSError):
            (trashed.parent.parent / "info" / f"{trashed.name}.trashinfo").unlink()
