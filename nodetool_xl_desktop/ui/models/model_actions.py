"""What can be done with the models that are selected: the menu and the keys, the same in the cards and in the table."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QMenu, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.library.model_file import ModelFile, Place
from nodetool_xl_desktop.ui.action import Where
from nodetool_xl_desktop.ui.action_places import of_key, with_keys
from nodetool_xl_desktop.ui.chats.chat_places import ask_name
from nodetool_xl_desktop.ui.models.model_rows import ModelRows
from nodetool_xl_desktop.ui.models.model_selection import ModelSelection
from nodetool_xl_desktop.ui.parts import caption

#: Whose files are not ours to move: the store of each keeps books about them.
KEPT_BY_OTHERS = {
    Place.HUGGING_FACE: tr(
        "the Hugging Face cache shares its files between versions; use its own command (hf cache delete) to remove it"
    ),
    Place.OLLAMA: tr("Ollama shares its files between models; remove it there (ollama rm)"),
}
LONGEST_TAG = 40


class ModelActions(QObject):
    """Offers them, and says what was chosen; `LibraryFlow` does it.

    Args:
        rows: the models there are.
        selection: those that it is about.
        parent: of its menus and dialogs.
    """

    load_requested = Signal(object)
    #: A person says something of models: the files, and the fields of `About` that change.
    about_requested = Signal(object, object)
    details_requested = Signal()
    #: Show this model's notes, with the keys in them.
    notes_requested = Signal()
    show_requested = Signal(object)
    verify_requested = Signal(object)
    trash_requested = Signal(object)
    #: Forget this path; its file stays.
    remove_requested = Signal(object)

    def __init__(self, rows: ModelRows, selection: ModelSelection, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows, self._selection, self._parent = rows, selection, parent
        self.can_verify = False

    @property
    def menu(self) -> QMenu | None:
        """The menu that is open."""
        return next((each for each in self._parent.findChildren(QMenu, "modelMenu") if each.isVisible()), None)

    def show_menu(self, place: QPoint) -> None:
        """Open the menu there, in coordinates of the screen."""
        files = self._selection.files
        if not files:
            return
        menu = QMenu(self._parent)
        menu.setObjectName("modelMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.fill(menu, files)
        menu.popup(place)

    def fill(self, menu: QMenu, files: Sequence[ModelFile]) -> None:
        """Offer what can be done with these."""

        def add(text: str, work: Callable[[], object], *, is_on: bool = True) -> None:
            action = menu.addAction(text)
            action.setEnabled(is_on)
            action.triggered.connect(lambda _checked=False: work())

        only = files[0] if len(files) == 1 else None
        if only is not None:
            add(with_keys("listed_model.load"), lambda: self.load(only), is_on=only.trouble is None)
            add(tr("Details"), self.details_requested.emit)
            menu.addSeparator()
        starred = all(file.about.favourite for file in files)
        star = tr("Remove from Favourites") if starred else tr("Add to Favourites")
        add(with_keys("listed_model.favourite", star), self.favourite)
        if only is not None:
            add(with_keys("listed_model.rename"), self.rename)
        self._fill_tags(menu.addMenu(tr("Tags")), files)
        if only is not None:
            add(tr("Notes"), self.notes_requested.emit)
            menu.addSeparator()
            add(tr("Show in Folder"), lambda: self.show_requested.emit(only.path))
        add(with_keys("listed_model.copy", "" if only is not None else tr("Copy Paths")), self.copy_paths)
        if only is not None and self.can_verify:
            add(tr("Verify ..."), lambda: self.verify_requested.emit(only), is_on=only.trouble is None)
        menu.addSeparator()
        opened = [file for file in files if file.place is Place.OPENED]
        if opened:
            add(tr("Remove from List"), lambda: self._remove(opened))
        add(with_keys("listed_model.trash"), self.trash)

    def _fill_tags(self, menu: QMenu, files: Sequence[ModelFile]) -> None:
        tags = sorted({tag for entry in self._rows.all for tag in entry.file.about.tags}, key=str.casefold)
        for tag in tags:
            action = menu.addAction(caption(tag))
            action.setCheckable(True)
            held = all(tag in file.about.tags for file in files)
            action.setChecked(held)
            action.triggered.connect(lambda _checked, tag=tag, held=held: self._tag(files, tag, is_on=not held))
        if tags:
            menu.addSeparator()
        new = menu.addAction(tr("New Tag ..."))
        new.triggered.connect(
            lambda: ask_name(self._parent.window(), tr("New Tag"), "", lambda tag: self._tag(files, tag, is_on=True))
        )

    # What it does

    def take_key(self, event: QKeyEvent) -> bool:
        """Do what a key of the list asks for; whether it was one."""
        files = self._selection.files
        if not files:
            return False
        match of_key(Where.MODEL, event):
            case "listed_model.load":
                self.load(files[0])
            case "listed_model.rename":
                self.rename()
            case "listed_model.trash":
                self.trash()
            case "listed_model.copy":
                self.copy_paths()
            case "listed_model.favourite":
                self.favourite()
            case _:
                return False
        return True

    def load(self, file: ModelFile) -> None:
        """Load a model; one with a trouble says in the fit panel what that is."""
        if file.trouble is None:
            self.load_requested.emit(file.path)

    def favourite(self) -> None:
        """Make what is selected favourites, or none where all of it are."""
        files = self._selection.files
        self.about_requested.emit(files, {"favourite": not all(file.about.favourite for file in files)})

    def rename(self) -> None:
        """Ask for another name for what is selected; its file keeps its own."""
        files = self._selection.files
        if len(files) != 1:
            return
        (file,) = files
        ask_name(
            self._parent.window(),
            tr("Rename Model"),
            file.title,
            lambda title: self.about_requested.emit([file], {"title": title}),
        )

    def copy_paths(self) -> None:
        """Put the paths of what is selected onto the clipboard, a line each."""
        # What is no text in a name cannot be on a clipboard of text.
        paths = [os.fsencode(file.path).decode("utf-8", "replace") for file in self._selection.files]
        QGuiApplication.clipboard().setText("\n".join(paths))

    def _remove(self, files: Iterable[ModelFile]) -> None:
        for file in files:
            self.remove_requested.emit(file.path)

    def trash(self) -> None:
        """Ask for what is selected to be moved to the trash."""
        if files := self._selection.files:
            self.trash_requested.emit(files)

    def _tag(self, files: Iterable[ModelFile], tag: str, *, is_on: bool) -> None:
        tag = " ".join(tag.split())[:LONGEST_TAG]
        for file in files:
            others = tuple(each for each in file.about.tags if each != tag)
            self.about_requested.emit([file], {"tags": (*others, tag) if is_on else others})
