"""Words that stand where there is nothing else to show, and texts that are too long for where they stand."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S


def empty_words() -> QLabel:
    """A few words in the upper third of an empty list."""
    made = label("", "note", wrap=True)
    made.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
    made.setContentsMargins(SPACE_S, SPACE_L * 4, SPACE_M + SPACE_S, 0)
    return made


def shortened(text: str, longest: int = 48) -> str:
    """A text on one line that is not longer than that, in letters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"
