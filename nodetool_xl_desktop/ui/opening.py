"""Everything that is opened comes through here: what is dropped or pasted, typed as an address, named on the command
line, handed over by a program that was started later, or asked for by the system.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, Signal
from PySide6.QtGui import QFileOpenEvent, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.address import Address, LocalPath, parse_place
from nodetool_xl_desktop.hub.errors import BadName
from nodetool_xl_desktop.hub.named import Named
from nodetool_xl_desktop.ui.drop_overlay import DropOverlay, dropped_text, split_drop
from nodetool_xl_desktop.ui.open_address import OpenAddress
from nodetool_xl_desktop.ui.parts import file_kinds
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread


@dataclass(frozen=True, slots=True)
class Sorted:
    """What is to be opened, by what is done with it.

    Attributes:
        models: files that are listed, and the last of them selected.
        folders: are added to My Models.
        files: go with the message.
        places: addresses and names of repositories.
    """

    models: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()
    files: tuple[Path, ...] = ()
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Meant:
    """What a dropped or pasted text names.

    Attributes:
        named: to be opened.
        called: for people.
        is_sure: whether nobody could mean something else by it, as with "and/or".
    """

    named: Named
    called: str
    is_sure: bool


class Opening(QObject):
    """Finds out what each of it is, beside the window's thread, and says what is to be done.

    Args:
        window: whose clipboard key it hears.
        overlay: says what a drop will do.
        tasks: where the disk is looked at.
        endpoint: the address of the hub; gives None for the usual one.
    """

    #: List these model files, and select the last of them (a list of `Path`).
    models_opened = Signal(list)
    #: Add these folders to My Models (a list of `Path`).
    folders_dropped = Signal(list)
    #: Attach these files to the message (a list of `Path`).
    files_dropped = Signal(list)
    #: Show what lies at this address, or is called so on the hub; `hub.address.parse_place` reads it.
    place_dropped = Signal(str)

    def __init__(
        self, window: QWidget, overlay: DropOverlay, tasks: Tasks, endpoint: Callable[[], str | None] = lambda: None
    ) -> None:
        super().__init__(window)
        self._window = window
        self._overlay = overlay
        self._tasks = tasks
        self._endpoint = endpoint
        self.dialog: OpenAddress | None = None
        keys = QShortcut(QKeySequence.StandardKey.Paste, window)  # a text that can be written takes it for itself
        keys.activated.connect(self.paste)

    # Ways in

    def hover(self, data: QMimeData) -> bool:
        """Something is dragged over the window: say what a drop will do; returns whether it does anything."""
        models, files = split_drop(data)
        meant = None if models or files else self._meant(data)
        if not models and not files and meant is None:
            return False
        self._overlay.show_for(models, files, meant.called if meant is not None else "")
        return True

    def take(self, data: QMimeData) -> bool:
        """Open what was dropped, or pasted outside of any text; returns whether there is anything to open."""
        models, files = split_drop(data)
        if models or files:
            self._tasks.start(self._open([*models, *files], may_attach=True))
            return True
        meant = self._meant(data)
        if meant is None:
            return False
        if meant.is_sure:
            self._tasks.start(self._open_or_ask(meant, dropped_text(data)))
        else:
            self.ask_address(dropped_text(data))
        return True

    def paste(self) -> None:
        """Open what the clipboard holds, where it is something to open."""
        self.take(QGuiApplication.clipboard().mimeData())

    def open(self, named: Sequence[Named]) -> asyncio.Task[None]:
        """Open what was named; whatever is no folder and no address is taken for a model, which is looked into."""
        return self._tasks.start(self._open(named))

    def ask_address(self, text: str = "") -> OpenAddress:
        """Open the dialog that asks what to open, with this text in it."""
        if self.dialog is not None:
            self.dialog.activateWindow()
            return self.dialog
        dialog = self.dialog = OpenAddress(self._tasks, self._endpoint, self._window)
        dialog.opened.connect(lambda named: self.open([named]))
        dialog.finished.connect(self._asked)
        dialog.ask(text)
        return dialog

    def ask_for_files(self) -> None:
        """Open the dialog of the system that asks for model files."""
        dialog = QFileDialog(self._window, tr("Open a model"), "", file_kinds((tr("Models"), "*.gguf")))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self.models_opened.emit([Path(name) for name in names]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # What it is

    def pass_on(self, what: Sorted) -> None:
        """Say what is to be done with it."""
        if what.folders:
            self.folders_dropped.emit(list(what.folders))
        if what.models:
            self.models_opened.emit(list(what.models))
        if what.files:
            self.files_dropped.emit(list(what.files))
        for place in what.places:
            self.place_dropped.emit(place)

    async def _open(self, named: Sequence[Named], *, may_attach: bool = False) -> None:
        self.pass_on(await in_thread(partial(sort, named, may_attach=may_attach)))

    async def _open_or_ask(self, meant: Meant, text: str) -> None:
        path = meant.named
        if isinstance(path, Path) and not await in_thread(path.exists):
            self.ask_address(text)  # it says that there is no such file
        else:
            await self._open([path], may_attach=True)

    def _meant(self, data: QMimeData) -> Meant | None:
        return meant_by(dropped_text(data), self._endpoint())

    def _asked(self) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
            self.dialog = None


class Application(QApplication):
    """The program, as the system sees it: macOS asks it to open files that were opened in the Finder."""

    #: Open this (a `Path` or the text of an address).
    file_asked = Signal(object)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent):
            url = event.url()
            self.file_asked.emit(Path(url.toLocalFile()) if url.isLocalFile() else url.toString())
            return True
        return super().event(event)


def sort(named: Sequence[Named], *, may_attach: bool = False) -> Sorted:
    """Sort what is to be opened by what it is. Looks at the disk, and may block.

    Args:
        named: in its order, which is kept.
        may_attach: whether files that are not called .gguf go with the message; else all files are for My Models.
    """
    found: dict[str, list[Path]] = {"models": [], "folders": [], "files": []}
    for path in (each for each in named if isinstance(each, Path)):
        if path.is_dir():
            found["folders"].append(path)
        else:
            found["files" if may_attach and path.suffix.lower() != ".gguf" else "models"].append(path)
    places = tuple(each for each in named if isinstance(each, str))
    return Sorted(tuple(found["models"]), tuple(found["folders"]), tuple(found["files"]), places)


def meant_by(text: str, endpoint: str | None = None) -> Meant | None:
    """What a text that was dropped or pasted names; None where it is just a text. Does not look at the disk."""
    if not text:
        return None
    try:
        place = parse_place(text, endpoint)
    except BadName:
        return None
    match place:
        case LocalPath(path):
            return Meant(path, path.name, path.is_absolute())
        case Address():  # any page of the web is one
            return Meant(text, place.name, True) if place.name.lower().endswith(".gguf") else None
    is_sure = "://" in text or "gguf" in text.lower() or bool(place.quantization) or text.count("/") > 1
    return Meant(text, place.file or place.repo_id, is_sure)
