"""Taking the models along when another own folder is chosen: hundreds of gigabytes, perhaps to another disk.

The order of a move: the new folder is chosen first, and the old one stays in the list as the one that is being left;
then file by file. So at every moment each model lies whole in a place that is looked through, whatever is
killed or pulled out: the move goes on where it was (`unfinished`), or back with the same call.

On one disk a file is renamed. To another one it is copied under the name `NAME.moving`, read back and held against the
hash of what was read first, and only then given its name; the old file goes last.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.renaming import rename_new
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.library.folders import ModelFolders, absolute
from nodetool_xl_desktop.library.following import Follower
from nodetool_xl_desktop.library.mover import ENDING, LEAVING, Moved, Mover, Progress

__all__ = ["Moved", "give_up", "left_by", "move_models", "unfinished"]

#: Only these move: the folder is a person's too, and may hold anything else.
_MODEL = re.compile(r"\.gguf$", re.I)
_COMING = re.compile(r"\.gguf\.part(?:\.json)?$", re.I)
_UNFINISHED = re.compile(rf"\.gguf(?:\.part(?:\.json)?)?{re.escape(ENDING)}$", re.I)
_LEAVING = re.compile(rf"\.gguf(?:\.part(?:\.json)?)?{re.escape(LEAVING)}$", re.I)
_log = logging.getLogger(__name__)


def unfinished(folders: ModelFolders) -> Path | None:
    """The old folder of a move that has not come to its end, and that `move_models` to `folders.own` goes on with."""
    return folders.leaving


def left_by(folders: ModelFolders, to: Path) -> Path | None:
    """The folder that `move_models` to another one takes the models from; None where there is nothing to move."""
    is_own = os.path.realpath(absolute(to)) == os.path.realpath(folders.own)
    return folders.leaving if is_own else folders.own


def move_models(
    folders: ModelFolders,
    to: Path,
    on_progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
    *,
    with_downloads: bool = False,
    followers: Sequence[Follower] = (),
) -> Moved:
    """Choose another own folder, and move there the models that lie in the old one. Blocks: call it in a thread.

    Called with the folder that is the own one already, it goes on with a move that did not come to its end. What
    cannot be moved stays and is told; the rest goes on.

    Args:
        folders: whose own folder it is.
        to: the new one; it is made where it is missing.
        on_progress: called in this thread, 20 times a second at most.
        stop: asked after each 8 MiB. What has arrived stays there, and nothing is half.
        with_downloads: whether what is still coming moves too. Only where all downloads are paused.
        followers: what is kept of the models goes along: notes, settings, origins.

    Raises:
        Stopped: `stop` said so.
        UserFacingError: the new folder cannot be used, lies in the old one (or the other way round), has not the room,
            or the choice could not be saved. Nothing was moved then.
    """
    to = absolute(to)
    leaving = folders.leaving
    same = os.path.realpath(to) == os.path.realpath(folders.own)
    source = left_by(folders, to)
    if source is None:
        return Moved()
    if leaving and not same and os.path.realpath(to) != os.path.realpath(leaving):
        raise UserFacingError(
            tr("The models cannot be moved there yet"),
            tr("some are still in {leaving}, as an earlier move did not come to its end", leaving=leaving),
            tr("Go on with that one first, or leave them there."),
        )
    if not source.is_dir():
        raise UserFacingError(
            tr("The models cannot be moved"),
            tr("{source} is not there, or the disk that it is on", source=source),
            tr("Connect the disk, or leave what is there."),
        )
    _check_apart(source, to)
    others = _of_others(folders, source)
    _name_again(source, others)
    files = [
        (path, size)
        for path, size in _files_below(source, others)
        if _MODEL.search(path.name) or (with_downloads and _COMING.search(path.name))
    ]
    _check_room(files, to)
    if not same:
        folders.set_own(to, leaving=source)
    try:
        moved = Mover(source, to, on_progress, stop).move(files)
    finally:
        _follow(followers, source, to)
    if not moved.stayed:
        give_up(folders)
        _remove_empty(source)
    return moved


def give_up(folders: ModelFolders, followers: Sequence[Follower] = ()) -> None:
    """End a move: what is still in the old folder stays there, and is not looked for any more.

    Args:
        folders: whose own folder was moved.
        followers: as of `move_models`.

    Raises:
        UserFacingError: the choice could not be saved.
    """
    own, leaving = folders.own, folders.leaving
    if leaving:
        _name_again(leaving, _of_others(folders, leaving))
        _follow(followers, leaving, own)
    folders.end_leaving()
    for path, _ in _files_below(own, _of_others(folders, own)):
        if _UNFINISHED.search(path.name):  # a killed move was copying it
            with contextlib.suppress(OSError):
                path.unlink()


def _follow(followers: Sequence[Follower], source: Path, to: Path) -> None:
    """Have all follow, also where one of them cannot: then that is told once the others have."""
    with contextlib.ExitStack() as each:
        for follower in followers:
            each.callback(follower.follow, source, to)


def _of_others(folders: ModelFolders, folder: Path) -> frozenset[Path]:
    """The folders below one, by their real paths, that are looked through by themselves: another program keeps its
    models there, or a person added them. They are not moved with it.
    """
    real = os.path.realpath(folder)
    root = next((root for root in folders.roots() if os.path.realpath(root.path) == real), None)
    return frozenset(root.without) if root is not None else frozenset()


def _name_again(folder: Path, without: frozenset[Path]) -> None:
    """Give those their names again which a killed move was about to remove."""
    for path, _ in _files_below(folder, without):
        if _LEAVING.search(path.name):
            with contextlib.suppress(OSError):  # another file has the name: both stay
                rename_new(path, path.with_name(path.name[: -len(LEAVING)]))


def _files_below(folder: Path, without: frozenset[Path]) -> Iterator[tuple[Path, int]]:
    """All files, each with its size. Links to folders are not followed: what they lead to is not moved."""
    try:
        with os.scandir(folder) as listing:
            inside = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        _log.warning("%s is not moved: %s", folder, error)
        return
    for entry in inside:
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            if not without or Path(os.path.realpath(path)) not in without:
                yield from _files_below(path, without)
        elif entry.is_symlink():
            yield path, 0
        elif entry.is_file(follow_symlinks=False):
            with contextlib.suppress(OSError):  # it went just now
                yield path, entry.stat(follow_symlinks=False).st_size


def _check_apart(source: Path, to: Path) -> None:
    old, new = Path(os.path.realpath(source)), Path(os.path.realpath(to))
    if _lies_in(old, new) or _lies_in(new, old):
        raise UserFacingError(
            tr("The models cannot be moved there"),
            tr("one of {old} and {new} lies in the other", old=old, new=new),
            tr("Choose a folder beside the old one, or choose it without moving the models."),
        )


def _lies_in(inner: Path, outer: Path) -> bool:
    """Also where the paths do not tell: a folder that is mounted twice, a disk without upper and lower case."""
    if inner.is_relative_to(outer):
        return True
    try:
        state = outer.stat()
    except OSError:  # it is still to be made
        return False
    return any(folder.exists() and os.path.samestat(folder.stat(), state) for folder in (inner, *inner.parents))


def _check_room(files: list[tuple[Path, int]], to: Path) -> None:
    """On one disk a move takes no room."""
    there = next(folder for folder in (to, *to.parents) if folder.exists())
    try:
        device, free = there.stat().st_dev, shutil.disk_usage(there).free
        needed = sum(size for path, size in files if path.lstat().st_dev != device)
    except OSError as error:
        raise UserFacingError(tr("The models cannot be moved there"), f"{error.strerror or error} ({to})") from error
    if needed > free:
        raise UserFacingError(
            tr("The models cannot be moved there"),
            tr("they take {needed}, and {free} are free", needed=units.file_size(needed), free=units.file_size(free)),
            tr("Choose another disk, or delete models that you do not need."),
        )


def _remove_empty(folder: Path) -> None:
    """The folders that a move has emptied; what else is in them keeps them."""
    for above, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):
            Path(above).rmdir()
