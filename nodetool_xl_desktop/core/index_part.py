"""A file of a package index that is still coming: `NAME.part`, and `NAME.part.json`, which says of what it is a part.

It is gone on with only where it is a part of the very file that is wanted now: of the same SHA-256, as the index says
it, or, where it says none, from the same address and with a mark of the content (an ETag) that the server is asked to
compare. Everything here touches the disk.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

_ENDING = ".part"
#: After so many seconds without a byte nobody comes back for it: two weeks.
STALE_S = 14 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class IndexFile:
    """A file of an index.

    Attributes:
        url: where it lies.
        name: what it is called there; believed of nothing.
        sha256: what the index says of it; empty where it says nothing.
        size: bytes, where the index says them.
    """

    url: str
    name: str
    sha256: str = ""
    size: int | None = None

    @property
    def host(self) -> str:
        """Who has it, for people."""
        return httpx2.URL(self.url).host


class Part:
    """One file on its way.

    Args:
        folder: where it lies meanwhile.
        file: which one.
    """

    def __init__(self, folder: Path, file: IndexFile) -> None:
        safe = re.sub(r"[^A-Za-z0-9._+-]", "-", file.name)[:160]
        self.file = file
        self.path = folder / f"{safe}{_ENDING}"
        self._note = folder / f"{safe}{_ENDING}.json"

    @property
    def size(self) -> int:
        """Bytes that are here."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def there(self) -> tuple[int, str]:
        """Bytes that can be gone on with, and the server's mark of their content; what is of another file goes."""
        said = self._said()
        etag = said["etag"] if said["url"] == self.file.url else ""
        is_same = said["sha256"] == self.file.sha256 and bool(self.file.sha256 or etag)
        if not is_same and (self.path.exists() or self._note.exists()):
            self.forget()
        size = self.size if is_same else 0
        return size, etag if size else ""

    def begin(self, etag: str) -> None:
        """The whole file comes now, with this mark: what was here before goes."""
        self.forget()
        self.path.parent.mkdir(parents=True, exist_ok=True)  # whoever sweeps takes a folder in which nothing is yet
        note = {"url": self.file.url, "sha256": self.file.sha256, "etag": etag}
        self._note.write_text(json.dumps(note), encoding="utf-8")

    def forget(self) -> None:
        """Remove what has come."""
        self.path.unlink(missing_ok=True)  # first: the note must never speak of another file's bytes
        self._note.unlink(missing_ok=True)

    def finish(self, target: Path) -> None:
        """It is whole: give it its place, on the same disk."""
        self.path.replace(target)
        self._note.unlink(missing_ok=True)

    def leave(self) -> None:
        """The attempt is over: where nothing has come, nothing stays."""
        if not self.size:
            self.forget()
        with contextlib.suppress(OSError):  # it is not there, or something is in it
            self.path.parent.rmdir()

    def _said(self) -> dict[str, str]:
        try:
            note: Any = json.loads(self._note.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # ValueError: no JSON, no text
            note = None
        told = note if isinstance(note, dict) else {}
        return {key: value if isinstance(value := told.get(key), str) else "" for key in ("url", "sha256", "etag")}


def sweep(folder: Path, stale_s: float = STALE_S, *, keep: Part | None = None) -> None:
    """Remove the parts in a folder that nobody has gone on with for so many seconds; where none is left, the folder."""
    with contextlib.suppress(OSError):  # what cannot be removed now is there the next time
        for part in {each.with_name(each.name.removesuffix(".json")) for each in folder.iterdir()}:
            if not part.name.endswith(_ENDING) or (keep is not None and part == keep.path):
                continue
            note = part.with_name(f"{part.name}.json")  # written once: it goes with what it is about
            if time.time() - (part if part.exists() else note).stat().st_mtime >= stale_s:
                part.unlink(missing_ok=True)
                note.unlink(missing_ok=True)
        folder.rmdir()


def begun(folder: Path) -> int:
    """Bytes of parts in a folder that somebody may go on with."""
    try:
        notes = [each for each in folder.iterdir() if each.name.endswith(f"{_ENDING}.json")]
        return sum(part.stat().st_size for part in (note.with_suffix("") for note in notes) if part.exists())
    except OSError:
        return 0
