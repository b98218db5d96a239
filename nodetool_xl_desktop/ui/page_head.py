"""The bar at the top of a page of the centre: its name, what can be done with all of it, and the way back."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QWidget

from nodetool_xl_desktop.ui.parts import label, size_icon
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_S

#: Of a page that lies over the others until it is closed: as high whatever stands in it, in device-independent pixels.
CLOSED_HEIGHT = 52


class PageHead(QFrame):
    """What stands in it is added from left to right; `row` is there for what `add` has no words for.

    Args:
        title: the name of the page; empty where something else says it.
        margins: left, above, right and below, in device-independent pixels.
    """

    def __init__(
        self, title: str = "", margins: tuple[int, int, int, int] = (SPACE_L, SPACE_S, SPACE_L, SPACE_S)
    ) -> None:
        super().__init__()
        self.setObjectName("topBar")
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(*margins)
        self.row.setSpacing(SPACE_S)
        if title:
            self.add(label(title, "title"))

    @classmethod
    def of_closed(cls, title: str) -> PageHead:
        """That of a page which lies over the others until it is closed."""
        made = cls(title, (SPACE_L, 0, SPACE_L, 0))
        made.setMinimumHeight(CLOSED_HEIGHT)
        return made

    def add(self, *parts: QWidget) -> None:
        """Put these at its end."""
        for part in parts:
            self.row.addWidget(part)


def icon_button(name: str, tip: str = "") -> QToolButton:
    """A button of a head that is only a picture.

    Args:
        name: what it is called.
        tip: what is read under the mouse, such as with a key; empty for the name.
    """
    made = QToolButton()
    made.setProperty("kind", "icon")
    size_icon(made, 18)
    made.setToolTip(tip or name)
    made.setAccessibleName(name)
    return made
