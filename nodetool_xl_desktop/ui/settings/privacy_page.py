"""What the section Privacy has below its switches: what has none, where data lies, and what the keyring keeps.

It takes values and asks; `PrivacyFlow` does what is asked.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.inputs import in_order
from nodetool_xl_desktop.ui.parts import ElidedLabel, figure, fold, label, set_tip
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XS, scaled

_SIZE_WIDTH = 72
_HOSTS = 80


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of data.

    Attributes:
        name: what it is.
        folder: where it lies, as far as that is known without the disk.
        about: what is in it.
        deep: whether the folders below belong to it.
    """

    name: str
    folder: Path
    about: str
    deep: bool = True


class PrivacyPage(QWidget):
    """Shows what there is to know beside the switches.

    Args:
        kept: where data lies.
    """

    #: It is seen: it wants values.
    seen = Signal()
    #: Open this folder (a `Path`).
    open_requested = Signal(object)
    #: See whether the keyring has a token for the hub that is in use.
    look_requested = Signal()

    def __init__(self, kept: Sequence[Kept]) -> None:
        super().__init__()
        self.rows = [KeptRow(each) for each in kept]
        self.look = QPushButton(tr("Look"))
        self.look.setAccessibleName(tr("Look into the keyring"))
        self._keyring = label("", "strong", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE_S, 0, 0)
        layout.setSpacing(SPACE_L + SPACE_S)
        layout.addLayout(_titled(tr("Without a Switch"), _without_switch()))
        layout.addLayout(_titled(tr("Where Your Data Lies"), self._make_data()))
        layout.addLayout(_titled(tr("Keyring"), self._make_keyring()))
        in_order(*(row.open for row in self.rows), self.look)
        self.look.clicked.connect(self.look_requested)
        self.setFocusProxy(self.rows[0].open)

    def _make_data(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(0)
        for number, row in enumerate(self.rows):
            if number:
                column.addWidget(_hairline())
            row.open.clicked.connect(lambda _checked=False, row=row: self.open_requested.emit(row.folder))
            column.addWidget(row)
        return column

    def _make_keyring(self) -> QHBoxLayout:
        note = tr(
            "The access tokens of model hubs are kept by the system's keyring, and in no file of this program. A token "
            "is given and forgotten in Discover, under Access Token. The keys of MCP servers are in mcp.json, beside "
            "the settings."
        )
        said = QVBoxLayout()
        said.setSpacing(SPACE_XS)
        said.addWidget(self._keyring)
        said.addWidget(label(note, "note", wrap=True))
        row = QHBoxLayout()
        row.setContentsMargins(SPACE_L, SPACE_M, SPACE_L, SPACE_M)
        row.setSpacing(SPACE_L)
        row.addLayout(said, 1)
        row.addWidget(self.look, 0, Qt.AlignmentFlag.AlignVCenter)
        return row

    # What it shows

    def show_tokens(self, host: str, hosts: Sequence[str], *, looked: bool) -> None:
        """Show for which hosts a token is known.

        Args:
            host: the hub that is in use.
            hosts: those with a token, as far as the keyring was asked since the program began.
            looked: whether it was asked for that one.
        """
        if hosts:
            said = tr("Token for {hosts}", hosts=one_line(", ".join(hosts), _HOSTS))
        elif looked:
            said = tr("No token for {host}", host=one_line(host, _HOSTS))
        else:
            said = tr("Not asked for {host} since the program began", host=one_line(host, _HOSTS))
        self._keyring.setText(said)
        self.look.setEnabled(not looked)

    @property
    def keyring(self) -> str:
        """What it says of the keyring."""
        return self._keyring.text()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.seen.emit()


class KeptRow(QWidget):
    """Where one kind of data lies, how much it is, and the way there.

    Args:
        kept: that.
    """

    def __init__(self, kept: Kept) -> None:
        super().__init__()
        self.kept = kept
        self.open = QPushButton(tr("Open Folder"))
        self.open.setAccessibleName(tr("Open the folder of {name}", name=kept.name))
        self._size = figure("", "note")
        self._size.setMinimumWidth(scaled(_SIZE_WIDTH))
        self._where = ElidedLabel("note")
        self.show_folder(kept.folder)
        said = QVBoxLayout()
        said.setSpacing(2)
        said.addWidget(label(kept.name, "strong", wrap=True))
        said.addWidget(label(kept.about, "note", wrap=True))
        said.addWidget(self._where)
        ends = QHBoxLayout()
        ends.setSpacing(SPACE_L)
        ends.addStretch()
        ends.addWidget(self._size)
        ends.addWidget(self.open)
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(SPACE_L, SPACE_M, SPACE_L, SPACE_M)
        row.setSpacing(SPACE_L)
        row.addLayout(said, 1)
        row.addLayout(ends)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        fold(self._row, [self._size, self.open], self.width() // 2)

    @property
    def amount(self) -> str:
        """How much it is, as it is said; empty while nobody knows."""
        return self._size.text()

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._folder

    def show_folder(self, folder: Path) -> None:
        """Say where it lies."""
        self._folder = folder
        self._where.setText(str(folder))
        set_tip(self._where, str(folder))

    def show_size(self, size: int) -> None:
        """Say how many bytes it is."""
        self._size.setText(units.file_size(size) if size else tr("empty"))


def _without_switch() -> QVBoxLayout:
    python = (
        tr("It runs in a process that has no network.")
        if sys.platform == "linux"
        else tr("Nothing here keeps it from the network. It is off until you switch that tool on, and asks each time.")
    )
    told = (
        (
            tr("The Program's Own Engine"),
            tr(
                "Chats are answered by a process on this machine. It is asked over 127.0.0.1, which leads to no other "
                "machine, past any proxy, and with a key that no other program has."
            ),
        ),
        (tr("Python That a Model Runs"), python),
        (tr("Links"), tr("Your browser opens them, when you click. Nothing is fetched to show a chat.")),
    )
    column = QVBoxLayout()
    column.setSpacing(0)
    for number, (name, about) in enumerate(told):
        if number:
            column.addWidget(_hairline())
        row = QVBoxLayout()
        row.setContentsMargins(SPACE_L, SPACE_M, SPACE_L, SPACE_M)
        row.setSpacing(SPACE_XS)
        row.addWidget(label(name, "strong", wrap=True))
        row.addWidget(label(about, "note", wrap=True))
        column.addLayout(row)
    return column


def _titled(name: str, inside: QVBoxLayout | QHBoxLayout) -> QVBoxLayout:
    card = QFrame()
    card.setObjectName("card")
    outer = QVBoxLayout(card)
    outer.setContentsMargins(0, 0, 0, 0)
    outer.addLayout(inside)
    column = QVBoxLayout()
    column.setSpacing(SPACE_S)
    column.addWidget(label(name, "title"))
    column.addWidget(card)
    return column


def _hairline() -> QFrame:
    line = QFrame()
    line.setObjectName("hairline")
    line.setFixedHeight(1)
    return line
