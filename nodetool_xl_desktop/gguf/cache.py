"""Headers that were read, kept for those who ask again: a look at a file's size and time instead of a walk through it.

With a header stays what was worked out from it (`Header.once`).
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from threading import Lock

from nodetool_xl_desktop.gguf.header import Header
from nodetool_xl_desktop.gguf.split import read_model

#: A header takes 0.3 MB in memory, those of the largest models 3 MB.
HEADERS_KEPT = 64

#: Size in bytes and time of the last change in nanoseconds; None for a file that is not there.
_Stamp = tuple[int, int] | None


class HeaderCache:
    """Reads headers, and reads a file anew only where its size or its time has changed. Any thread may ask.

    Args:
        kept: how many headers are kept; the least recently asked for go first.
    """

    def __init__(self, kept: int = HEADERS_KEPT) -> None:
        self._most = kept
        self._kept: OrderedDict[Path, tuple[Header, tuple[_Stamp, ...]]] = OrderedDict()
        self._lock = Lock()

    def read(self, path: Path) -> Header:
        """The header of a model file, or of a whole split set by any of its parts; raises as `read_model`."""
        with self._lock:
            known = self._kept.get(path)
        if known is not None and known[1] == _stamps(known[0]):
            with self._lock:
                if path in self._kept:
                    self._kept.move_to_end(path)
            return known[0]
        before = _stamp(path)
        header = read_model(path)
        stamps = _stamps(header)
        with self._lock:
            self._kept.pop(path, None)
            if stamps is not None and before == _stamp(path):  # else it was written while it was read
                self._kept[path] = header, stamps
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return header


def _stamps(header: Header) -> tuple[_Stamp, ...] | None:
    """What tells that the files of a model are the same; None where one of them is not there any more."""
    stamps = tuple(_stamp(file) for file in header.files)
    return None if None in stamps else stamps


def _stamp(file: Path) -> _Stamp:
    try:
        state = file.stat()
    except (OSError, ValueError):  # ValueError: no path at all
        return None
    return state.st_size, state.st_mtime_ns
