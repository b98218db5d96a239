"""Files into the trash of the system, and back. Every function touches the disk, and may block."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QFile

from nodetool_xl_desktop.core.errors import UserFacingError


@dataclass(frozen=True, slots=True)
class Trashed:
    """A file that was moved: where it was, and where in the trash it is now."""

    was: Path
    now: Path


def move_to_trash(files: Sequence[Path]) -> list[Trashed]:
    """Move files to the trash: all of them, or none.

    Raises:
        UserFacingError: one of them could not be moved; those before it are where they were.
    """
    moved: list[Trashed] = []
    for path in files:
        try:
            moved.append(_move(path))
        except UserFacingError as error:
            with contextlib.suppress(UserFacingError):  # the first error is the one to tell
                bring_back(moved)
            raise error
    return moved


def bring_back(moved: Sequence[Trashed]) -> None:
    """Move files back to where they were.

    Raises:
        UserFacingError: one is not in the trash any more, or another file lies where it was; the others are back.
    """
    problems = []
    for each in moved:
        try:
            if os.path.lexists(each.was):
                raise FileExistsError(f"another file is called {each.was.name} now")
            each.was.parent.mkdir(parents=True, exist_ok=True)
            each.now.rename(each.was)
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
    file = QFile(name)
    if not file.moveToTrash():
        raise _refused(path, file.errorString(), "Its folder may be read-only, or have no trash.")
    if not file.fileName() or Path(file.fileName()) == path:
        raise _refused(path, "the system does not say where it went", "Look into the trash.")
    return Trashed(path, Path(file.fileName()))


def _refused(path: Path, why: str, hint: str) -> UserFacingError:
    return UserFacingError(f"{path.name} could not be moved to the trash", why, hint)


def _forget_note(trashed: Path) -> None:
    """The note that desktops keep about it: without its file it would be listed for ever."""
    if trashed.parent.name == "files":
        with contextlib.suppress(OSError):
            (trashed.parent.parent / "info" / f"{trashed.name}.trashinfo").unlink()
