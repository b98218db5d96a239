"""The program's own log: one file in the user's log folder that never grows beyond a few megabytes.

What users write to a model and what it answers is never logged.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
from pathlib import Path
from types import TracebackType

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_file(folder: Path) -> Path:
    """The file that `set_up` writes."""
    return folder / "nodetool-xl-desktop.log"


def set_up(folder: Path) -> None:
    """Send the program's log to `folder`, and every uncaught error to the log as well as to standard error.

    A folder that cannot be written is no reason not to start: the log then goes nowhere but warnings to standard error.
    """
    root = logging.getLogger("nodetool_xl_desktop")
    root.setLevel(logging.INFO)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = logging.handlers.RotatingFileHandler(
            log_file(folder), maxBytes=1_000_000, backupCount=2, encoding="utf-8", errors="backslashreplace"
        )
    except OSError as error:
        handler = logging.StreamHandler(sys.stderr)
        handler.setLevel(logging.WARNING)
        root.addHandler(handler)
        root.warning("No log file in %s: %s", folder, error)
    else:
        root.addHandler(handler)
    handler.setFormatter(logging.Formatter(FORMAT))
    sys.excepthook = _log_uncaught


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        logging.getLogger("nodetool_xl_desktop").critical("Uncaught", exc_info=(kind, error, traceback))
    sys.__excepthook__(kind, error, traceback)
