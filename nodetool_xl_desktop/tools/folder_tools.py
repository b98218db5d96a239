"""Looking around in the folder that the person opened: what is in it, and where something stands.

Both run in a thread that nobody can stop, on folders of any size, so each has an end of its own: in time, in entries,
in bytes, and in what the model gets to read. What an end cut off is said, as the model would else take it for all.
"""

from __future__ import annotations

import fnmatch
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.tools.folder import Entry, Folder
from nodetool_xl_desktop.tools.text_files import NotText, pieces, shown, split

#: Entries of one listing.
MOST_LISTED = 200
#: Places of one search, and of those in one file.
MOST_FOUND = 60
MOST_IN_FILE = 8
#: Seconds of a search; a call may take 30.
WITHIN_S = 10.0
#: Bytes of one file that are searched, and entries that are looked at.
MOST_SEARCHED = 8 * units.MIB
MOST_ENTRIES = 50_000
_LINE = 200  # characters shown of a line

#: Folders that programs fill and nobody reads; `.git` and its like hold what is elsewhere too.
NOISE = frozenset(
    {
        ".git", ".hg", ".svn", ".tox", ".nox", ".venv", "venv", "node_modules", "__pycache__", ".mypy_cache",
        ".pytest_cache", ".ruff_cache", ".hypothesis", ".cache", ".gradle", ".idea", ".next", ".terraform",
        "bower_components", "site-packages", "$RECYCLE.BIN", "System Volume Information", ".Trash", ".DS_Store",
    }
)  # fmt: skip


class ListFolderTool:
    """Tells what is in the opened folder, or in one below it."""

    name = "list_folder"
    description = "Lists the files and folders in the folder that the user opened, or in one below it."
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {
            "name": {
                "type": "string",
                "default": "",
                "description": "The folder, such as docs; left out: the opened folder itself",
            }
        },
        "additionalProperties": False,
    }

    def __init__(self, folder: Path) -> None:
        self._folder = Folder(folder)

    def __call__(self, name: str = "") -> str:
        """One entry on a line, folders first, with sizes. Touches the disk.

        Raises:
            UserFacingError: there is no such folder in it.
        """
        until = time.monotonic() + WITHIN_S
        found: list[Entry] = []
        cut = ""
        for entry in self._folder.entries(name):
            found.append(entry)
            if len(found) >= MOST_ENTRIES or time.monotonic() > until:
                cut = f"(the folder has more than {len(found):,} entries, and not all were looked at)"
                break
        found.sort(key=lambda entry: (entry.kind != "folder", entry.name.casefold()))
        told = [_line(entry) for entry in found[:MOST_LISTED]]
        if len(found) > MOST_LISTED:
            told.append(f"(and {len(found) - MOST_LISTED:,} more; search_folder finds files by name)")
        return "\n".join([*told, cut] if cut else told) or "The folder is empty."


def _line(entry: Entry) -> str:
    name = shown(entry.name)
    if entry.kind == "folder":
        return f"{name}/"
    if entry.kind == "file":
        return f"{name}  {units.file_size(entry.size)}"
    return f"{name}  ({'a link that is not followed' if entry.kind == 'link' else 'no file'})"


class SearchFolderTool:
    """Finds files by name and lines by text, in the opened folder and all below it."""

    name = "search_folder"
    description = (
        "Searches the folder that the user opened, and all below it: for files with these words in their name, and for"
        " lines of text files that have all these words."
    )
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {
            "text": {"type": "string", "description": "The words; upper and lower case are the same"},
            "files": {"type": "string", "default": "", "description": "Only in files with names such as *.py"},
        },
        "required": ["text"],
        "additionalProperties": False,
    }

    def __init__(self, folder: Path) -> None:
        self._folder = Folder(folder)

    def __call__(self, text: str, files: str = "") -> str:
        """The names and the lines that were found, each with its place. Touches the disk.

        Raises:
            UserFacingError: there is nothing to search for, or the folder cannot be read.
        """
        words = text.casefold().split()
        if not words and not files.strip():
            raise UserFacingError("There is nothing to search for", hint="Give one or more words")
        search = _Search(self._folder, words, files.strip().casefold())
        search.run()
        return search.told(text)


