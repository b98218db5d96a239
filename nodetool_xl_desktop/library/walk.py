"""What lies below the folders of My Models: every file that may be a model, each once, whatever leads to it.

Nothing is opened here. A file is known by its device and inode, so links, loops of links and folders inside each other
end where they began; what may not be looked into is told once.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.library import hub_cache
from nodetool_xl_desktop.library.breath import breathing, never
from nodetool_xl_desktop.library.folders import Root
from nodetool_xl_desktop.library.model_file import Place

#: What a file ends in that a program is still bringing: ours, browsers, wget-like tools, llama.cpp, hub tools.
_PARTIAL = re.compile(
    r"^(?:downloading_|incomplete-)?(?P<name>.+?\.gguf)"
    r"(?P<end>(?:\.[0-9a-f]{8,64})?\.(?:part|partial|incomplete|download|crdownload|tmp|downloadinprogress))?\Z",
    re.IGNORECASE | re.DOTALL,
)
_INCOMPLETE = ".incomplete"
#: A system's own files that lead everywhere and hold no models.
_NEVER = frozenset({"/proc", "/sys", "/dev"})

#: So many folders that are closed are told; whoever chose a whole disk knows why.
_MOST_CLOSED = 100

#: Device and inode.
FileId = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Seen:
    """One file.

    Attributes:
        path: the first one that led to it.
        place: whose folder that lies in.
        size: in bytes.
        modified_ns: in nanoseconds since 1970.
        file_id: the same for all paths of one file.
        whole_name: of what is still coming, the name that it will have; empty for a file that is whole.
        why_not: why it cannot even be looked at; empty otherwise.
    """

    path: Path
    place: Place
    size: int
    modified_ns: int
    file_id: FileId
    whole_name: str = ""
    why_not: str = ""


class Closed(NamedTuple):
    """A folder that could not be looked through, and what the system says of it."""

    path: Path
    why: str


@dataclass(slots=True)
class Found:
    """All of it.

    Attributes:
        files: in the order in which they were found.
        links: other paths of a file, by what it is known by.
        closed: folders that could not be looked through.
        is_whole: whether the walk went to its end.
    """

    files: dict[FileId, Seen] = field(default_factory=dict)
    links: dict[FileId, list[Path]] = field(default_factory=dict)
    closed: list[Closed] = field(default_factory=list)
    is_whole: bool = True

    def add(self, seen: Seen) -> None:
        """Take a file, or one more path to it."""
        known = self.files.get(seen.file_id)
        is_named_now = known is not None and known.whole_name and not seen.whole_name
        if known is None or is_named_now:
            self.files[seen.file_id] = seen
        elif known.path != seen.path and not seen.whole_name:
            links = self.links.setdefault(seen.file_id, [])
            if seen.path not in links:
                links.append(seen.path)


class Walk:
    """One walk over all folders.

    Args:
        roots: the folders, in the order in which a file that lies in two of them is given to one.
        stop: asked often; the walk ends early where it says yes.
    """

    def __init__(self, roots: Iterable[Root], stop: Callable[[], bool] = never) -> None:
        self._roots = [root for root in roots if root.is_on]
        self._stop = stop
        self._walked: set[FileId] = set()
        self._left_out: set[FileId] = set()
        self.found = Found()

    def run(self) -> Found:
        """Go through all of them; touches the disk."""
        starts = [(root, _folder_id(root.path, self._close)) for root in self._roots]
        # Where one folder lies inside another, its files are its own; what is switched off is left out of both.
        self._left_out = {known for _, known in starts if known is not None}
        for root in self._roots:
            self._left_out |= {known for path in root.without if (known := _folder_id(path)) is not None}
        for root, known in starts:
            if known is not None and known not in self._walked:
                self._walked.add(known)
                self._tree(root)
        return self.found

    def _tree(self, root: Root) -> None:
        waiting = [str(root.path)]
        is_cache = root.place is Place.HUGGING_FACE
        while waiting:
            if self._stop():
                self.found.is_whole = False
                return
            folder = waiting.pop()
            deeper = self._folder(folder, root, is_cache=is_cache and folder == str(root.path))
            waiting += reversed(deeper)

    def _folder(self, folder: str, root: Root, *, is_cache: bool) -> list[str]:
        """Take the files of one folder; returns the folders in it."""
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):  # it vanished, or its disk did
            return []
        except (OSError, ValueError) as error:
            self._close(Path(folder), error)
            return []
        deeper = []
        for entry in breathing(entries):
            if _is_folder(entry):
                deeper += self._repository(entry) if is_cache else [entry.path]
            elif name := _PARTIAL.match(entry.name):
                self._file(entry.path, root.place, name)
        return [path for path in deeper if self._is_new(path)]

    def _close(self, folder: Path, error: OSError | ValueError) -> None:
        is_gone = isinstance(error, FileNotFoundError | NotADirectoryError)
        if not is_gone and len(self.found.closed) < _MOST_CLOSED:
            self.found.closed.append(Closed(folder, getattr(error, "strerror", None) or str(error)))

    def _repository(self, entry: os.DirEntry[str]) -> list[str]:
        """The snapshots of one repository of the Hugging Face cache: the one that `main` is comes first, as all of
        them link to the same files.
        """
        path = Path(entry.path)
        if not hub_cache.is_repository(path):
            return []
        for blob in hub_cache.unfinished(path):
            if _begins_as_model(blob):
                self.add(blob, Place.HUGGING_FACE, hub_cache.repo_id_of(path))
        return [str(snapshot) for snapshot in hub_cache.snapshots(path)]

    def _is_new(self, folder: str) -> bool:
        """Whether a folder was not walked yet, and is no other root."""
        known = _folder_id(Path(folder), self._close)
        if known is None or known in self._walked or known in self._left_out or folder in _NEVER:
            return False
        self._walked.add(known)
        return True

    def _file(self, path: str, place: Place, name: re.Match[str]) -> None:
        is_partial = bool(name["end"]) or name.start("name") > 0
        self.add(Path(path), place, name["name"] if is_partial else "")

    def add(self, path: Path, place: Place, whole_name: str = "") -> Seen | None:
        """Take one file, wherever it lies; returns it where it is one."""
        seen = look(path, place, whole_name)
        if seen is not None:
            self.found.add(seen)
        return seen


def look(path: Path, place: Place, whole_name: str = "") -> Seen | None:
    """One file; None where there is none (any more), or where it is something else."""
    try:
        state = path.stat()
    except (OSError, ValueError) as error:
        return _dangling(path, place, error)
    if not stat.S_ISREG(state.st_mode):
        return None
    known = (state.st_dev, state.st_ino)
    return Seen(path, place, state.st_size, state.st_mtime_ns, known, whole_name)


def name_of_whole(name: str) -> str:
    """The name that a file will have which is still coming; empty for one that is whole, or no model."""
    match = _PARTIAL.match(name)
    return match["name"] if match and (match["end"] or match.start("name") > 0) else ""


def _dangling(path: Path, place: Place, error: OSError | ValueError) -> Seen | None:
    """A link that leads nowhere is told: its disk may be unplugged. A file that vanished is not."""
    try:
        state = path.lstat()
    except (OSError, ValueError):
        return None
    why = tr("it is a link to {path}, which is not there", path=_target(path))
    if not isinstance(error, FileNotFoundError):
        why = getattr(error, "strerror", None) or str(error)
    return Seen(path, place, 0, state.st_mtime_ns, (state.st_dev, state.st_ino), why_not=why)


def _target(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return tr("another file")


def _begins_as_model(path: Path) -> bool:
    """Its name is a hash: what it will be only its first bytes can say."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with path.open("rb") as stream:
            return stream.read(4) == b"GGUF"
    except (OSError, ValueError):
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links, or vanished
        return False


def _folder_id(path: Path, refused: Callable[[Path, OSError | ValueError], None] | None = None) -> FileId | None:
    """None where there is no such folder; one that exists and may not be entered has an identity all the same.

    Args:
        path: the folder.
        refused: hears why it cannot be looked at.
    """
    try:
        state = path.stat()
    except (OSError, ValueError) as error:
        if refused is not None:
            refused(path, error)
        return None
    return (state.st_dev, state.st_ino) if stat.S_ISDIR(state.st_mode) else None
