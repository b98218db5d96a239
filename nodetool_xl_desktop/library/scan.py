"""One scan: what lies on the disk, what the index says of it, and the headers that it does not know.

Apart from `models`, so that a window which has not listed anything yet does without all this.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop.gguf.names import read_name
from nodetool_xl_desktop.gguf.split import MAX_SPLITS
from nodetool_xl_desktop.library import gather, places
from nodetool_xl_desktop.library.about import Abouts
from nodetool_xl_desktop.library.breath import breathing
from nodetool_xl_desktop.library.folders import ModelFolders
from nodetool_xl_desktop.library.gather import Group, Said
from nodetool_xl_desktop.library.headers import HeaderReader
from nodetool_xl_desktop.library.index import HeaderIndex
from nodetool_xl_desktop.library.model_file import ModelFile, Place
from nodetool_xl_desktop.library.strangers import PlacedModel
from nodetool_xl_desktop.library.walk import Closed, FileId, Walk, look, name_of_whole

#: Gets what is known so far, how many models were looked at, and how many there are.
OnFound = Callable[[list[ModelFile], int, int], None]
#: Seconds between two of its calls, and how many times longer than making the list took.
_TELL_EVERY_S, _TELL_PAUSE = 0.2, 10


@dataclass(frozen=True, slots=True)
class View:
    """What lies on the disk at one moment.

    Attributes:
        groups: the models.
        opened: files that a person opened, newest first.
        beside: files that only lie beside one of these.
        closed: folders that could not be looked through.
        is_whole: whether all was looked through.
    """

    groups: list[Group]
    opened: list[Path]
    beside: frozenset[Path]
    closed: tuple[Closed, ...]
    is_whole: bool


class Scanner:
    """The steps of a scan. Its methods touch the disk.

    Args:
        index: what headers say.
        folders: where models are looked for.
        about: what a person says of them.
        command: starts the process that reads headers; None for the program's own.
    """

    def __init__(self, index: HeaderIndex, folders: ModelFolders, about: Abouts, command: Sequence[str] | None) -> None:
        self._index = index
        self._folders = folders
        self._about = about
        self._command = command

    def look(self, opened: Sequence[Path], stop: Callable[[], bool]) -> View:
        """Go through all folders.

        Args:
            opened: files that a person opened, newest first.
            stop: asked often.
        """
        roots = [root for root in self._folders.roots() if root.is_on]
        walk = Walk(roots, stop)
        found = walk.run()
        told: dict[FileId, PlacedModel] = {}
        for root in roots:
            for entry in () if stop() else places.entries(root):
                seen = walk.add(entry.path, root.place)
                if seen is not None:
                    told.setdefault(seen.file_id, entry)
        beside: set[Path] = set()
        for path in opened:
            _add_opened(walk, path, beside)
        return View(
            gather.groups(found, told),
            list(opened),
            frozenset(beside) - set(opened),
            tuple(found.closed),
            found.is_whole,
        )

    def known(self, view: View) -> dict[Path, Said]:
        """What the index says of those files that are still the same."""
        kept = self._index.all() if view.groups else {}
        said: dict[Path, Said] = {}
        for group in breathing(view.groups):
            row = kept.get(group.path)
            if row is not None and group.is_to_read and row[0] == group.stamp:
                said[group.path] = row[1]
        return said

    def listed(self, view: View, said: dict[Path, Said]) -> list[ModelFile]:
        """The list, with what a person says of each, in its order."""
        return gather.ordered(self._about.told(gather.models(view.groups, said, view.beside)), view.opened)

    def read(
        self, view: View, said: dict[Path, Said], on_found: OnFound | None, stop: Callable[[], bool]
    ) -> dict[Path, Said]:
        """Read the headers of what is not known yet, and keep them; returns what is known then."""
        left = [group for group in view.groups if group.is_to_read and group.path not in said]
        if not left:
            return said
        total = len(view.groups)
        opened = set(view.opened)  # they stand on top of the list
        by_path = {group.path: group for group in sorted(left, key=lambda group: group.path not in opened)}
        fresh: list[tuple[Path, str, Said]] = []
        due = time.monotonic()
        for read in HeaderReader(self._command).read(by_path, stop):
            said[read.path] = read.said
            group = by_path.pop(read.path)
            if read.lasts and _is_same(group):
                fresh.append((group.path, group.stamp, read.said))
            if (now := time.monotonic()) < due:
                continue
            self._index.keep(fresh)  # little is lost with the program
            fresh.clear()
            if on_found is not None and not stop():
                on_found(self.listed(view, said), total - len(by_path), total)
            took = time.monotonic() - now
            due = now + took + max(_TELL_EVERY_S, _TELL_PAUSE * took)
        self._index.keep(fresh)
        self._index.forget_all_but(group.path for group in view.groups)
        return said


def _add_opened(walk: Walk, path: Path, beside: set[Path]) -> None:
    """Take an opened file, the other parts of its set, and the projectors beside it. One that is gone is left out."""
    seen = look(path, Place.OPENED, name_of_whole(path.name))
    if seen is None or seen.why_not:
        return
    walk.found.add(seen)
    name = read_name(path.name)
    for number in range(1, min(name.parts, MAX_SPLITS) + 1) if name.parts > 1 else ():
        part = path.with_name(path.name.replace(f"-{name.part:05d}-of-", f"-{number:05d}-of-"))
        other = look(part, Place.OPENED)
        if other is not None and not other.why_not:
            walk.found.add(other)
    for projector in _projectors_beside(path):
        other = look(projector, Place.OPENED)
        if other is not None and not other.why_not and other.file_id not in walk.found.files:
            walk.found.add(other)
            beside.add(projector)


def _projectors_beside(path: Path) -> list[Path]:
    try:
        return sorted(path.parent.glob("*mmproj*.gguf"))
    except (OSError, ValueError):
        return []


def _is_same(group: Group) -> bool:
    """Whether no file of it was written while it was read."""
    for part in group.parts:
        now = look(part.path, part.place)
        if now is None or (now.size, now.modified_ns, now.file_id) != (part.size, part.modified_ns, part.file_id):
            return False
    return True
