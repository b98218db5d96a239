"""Where models are looked for: the program's own folder, those that a person adds, and what other programs hold."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QMessageBox,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.hub.downloads import Downloads
from nodetool_xl_desktop.library.folders import Root
from nodetool_xl_desktop.library.following import Follower
from nodetool_xl_desktop.library.model_file import ModelFile, Place
from nodetool_xl_desktop.library.models import ModelLibrary
from nodetool_xl_desktop.library.moving import give_up, unfinished
from nodetool_xl_desktop.ui.inputs import Check
from nodetool_xl_desktop.ui.models.entries import path_text
from nodetool_xl_desktop.ui.models.move_bar import MoveBar
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import ElidedLabel, label, set_tip
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XL, SPACE_XS, Theme, wide

#: Of folders that could not be opened, so many are named.
MOST_CLOSED = 20


class FoldersDialog(QDialog):
    """Shows the folders with how many models each holds, and changes them. No file is moved unless it is asked for.

    Args:
        theme: the theme in force.
        tasks: runs what touches the disk.
        library: whose folders they are.
        listed: gives the models that are listed, which are counted.
        followers: what is kept of models goes along when they are moved.
        downloads: those that go into the program's own folder; None where there are none.
        parent: the window.
    """

    #: Other folders are looked through now.
    changed = Signal()

    def __init__(
        self,
        theme: Theme,
        tasks: Tasks,
        library: ModelLibrary,
        listed: Callable[[], Sequence[ModelFile]],
        followers: Sequence[Follower],
        downloads: Downloads | None,
        parent: QWidget | None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._tasks, self._library, self._followers = theme, tasks, library, followers
        self._is_over = False
        self._running: set[asyncio.Task[None]] = set()
        self._listed = listed
        self._own: Path | None = None
        self._shown: tuple[Sequence[Root], Counter[Path]] | None = None
        self.setWindowTitle(tr("Model Folders"))
        self.setMinimumWidth(wide(560))
        self.resize(wide(600), 480)
        self.notice = Notice()
        self.leave = QPushButton(tr("Leave Them There"))
        self.leave.setProperty("kind", "link")
        self.leave.setToolTip(tr("They leave the list, unless you add that folder"))
        self.leave.clicked.connect(self._give_up)
        self.leave.hide()
        self.notice.buttons.addWidget(self.leave, 0, Qt.AlignmentFlag.AlignTop)
        self.moving = MoveBar(tasks, library.folders, followers, downloads)
        self.moving.ended.connect(self._moved)
        self.notice.remedy_requested.connect(self._go_on)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(SPACE_XS)
        body = QWidget()
        inside = QVBoxLayout(body)
        inside.setContentsMargins(0, 0, SPACE_S, 0)
        inside.addLayout(self._rows)
        inside.addStretch()
        scroll = _scrolled(body)
        self._add = QPushButton(tr("Add Folder ..."))
        self._add.clicked.connect(lambda: self._ask(tr("Add a folder with models"), self.add_folder))
        close = QPushButton(tr("Close"))
        close.clicked.connect(self.accept)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
        layout.setSpacing(SPACE_M)
        layout.addWidget(label(tr("Model Folders"), "title"))
        words = tr("Models are used where they are. Nothing is copied or moved unless you ask for it.")
        layout.addWidget(label(words, "note", wrap=True))
        layout.addWidget(self.notice)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.moving)
        foot = QHBoxLayout()
        foot.addWidget(self._add)
        foot.addStretch()
        foot.addWidget(close)
        layout.addLayout(foot)
        self._start(self._show())

    def recount(self) -> None:
        """Other models are listed."""
        self._start(self._show())

    def _go_on(self) -> None:
        if self._own is not None:
            self.notice.hide()
            self.moving.move_to(self._own)

    def _give_up(self) -> None:
        self._do(partial(give_up, self._library.folders, self._followers))

    async def _show(self) -> None:
        """Show the folders as they are now; where nothing is other than it was, nothing moves."""
        folders = self._library.folders
        roots, left, self._own = await in_thread(lambda: (folders.roots(), unfinished(folders), folders.own))
        self.leave.setVisible(left is not None)
        if left is not None and not self.moving.is_moving and self.notice.isHidden():
            text = tr("Some models are still in {left}. They are in the list all the same.", left=path_text(left))
            self.notice.tell(tr("A move did not come to its end"), text, remedy=tr("Go On"))
        counts = _counts(roots, self._listed())
        if (roots, counts) == self._shown:
            return
        self._shown = (roots, counts)
        focused = self.focusWidget()
        name = focused.accessibleName() if focused is not None else ""
        self._fill(roots, counts)
        again = next((each for each in self.findChildren(QWidget) if name and each.accessibleName() == name), None)
        if again is not None:
            again.setFocus()

    def _fill(self, roots: Sequence[Root], counts: Counter[Path]) -> None:
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)  # at once: it is deleted when Qt comes to it
                widget.deleteLater()
        headings = {Place.OWN: tr("This Program's Own"), Place.ADDED: tr("Added")}
        shown = ""
        for root in roots:
            heading = headings.get(root.place, tr("Other Programs"))
            if heading != shown:
                self._rows.addWidget(_heading(heading))
                shown = heading
            self._rows.addWidget(self._row(root, counts[root.path]))
        closed = self._library.closed_folders
        if closed:
            self._rows.addWidget(_heading(tr("Could Not Be Opened")))
        for each in closed[:MOST_CLOSED]:
            line = ElidedLabel("note")
            line.setText(f"{one_line(each.why)}: {path_text(each.path)}")
            set_tip(line, path_text(each.path))
            self._rows.addWidget(line)

    def _row(self, root: Root, count: int) -> QWidget:
        row = QFrame()
        row.setProperty("kind", "lined")
        inside = QHBoxLayout(row)
        inside.setContentsMargins(0, SPACE_S, 0, SPACE_S)
        inside.setSpacing(SPACE_M)
        words = QVBoxLayout()
        words.setSpacing(0)
        name = ElidedLabel()
        name.setText(_name(root))
        path = ElidedLabel("note")
        path.setText(path_text(root.path))
        set_tip(path, path_text(root.path))
        words.addWidget(name)
        words.addWidget(path)
        inside.addLayout(words, 1)
        figure = trn("{count} model", "{count:,} models", count) if root.is_there else tr("Not there")
        inside.addWidget(label(figure if root.is_on else tr("Left out"), "note"))
        if root.place is Place.OWN:
            choose = QPushButton(tr("Change ..."))
            choose.setProperty("small", "true")
            choose.clicked.connect(lambda: self._ask(tr("Choose the models folder"), self.choose_own))
            inside.addWidget(choose)
        else:
            inside.addWidget(self._switch(root))
        if root.place is Place.ADDED:
            inside.addWidget(self._remover(root))
        return row

    def _switch(self, root: Root) -> QWidget:
        switch = Check(self._theme, "")
        switch.setAccessibleName(tr("Look through {root}", root=_name(root)))
        switch.show_value(root.is_on)
        which = root.path if root.place is Place.ADDED else root.place
        switch.toggled.connect(lambda is_on: self._do(partial(self._library.folders.set_on, which, is_on)))
        return switch

    def _remover(self, root: Root) -> QWidget:
        remove = QToolButton()
        remove.setProperty("kind", "icon")
        remove.setIcon(self._theme.icon("x"))
        remove.setToolTip(tr("Look through it no longer; the folder stays"))
        remove.setAccessibleName(tr("Remove {root}", root=_name(root)))
        remove.clicked.connect(lambda: self._do(partial(self._library.folders.remove, root.path)))
        return remove

    # What it does

    def _ask(self, title: str, then: Callable[[Path], object]) -> None:
        dialog = QFileDialog(self, title)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda name: then(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def add_folder(self, path: Path) -> None:
        """Look through this folder too."""
        self._do(partial(self._library.folders.add, path))

    def choose_own(self, path: Path) -> None:
        """Ask whether the models go along, and have downloads go there from now on."""
        box = QMessageBox(
            QMessageBox.Icon.NoIcon, "", tr("Move the models along?"), QMessageBox.StandardButton.Cancel, self
        )
        box.setObjectName("moveBox")
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setInformativeText(
            tr(
                "Downloads go to {path} from now on. Models that stay in the old folder leave the list, unless "
                "you add that folder.",
                path=path_text(path),
            )
        )
        move = box.addButton(tr("Move Models"), QMessageBox.ButtonRole.AcceptRole)
        stay = box.addButton(tr("Only New Downloads"), QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(move)
        move.clicked.connect(lambda: self.moving.move_to(path))
        stay.clicked.connect(lambda: self._do(partial(self._library.folders.set_own, path)))
        box.finished.connect(box.deleteLater)
        box.open()

    def _moved(self, problem: UserFacingError | None) -> None:
        self._start(self._tell_moved(problem))
        self.changed.emit()

    async def _tell_moved(self, problem: UserFacingError | None) -> None:
        left = await in_thread(partial(unfinished, self._library.folders))
        if problem is None:
            self.notice.tell(tr("The models have moved"), tone="good")
        else:
            self.notice.tell_error(problem, remedy=tr("Go On") if left is not None else "")
        await self._show()

    def done(self, result: int) -> None:
        """Closing it stops a move, which can go on later; it is deleted once nothing of it runs any more."""
        self._is_over = True
        self.moving.stop()
        super().done(result)
        self._go_if_over()

    def _do(self, work: Callable[[], object]) -> None:
        self._start(self._change(work))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._tasks.start(work, self.notice.tell_error)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._go_if_over()

    def _go_if_over(self) -> None:
        if self._is_over and not self._running and not self.moving.is_moving:
            self.deleteLater()

    async def _change(self, work: Callable[[], object]) -> None:
        try:
            await in_thread(work)
            self.notice.hide()
        finally:
            await self._show()
        self.changed.emit()


def _counts(roots: Sequence[Root], files: Sequence[ModelFile]) -> Counter[Path]:
    """How many models lie in each folder; one in a folder inside another counts for the inner one."""
    found: Counter[Path] = Counter()
    inner_first = sorted(roots, key=lambda root: -len(root.path.parts))
    for file in files:
        inside = (root for root in inner_first if root.place is file.place and file.path.is_relative_to(root.path))
        if (root := next(inside, None)) is not None:
            found[root.path] += 1
    return found


def _name(root: Root) -> str:
    if root.place is Place.OWN:
        return tr("Downloads go here")
    return path_text(Path(root.path.name)) if root.place is Place.ADDED else tr(root.place.value)


def _scrolled(body: QWidget) -> QScrollArea:
    body.setObjectName("detailsAbout")
    made = QScrollArea()
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what gets the keys in it is shown
    made.setWidgetResizable(True)
    made.setWidget(body)
    return made


def _heading(text: str) -> QWidget:
    made = label(text, "author")
    made.setContentsMargins(0, SPACE_L, 0, 0)
    return made
