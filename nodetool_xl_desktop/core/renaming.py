"""A file under another name, and never over a file that has that name: `os.rename` would take its place unasked."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def rename_new(old: Path, new: Path) -> None:
    """Rename, never over another file that came meanwhile. A link is renamed itself. Touches the disk.

    Raises:
        OSError: it cannot be: FileExistsError where something has the name, EXDEV where that is another disk.
    """
    try:
        os.link(old, new, follow_symlinks=os.link not in os.supports_follow_symlinks)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise
        if os.path.lexists(new):  # a file system without links, or a system that does not allow them
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(new)) from error
        old.rename(new)
    else:
        old.unlink()
