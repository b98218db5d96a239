"""The models on their way into another folder: how far they are, and a button to stop. Downloads rest meanwhile, and
what has come of them moves too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.hub.downloads import Downloads
from nodetool_xl_desktop.library.folders import ModelFolders
from nodetool_xl_desktop.library.following import Follower
from nodetool_xl_desktop.library.moving import Moved, left_by, move_models
from nodetool_xl_desktop.library.verify import Stopped
from nodetool_xl_desktop.ui.parts import ElidedLabel, figure
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import SPACE_S, SPACE_XS


class MoveBar(QFrame):
    """Hidden while nothing moves.

    Args:
        tasks: runs it.
        folders: whose own folder is changed.
        followers: what is kept of the models goes along.
        downloads: those that go into the folder; None where there are none.
    """

    #: It is over, in one way or another: a `UserFacingError` that says what stayed, or None.
    ended = Signal(object)

    def __init__(
        self, tasks: Tasks, folders: ModelFolders, followers: Sequence[Follower], downloads: Downloads | None
    ) -> None:
        super().__init__()
        self._downloads = downloads
        self._tasks, self._folders, self._followers = tasks, folders, followers
        self._is_stopped = False
        self.is_moving = False
        self._name = ElidedLabel("note")
        self._amount = figure("", "note")
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setRange(0, 1000)
        self._progress.setAccessibleName(tr("Progress of the move"))
        self._stop = QPushButton(tr("Stop"))
        self._stop.setProperty("small", "true")
        self._stop.clicked.connect(self.stop)
        row = QHBoxLayout()
        row.setSpacing(SPACE_S)
        row.addWidget(self._name, 1)
        row.addWidget(self._amount)
        row.addWidget(self._stop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_XS)
        layout.addLayout(row)
        layout.addWidget(self._progress)
        self.hide()

    def move_to(self, folder: Path) -> None:
        """Choose this folder as the own one, and move there what lies in the present one."""
        if not self.is_moving:
            self.is_moving, self._is_stopped = True, False
            self._progress.setValue(0)
            self._name.setText(tr("Looking at the files ..."))
            self._amount.setText("")
            self.show()
            self._tasks.start(self._move(folder))

    def stop(self) -> None:
        """Stop before the next piece: what has arrived stays there."""
        self._is_stopped = True

    async def _move(self, folder: Path) -> None:
        problem: UserFacingError | None = None
        try:
            problem = _stayed(await self._with_downloads(folder))
        except Stopped:
            problem = UserFacingError(tr("The move was stopped"), tr("some models are still in the old folder"))
        except UserFacingError as error:
            problem = error
        finally:
            self._is_stopped = True  # also where the program ends
            self.is_moving = False
        self.hide()
        self.ended.emit(problem)

    async def _with_downloads(self, folder: Path) -> Moved:
        source = await in_thread(lambda: left_by(self._folders, folder))
        rested = await self._downloads.rest() if self._downloads is not None else None
        try:
            moved = await self._move_files(folder, with_downloads=rested is not None)
        except (Stopped, UserFacingError):  # not where the program ends: a person has them go on then
            await self._go_on(source, rested or ())
            raise
        await self._go_on(source, rested or ())
        return moved

    async def _go_on(self, source: Path | None, rested: Sequence[str]) -> None:
        if self._downloads is not None:
            own = await in_thread(lambda: self._folders.own)
            await self._downloads.follow(source or own, own, rested)

    async def _move_files(self, folder: Path, *, with_downloads: bool) -> Moved:
        loop = asyncio.get_running_loop()

        def on_progress(done: int, total: int, path: Path) -> None:
            loop.call_soon_threadsafe(self._show, done, total, path)

        return await in_thread(
            partial(
                move_models,
                self._folders,
                folder,
                on_progress,
                lambda: self._is_stopped,
                with_downloads=with_downloads,
                followers=self._followers,
            )
        )

    def _show(self, done: int, total: int, path: Path) -> None:
        if self.is_moving:
            self._name.setText(tr("Moving {name}", name=one_line(path.name)))
            self._progress.setValue(round(1000 * done / max(1, total)))
            self._amount.setText(tr("{done} of {total}", done=units.file_size(done), total=units.file_size(total)))


def _stayed(moved: Moved) -> UserFacingError | None:
    if not moved.stayed:
        return None
    path, why = next(iter(moved.stayed.items()))
    said = tr("{name}: {why}", name=one_line(path.name), why=one_line(why))
    if more := len(moved.stayed) - 1:
        said = trn("{first}, and {count} more", "{first}, and {count:,} more", more, first=said)
    return UserFacingError(tr("Not all models could be moved"), said)
