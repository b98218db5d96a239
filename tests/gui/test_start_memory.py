"""What the start of the window does not hold: the sources of its own modules, and fonts that it draws nothing with."""

from __future__ import annotations

import os
import subprocess
import sys

CHILD = """
import linecache, sys
from nodetool_xl_desktop.ui import unread_sources
if sys.argv[1] == "unread":
    unread_sources.leave_unread()
from nodetool_xl_desktop import app
from nodetool_xl_desktop.ui.theme import Theme
theme = Theme(app.application())
assert not theme.icon("plus").pixmap(16, 16).isNull()
import qtawesome
print(sum("nodetool_xl_desktop" in file for file in linecache.cache), *qtawesome._instance().fontname)
"""


def told(how: str) -> list[str]:
    run = [sys.executable, "-c", CHILD, how]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout.split()


def test_no_source_is_read_and_one_font_is_loaded() -> None:
    assert told("unread") == ["0", "ph"]


def test_pyside_still_reads_them_else() -> None:
    """Where this fails PySide has been mended: `ui/unread_sources.py` may go."""
    assert int(told("else")[0]) > 100
