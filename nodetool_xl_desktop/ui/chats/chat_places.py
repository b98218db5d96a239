"""Which chats the list shows: all, those of a folder or with a tag, the archive or the trash; and the folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QInputDialog, QMenu, QMessageBox, QToolButton, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.chats import EVERYTHING, Shown
from nodetool_xl_desktop.store.records import Folder
from nodetool_xl_desktop.ui.parts import caption, size_icon
from nodetool_xl_desktop.ui.theme import Theme
from nodetool_xl_desktop.ui.words import shortened

ARCHIVE = Shown(archived=True)
TRASH = Shown(trash=True, archived=None)
_INDENT = "    "


def nested(folders: Sequence[Folder]) -> Iterator[tuple[int, Folder]]:
    """Each folder after the one that it lies in, with how deep it lies; 0 for those outside of any."""
    ids = {folder.id for folder in folders}

    def below(parent: str | None, depth: int) -> Iterator[tuple[int, Folder]]:
        for folder in folders:
            if (folder.parent if folder.parent in ids else None) == parent:
                yield depth, folder
                yield from below(folder.id, depth + 1)

    return below(None, 0)


def ask_name(parent: QWidget, title: str, name: str, then: Callable[[str], object]) -> None:
    """Ask for a name; `then` hears of it, without spaces around it, where there is one."""
    dialog = QInputDialog(parent)
    dialog.setWindowTitle(title)
    dialog.setLabelText(tr("Name"))
    dialog.setTextValue(name)
    dialog.setMinimumWidth(320)
    dialog.textValueSelected.connect(lambda text: then(text.strip()) if text.strip() else None)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


def ask_whether(parent: QWidget, question: str, text: str, yes: str, then: Callable[[], object]) -> None:
    """Ask before something that cannot be undone; `then` is called where the answer is yes."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, "", question, QMessageBox.StandardButton.Cancel, parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText(text)
    agree = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(QMessageBox.StandardButton.Cancel)
    agree.clicked.connect(then)
    box.finished.connect(box.deleteLater)
    box.open()


class PlaceButton(QToolButton):
    """Says which chats are shown, and offers the others."""

    #: Show these: a `Shown`.
    chosen = Signal(object)
    #: Of this name, in the folder with this id; None outside of any.
    new_folder_requested = Signal(str, object)
    #: Give the folder with this id that name.
    rename_folder_requested = Signal(str, str)
    #: Remove the folder with this id; its chats stay.
    remove_folder_requested = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.shown = EVERYTHING
        self.folders: tuple[Folder, ...] = ()
        self.tags: tuple[str, ...] = ()
        self.setProperty("kind", "quiet")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the caret stands behind the name
        size_icon(self, 12)
        menu = QMenu(self)
        menu.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        menu.aboutToShow.connect(self._fill)
        self.setMenu(menu)
        theme.changed.connect(self._show)
        self._show()

    def show_places(self, folders: Sequence[Folder], tags: Sequence[str]) -> None:
        """Offer these. What is shown and not there any more gives way to all chats, and that is told."""
        self.folders, self.tags = tuple(folders), tuple(tags)
        if self.shown.folder not in {None, *(folder.id for folder in folders)} or self.shown.tag not in {None, *tags}:
            self.choose(EVERYTHING)
        self._show()

    def choose(self, shown: Shown) -> None:
        """Show these chats."""
        if shown != self.shown:
            self.shown = shown
            self._show()
            self.chosen.emit(shown)

    @property
    def name(self) -> str:
        """What is shown, in words."""
        if self.shown.folder is not None:
            return next((folder.name for folder in self.folders if folder.id == self.shown.folder), tr("Folder"))
        if self.shown.tag is not None:
            return self.shown.tag
        return tr("Trash") if self.shown.trash else tr("Archived") if self.shown.archived else tr("All Chats")

    def _show(self) -> None:
        self.setText(caption(self.name, 26))
        self.setIcon(self._theme.icon("caret-down"))
        self.setAccessibleName(tr("Shown: {name}", name=self.name))

    def _fill(self) -> None:
        menu = self.menu()
        menu.clear()

        def add(text: str, icon: str, work: Callable[[], object]) -> None:
            action = menu.addAction(self._theme.icon(icon), text)
            action.triggered.connect(lambda _checked=False: work())

        def place(text: str, icon: str, shown: Shown) -> None:
            add(text, "check" if shown == self.shown else icon, lambda: self.choose(shown))

        place(tr("All Chats"), "chats", EVERYTHING)
        for depth, folder in nested(self.folders):
            place(f"{_INDENT * depth}{caption(folder.name)}", "folder", Shown(folder=folder.id))
        if self.tags:
            menu.addSeparator()
        for tag in self.tags:
            place(caption(tag), "tag", Shown(tag=tag))
        menu.addSeparator()
        place(tr("Archived"), "archive", ARCHIVE)
        place(tr("Trash"), "trash", TRASH)
        menu.addSeparator()
        self._add_folder_actions(add)

    def _add_folder_actions(self, add: Callable[[str, str, Callable[[], object]], None]) -> None:
        held = next((folder for folder in self.folders if folder.id == self.shown.folder), None)
        inside = held.id if held else None
        new = tr("New Folder in This One ...") if held else tr("New Folder ...")
        add(new, "folder-plus", lambda: self.ask_new_folder(lambda name: self.new_folder_requested.emit(name, inside)))
        if held is None:
            return
        rename = self.rename_folder_requested.emit
        add(
            tr("Rename Folder ..."),
            "pencil-simple",
            lambda: ask_name(self.window(), tr("Rename Folder"), held.name, lambda name: rename(held.id, name)),
        )
        add(tr("Remove Folder ..."), "folder-minus", lambda: self._ask_remove(held))

    def ask_new_folder(self, then: Callable[[str], object]) -> None:
        """Ask for the name of a new folder."""
        ask_name(self.window(), tr("New Folder"), "", then)

    def _ask_remove(self, folder: Folder) -> None:
        ask_whether(
            self.window(),
            tr("Remove the folder “{name}”?", name=shortened(folder.name)),
            tr("Its chats stay, outside of any folder."),
            tr("Remove Folder"),
            lambda: self.remove_folder_requested.emit(folder.id),
        )
