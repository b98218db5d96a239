"""What a folder takes of its disk, for whoever shows it. It may take long: call it in a thread."""

from __future__ import annotations

import os
from pathlib import Path


def folder_size(folder: Path, *, deep: bool = True) -> int:
    """Bytes of the files in a folder; 0 where it is not there. Links are not followed, what cannot be read is left out.

    Args:
        folder: which one.
        deep: with those in folders below it.
    """
    total, waiting = 0, [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    size, is_folder = _looked_at(entry)
                    total += size
                    if is_folder and deep:
                        waiting.append(entry.path)
        except OSError:  # it went meanwhile, or is not open to us
            continue
    return total


def _looked_at(entry: os.DirEntry[str]) -> tuple[int, bool]:
    try:
        if entry.is_dir(follow_symlinks=False):
            return 0, True
        return entry.stat(follow_symlinks=False).st_size, False
    except OSError:
        return 0, False