@dataclass(slots=True)
class _Search:
    """One search, and what it came to."""

    folder: Folder
    words: list[str]
    pattern: str
    names: list[str] = field(default_factory=list)
    more_names: int = 0
    places: list[str] = field(default_factory=list)
    searched: int = 0
    cut: str = ""
    left_out: int = 0

    def run(self) -> None:
        until = time.monotonic() + WITHIN_S
        for path, entry in self._walk(until):
            if self.pattern and not _matches(path, self.pattern):
                continue
            if all(word in path.casefold() for word in self.words):
                self._note_name(path, entry)
            if entry.kind == "file" and self.words:
                self._look_into(path, entry, until)
            if len(self.places) >= MOST_FOUND:
                self.cut = f"there is more; only {MOST_FOUND} lines are shown: take rarer words, or only some files"
            if self.cut:
                return

    def _note_name(self, path: str, entry: Entry) -> None:
        if len(self.names) < MOST_FOUND:
            self.names.append(shown(path) + ("/" if entry.kind == "folder" else ""))
        else:
            self.more_names += 1

    def _walk(self, until: float) -> Iterator[tuple[str, Entry]]:
        """All below the folder, what lies near its top first."""
        waiting = deque([""])
        seen = 0
        while waiting:
            at = waiting.popleft()
            try:
                for entry in self.folder.entries(at):
                    seen += 1
                    if seen > MOST_ENTRIES or time.monotonic() > until:
                        self.cut = "the folder is large, and not all of it was searched: take only some files"
                        return
                    if entry.name in NOISE or entry.kind in ("link", "other"):
                        continue
                    path = f"{at}/{entry.name}" if at else entry.name
                    if entry.kind == "folder":
                        waiting.append(path)
                    yield path, entry
            except UserFacingError:
                if not at:
                    raise
                self.left_out += 1  # it may not be read, or went away meanwhile

    def _look_into(self, path: str, entry: Entry, until: float) -> None:
        before = 0
        here = 0
        try:
            for piece in pieces(self.folder.blocks(path, MOST_SEARCHED)):
                if time.monotonic() > until:
                    self.cut = "it took too long, and not all files were searched: take only some files"
                    return
                low = piece.casefold()
                if all(word in low for word in self.words):  # else none of its lines can have them
                    here = self._note_lines(path, before, split(piece), here)
                before += piece.count("\n")
                if here > MOST_IN_FILE:
                    break
        except NotText:
            return
        except UserFacingError:
            self.left_out += 1
            return
        self.searched += 1
        if entry.size > MOST_SEARCHED:
            self.left_out += 1

    def _note_lines(self, path: str, before: int, found: list[str], here: int) -> int:
        """Note the lines that have all words; returns how many the file has so far."""
        for number, line in enumerate(found, before + 1):
            low = line.casefold()
            if not all(word in low for word in self.words):
                continue
            here += 1
            if here > MOST_IN_FILE or len(self.places) >= MOST_FOUND:
                self.places.append(f"{shown(path)}: (more lines)")
                return MOST_IN_FILE + 1
            self.places.append(f"{shown(path)}:{number}: {_around(line, low.find(self.words[0]))}")
        return here

    def told(self, text: str) -> str:
        what = shown(text.strip())[:60] or self.pattern
        parts = []
        if self.names:
            parts += ["Files and folders:", *self.names, ""]
        if self.more_names:
            parts[-1:] = [f"(and {self.more_names:,} more)", ""]
        if self.places:
            parts += ["Lines:", *self.places, ""]
        if not parts:
            hint = "" if len(self.words) < 2 else " Try fewer words."
            parts = [f"Nothing was found for {what!r}; {self.searched:,} text files were searched.{hint}"]
        if self.cut:
            parts.append(f"({self.cut})")
        if self.left_out:
            parts.append(f"({self.left_out:,} could not be read, or not to their end)")
        return "\n".join(parts).strip()


def _matches(path: str, pattern: str) -> bool:
    """Whether the name, or the whole path, is such as `*.py` or `docs/*`; a pattern without signs is part of it."""
    low = path.casefold()
    if not any(sign in pattern for sign in "*?["):
        return pattern in low
    return fnmatch.fnmatchcase(low.rpartition("/")[2], pattern) or fnmatch.fnmatchcase(low, pattern)


def _around(line: str, place: int) -> str:
    """As much of a line as is shown, with what was found in it."""
    start = max(0, min(place - _LINE // 3, len(line) - _LINE))
    part = line[start : start + _LINE]
    return shown(("..." if start else "") + part.strip() + ("..." if start + _LINE < len(line) else ""))
