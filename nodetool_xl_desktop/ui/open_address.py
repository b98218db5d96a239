"""The dialog that asks for one thing to open, wherever it lies, and says what it is while one types."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.address import Address, LocalPath, RepositoryAddress, parse_place
from nodetool_xl_desktop.hub.endpoint import host_of, hub_of
from nodetool_xl_desktop.hub.errors import BadName
from nodetool_xl_desktop.hub.named import Named
from nodetool_xl_desktop.ui.parts import caption, field, label, restyle
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XL, scaled, wide

WIDTH, HEIGHT = 560, 26
#: What is said of an address takes no more.
LINES = 3
#: After the last key the disk is looked at, in milliseconds.
REST_MS = 150
LONGEST = 4096
USUAL = tr("A file or a folder of this machine, the address of a page or file on a model hub, or organisation/name.")
_MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True)
class Look:
    """What a text names.

    Attributes:
        words: for people; empty where nothing was typed.
        named: what would be opened; None where that is nothing.
        tone: of the words.
    """

    words: str = ""
    named: Named | None = None
    tone: str = "muted"


class OpenAddress(QDialog):
    """Asks, and stays open until something was opened.

    Args:
        tasks: where the disk is looked at.
        endpoint: the address of the hub; gives None for the usual one.
        parent: the window.
    """

    #: Open this (a `Path`, or the text of an address).
    opened = Signal(object)

    def __init__(self, tasks: Tasks, endpoint: Callable[[], str | None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Open Address"))
        self._tasks = tasks
        self._endpoint = endpoint
        self._looks = 0
        self.edit = QLineEdit()
        self.edit.setFrame(False)
        self.edit.setFixedHeight(scaled(HEIGHT))
        self.edit.setProperty("kind", "value")
        self.edit.setObjectName("address")
        self.edit.setMaxLength(LONGEST)
        self.edit.setPlaceholderText(tr("~/models, hf.co/org/repo, org/repo:Q4_K_M ..."))
        self.edit.setAccessibleName(tr("Path, address, or organisation/name"))
        self._words = label("", wrap=True)
        self.open_button, self._cancel = QPushButton(tr("Open")), QPushButton(tr("Cancel"))
        self.open_button.setProperty("kind", "primary")
        self.open_button.setDefault(True)
        self._cancel.setAutoDefault(False)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._lay_out()
        self._rest.timeout.connect(self._look)
        self.edit.textChanged.connect(self._typed)
        self.edit.returnPressed.connect(lambda: tasks.start(self._open()))  # the button waits for the disk
        self.open_button.clicked.connect(lambda: tasks.start(self._open()))
        self._cancel.clicked.connect(self.reject)
        self._show(Look())

    def ask(self, text: str = "") -> None:
        """Show it, with this text."""
        self.edit.setText(text)
        self.edit.selectAll()
        self.edit.setFocus()
        self.open()

    @property
    def words(self) -> str:
        """What it says of what was typed."""
        return self._words.text()

    def _typed(self) -> None:
        self._looks += 1  # what is being looked at is not what stands there
        self._rest.start()
        if not self.edit.text().strip():
            self._show(Look())

    def _look(self) -> None:
        self._tasks.start(self._looked())

    async def _looked(self) -> Look | None:
        """Look, and show it, unless something else was typed meanwhile."""
        self._rest.stop()
        self._looks += 1
        number = self._looks
        found = await in_thread(partial(look, self.edit.text(), self._endpoint()))
        if number != self._looks or self.isHidden():
            return None
        self._show(found)
        return found

    async def _open(self) -> None:
        found = await self._looked()  # what was typed a moment ago
        if found is not None and found.named is not None:
            self.accept()
            self.opened.emit(found.named)

    def _show(self, found: Look) -> None:
        self._words.setText(found.words or USUAL)
        self.edit.setAccessibleDescription(found.words or USUAL)
        restyle(self._words, "tone", found.tone)
        self.open_button.setEnabled(found.named is not None)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_S)
        buttons.addStretch()
        buttons.addWidget(self._cancel)
        buttons.addWidget(self.open_button)
        self._words.setAlignment(Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_L)
        layout.setSpacing(SPACE_M)
        layout.addWidget(label(tr("Open Address"), "title"))
        layout.addWidget(field(self.edit))
        layout.addWidget(self._words)
        layout.addLayout(buttons)

    def showEvent(self, event: QShowEvent) -> None:
        """In the letters of now, which are known when it is shown."""
        self.setFixedWidth(wide(WIDTH))
        self._words.setFixedHeight(LINES * self._words.fontMetrics().lineSpacing())  # so that nothing jumps
        self.setFixedHeight(self.sizeHint().height())
        super().showEvent(event)


def look(text: str, endpoint: str | None = None) -> Look:
    """What a text names: what lies here under that name goes before a repository. Looks at the disk, and may block."""
    if not (bare := text.strip()):
        return Look()
    for path in (Path(text), Path(bare)):
        if "\0" not in text and path != Path() and os.path.lexists(path):
            return _look_here(path.absolute())
    try:
        place = parse_place(text, endpoint)
    except BadName as error:
        return Look(error.explanation or str(error))
    match place:
        case LocalPath(path):
            return _look_here(path.absolute())
        case RepositoryAddress():
            return Look(_of_repository(place, host_of(hub_of(endpoint))), bare)
        case Address():
            is_model = place.name.lower().endswith(".gguf")
            name = caption(place.name, 80).replace("&&", "&")
            says = tr("{name} on {host}.", name=name, host=place.host)
            if not is_model:
                says += " " + tr("Its name does not end in .gguf: it may be no model.")
            return Look(says, bare, "muted" if is_model else "warning")


def _of_repository(place: RepositoryAddress, host: str) -> str:
    if place.file is not None:
        name = caption(place.file, 120).replace("&&", "&")
        return tr("A model of {repo_id} on {host}: {name}.", repo_id=place.repo_id, host=host, name=name)
    if place.quantization:
        return tr(
            "The repository {repo_id} on {host}, and in it {quantization}.",
            repo_id=place.repo_id,
            host=host,
            quantization=place.quantization,
        )
    return tr("The repository {repo_id} on {host}.", repo_id=place.repo_id, host=host)


def _look_here(path: Path) -> Look:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return Look(tr("A folder: the models in it are listed in My Models, and stay where they are."), path)
        if not stat.S_ISREG(status.st_mode):
            return Look(tr("This is neither a file nor a folder."), None, "bad")
        with path.open("rb") as stream:
            is_model = stream.read(len(_MAGIC)) == _MAGIC
    except (FileNotFoundError, NotADirectoryError):
        return Look(tr("There is no such file or folder on this machine."), None, "bad")
    except (OSError, ValueError) as error:
        return Look(
            tr(
                "It cannot be opened: {why}.", why=getattr(error, "strerror", None) or tr("it can be no name of a file")
            ),
            None,
            "bad",
        )
    size = units.file_size(status.st_size)
    return (
        Look(tr("A model file, {size}.", size=size), path)
        if is_model
        else Look(tr("A file, {size}: no model.", size=size), path, "warning")
    )
