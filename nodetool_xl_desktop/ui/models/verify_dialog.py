"""Whether the files of a model are what they should be: read, hashed, and held against what is known of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from PySide6.QtWidgets import QDialog, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.library.model_file import ModelFile
from nodetool_xl_desktop.library.origins import Origins
from nodetool_xl_desktop.library.verify import Stopped, Verified, verify
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import figure, label
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XL

#: Asks a hub for the SHA-256 of a file of this disk; None where it does not know the file.
AskHub = Callable[[Path], Awaitable[str | None]]


class VerifyDialog(QDialog):
    """Begins at once; closing it stops the reading.

    Args:
        tasks: runs it.
        file: the model.
        origins: of what the program downloaded.
        ask_hub: for the hash where this disk does not know it; None where nobody can be asked.
        parent: the window.
    """

    def __init__(
        self, tasks: Tasks, file: ModelFile, origins: Origins, ask_hub: AskHub | None, parent: QWidget | None
    ) -> None:
        super().__init__(parent)
        self._file, self._origins, self._ask_hub = file, origins, ask_hub
        self._is_stopped = False
        self.setWindowTitle(tr("Verify"))
        self.setMinimumWidth(580)  # a hash takes 64 letters
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setRange(0, 1000)
        self._progress.setAccessibleName(tr("Progress"))
        self._amount = figure("", "note")
        self._state = label(tr("Reading its files ..."), "note")
        self.notice = Notice()
        self._hashes = label("", "note", wrap=True, selects=True)
        self._hashes.hide()
        self._stop = QPushButton(tr("Stop"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
        layout.setSpacing(SPACE_M)
        layout.addWidget(label(one_line(file.full_title), "title", wrap=True))
        row = QHBoxLayout()
        row.setSpacing(SPACE_S)
        row.addWidget(self._state, 1)
        row.addWidget(self._amount)
        layout.addLayout(row)
        layout.addWidget(self._progress)
        layout.addWidget(self.notice)
        layout.addWidget(self._hashes)
        layout.addStretch()
        foot = QHBoxLayout()
        foot.addStretch()
        foot.addWidget(self._stop)
        layout.addLayout(foot)
        self._stop.clicked.connect(self.reject)
        self.finished.connect(self._end)
        tasks.start(self._run())

    def _end(self) -> None:
        self._is_stopped = True

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()

        def on_progress(done: int, total: int) -> None:
            loop.call_soon_threadsafe(self._show_progress, done, total)

        files = self._file.files or (self._file.path,)
        try:
            found = await in_thread(lambda: verify(files, self._origins, on_progress, lambda: self._is_stopped))
            wanted = await self._asked(found)
        except Stopped:
            return
        except UserFacingError as error:
            if self._is_stopped:
                return
            self._show_end(tr("It could not be verified"))
            self.notice.tell_error(error)
            self.adjustSize()
            return
        finally:  # also where the program ends
            was_closed, self._is_stopped = self._is_stopped, True
        if not was_closed:
            self._show_found(found, wanted)

    async def _asked(self, found: list[Verified]) -> dict[Path, tuple[str, str]]:
        """The hash that each file should have and who says so, for those where anybody does."""
        wanted = {}
        for each in found:
            if each.expected is not None:
                wanted[each.path] = (each.expected.sha256, each.expected.said_by)
            elif self._ask_hub is not None and not self._is_stopped:
                self._state.setText(tr("Asking the hub for the hash ..."))
                if said := await self._ask_hub(each.path):
                    wanted[each.path] = (said.lower(), tr("the hub"))
        return wanted

    def _show_progress(self, done: int, total: int) -> None:
        if not self._is_stopped:
            self._progress.setValue(round(1000 * done / max(1, total)))
            self._amount.setText(tr("{done} of {total}", done=units.file_size(done), total=units.file_size(total)))

    def _show_end(self, says: str) -> None:
        self._state.setText(says)
        self._progress.setValue(1000)
        self._stop.setText(tr("Close"))

    def _show_found(self, found: list[Verified], wanted: dict[Path, tuple[str, str]]) -> None:
        self._show_end(tr("All of it was read"))
        wrong = [each for each in found if each.path in wanted and wanted[each.path][0] != each.sha256]
        unknown = [each for each in found if each.path not in wanted]
        by = ", ".join(dict.fromkeys(said_by for _, said_by in wanted.values()))
        if wrong:
            names = ", ".join(one_line(each.path.name) for each in wrong)
            self.notice.tell(
                tr("It is damaged"), tr("{names}: not what {by} says. Fetch it again.", names=names, by=by), tone="bad"
            )
        elif unknown:
            text = tr("Nobody says what its hash should be. Compare the one below with the page that it came from.")
            self.notice.tell(tr("It was read without an error"), text, tone="plain")
        else:
            self.notice.tell(
                tr("It is right to the byte"), tr("Its SHA-256 is the one that {by} names.", by=by), tone="good"
            )
        self._hashes.setText("\n".join(f"{one_line(each.path.name)}\n{each.sha256}" for each in found))
        self._hashes.show()
        self.adjustSize()
