"""What is known of an engine before it is installed, as a list of names and values."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.wheel_file import WheelFile, WheelName
from nodetool_xl_desktop.engine.wheel_index import Offer
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_S

#: Qt breaks a line after these, too.
_LONG = re.compile(r"[^\s/-]{65}")


class Facts(QWidget):
    """The list; its values can be selected and copied."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(SPACE_L)
        self._grid.setVerticalSpacing(SPACE_S)
        self._grid.setColumnStretch(1, 1)
        self._labels: list[QLabel] = []

    def show_offer(self, offer: Offer) -> None:
        """What a server says."""
        size = units.file_size(offer.size) if offer.size is not None else tr("The page does not say")
        self._show({**_of_name(offer.name), tr("Size"): size, tr("From"): offer.address, tr("SHA-256"): _said(offer)})

    def show_wheel(self, wheel: WheelFile, source: str, offer: Offer | None) -> None:
        """What the file itself is."""
        size = tr(
            "{size}, unpacked {unpacked}", size=units.file_size(wheel.size), unpacked=units.file_size(wheel.unpacked)
        )
        rows = {**_of_name(wheel.name)}
        if wheel.build:
            rows[tr("Build")] = one_line(wheel.build, 40)
        rows |= {tr("Size"): size, tr("From"): source, tr("SHA-256"): wheel.sha256}
        if offer is not None:
            same = (
                tr("It is the one that the page says.") if offer.sha256 else tr("The page says none to compare with.")
            )
            rows[""] = same
        self._show(rows)

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(each.text() for each in self._labels)

    def _show(self, rows: dict[str, str]) -> None:
        for old in self._labels:
            old.hide()
            old.deleteLater()
        self._labels = []
        for number, (name, value) in enumerate(rows.items()):
            left, right = label(name, "note"), label(_breakable(one_line(value, 600)), wrap=True, selects=True)
            right.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
            right.setAccessibleName(tr("{name}: {value}", name=name, value=value) if name else value)
            if not name:
                right.setProperty("kind", "note")
            self._grid.addWidget(left, number, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(right, number, 1)
            self._labels += [left, right]


def _of_name(name: WheelName) -> dict[str, str]:
    return {tr("File"): name.file, tr("Version"): name.version, tr("Built For"): name.tag}


def _said(offer: Offer) -> str:
    return offer.sha256 or tr("The page does not say; it is worked out when it is here")


def _breakable(text: str) -> str:
    """With places where a line may break within a piece that would be wider than the list. What is copied has them
    too: a hash, and any address of an honest kind, has none."""
    return _LONG.sub("\\g<0>\N{ZERO WIDTH SPACE}", text)
