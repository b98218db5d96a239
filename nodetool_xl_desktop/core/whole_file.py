"""Writing a small file so that a power cut, a kill or a full disk leaves the old one or the new one, never a half."""

from __future__ import annotations

import os
import shutil
import tempfile
import zlib
from pathlib import Path

#: How the folder is called in which something is written until it is whole.
SAVING = ".saving-"
#: What tempfile puts behind a prefix.
_RANDOM = "?" * 8


def write_whole(path: Path, text: str) -> None:
    """Write beside and rename. Where the file is a link, what it leads to is written; its folder is made.

    Raises:
        OSError: the disk refused; the old file is as it was.
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=_prefix(path)) as beside:
        fresh = Path(beside) / path.name
        with fresh.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)


def sweep(path: Path) -> None:
    """Remove what a program that was killed while it wrote this file has left. For who holds its lock."""
    path = Path(os.path.realpath(path))
    for left in path.parent.glob(f"{_prefix(path)}{_RANDOM}"):
        shutil.rmtree(left, ignore_errors=True)


def _prefix(path: Path) -> str:
    """It says which file is being written, also before that is in it; short, as names are at most 255 bytes long."""
    return f"{SAVING}{zlib.crc32(os.fsencode(path.name)):08x}-"
