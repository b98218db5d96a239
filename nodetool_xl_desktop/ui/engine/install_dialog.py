"""The dialog that installs an engine: what it is and where it comes from is shown before anything is written for good.

One coroutine goes through it all: the page of a server, the wheel, the person's word, the files, a first start. Closing
the dialog ends it wherever it stands, and nothing is left but what has come of a wheel: the next attempt goes on there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QProgressBar, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.backstage import Backstage
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.threads import to_its_end
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine import wheel_index
from nodetool_xl_desktop.engine.engines import Engines, Installed
from nodetool_xl_desktop.engine.errors import EngineError
from nodetool_xl_desktop.engine.in_use import InUse
from nodetool_xl_desktop.engine.trial import try_engine
from nodetool_xl_desktop.engine.wheel_file import Stopped, WheelFile, look_into
from nodetool_xl_desktop.engine.wheel_index import Offer
from nodetool_xl_desktop.ui.discover.fitting import FittingDialog
from nodetool_xl_desktop.ui.engine.facts import Facts
from nodetool_xl_desktop.ui.inputs import Combo, in_order
from nodetool_xl_desktop.ui.motion import show_busy
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import field, figure, label
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XL, Theme

WIDTH = 660  # a hash takes 64 letters
LONGEST_ADDRESS = 2000
#: So many of its last words are shown of an engine that did not start.
LOG_LINES = 6
#: The progress is shown at most so often, in seconds.
SHOWN_EVERY_S = 0.1


class InstallDialog(FittingDialog):
    """Installs one engine. It is made for one time.

    Args:
        theme: the theme in force.
        tasks: runs it.
        engines: where it is installed.
        backstage: the thread that fetches.
        parent: the window.
    """

    #: It is installed, was tried, and is the one in use: an `Installed`.
    installed = Signal(object)

    def __init__(
        self, theme: Theme, tasks: Tasks, engines: Engines, backstage: Backstage, parent: QWidget | None
    ) -> None:
        super().__init__(tr("Install an Engine"), WIDTH, parent)
        self._tasks, self._engines, self._backstage = tasks, engines, backstage
        self._is_stopped = False
        self._offers: dict[str, Offer] = {}
        self._shown_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[None] | None = None
        self._title = label("", "title", wrap=True)
        self._text = label("", wrap=True)
        self.edit = QLineEdit()
        self._field = field(self.edit)
        self.versions = Combo(theme, tr("Version"))
        self._versions_field = field(self.versions)
        self.facts = Facts()
        self._progress = QProgressBar()
        self._amount = figure("", "note")
        self.notice = Notice()
        self._log = label("", wrap=True)
        self.cancel, self.go = QPushButton(tr("Cancel")), QPushButton()
        self._lay_out()
        self.cancel.clicked.connect(self.reject)
        self.go.clicked.connect(self._agree)
        self.edit.textChanged.connect(self._typed)
        self.versions.currentIndexChanged.connect(self._show_offer)
        self.finished.connect(self._end)

    def _lay_out(self) -> None:
        self.edit.setFrame(False)
        self.edit.setMaxLength(LONGEST_ADDRESS)
        self.edit.setProperty("kind", "value")
        self.edit.setPlaceholderText("https://")
        self.edit.setAccessibleName(tr("Address"))
        self._progress.setTextVisible(False)
        self._progress.setRange(0, 1000)
        self._progress.setAccessibleName(tr("Progress"))
        self._log.setObjectName("command")
        self.go.setProperty("kind", "primary")
        self.go.setDefault(True)
        self.cancel.setAutoDefault(False)
        foot = QHBoxLayout()
        foot.setSpacing(SPACE_S)
        foot.addWidget(self._amount)
        foot.addStretch()
        foot.addWidget(self.cancel)
        foot.addWidget(self.go)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
        layout.setSpacing(SPACE_M)
        parts = (self._title, self._text, self._field, self._versions_field, self.facts)
        for part in (*parts, self.notice, self._log, self._progress):
            layout.addWidget(part)
        layout.addStretch()
        layout.addLayout(foot)
        in_order(self.edit, self.versions, self.go, self.cancel)

    # The ways in

    def from_file(self, file: Path) -> None:
        """Install this wheel, after asking."""
        self._show(tr("Install an Engine"), tr("Reading {file} ...", file=one_line(file.name, 80)), is_busy=True)
        self.open()
        self._start(partial(self._from_file, file))

    def from_address(self, address: str = "") -> None:
        """Ask for an address, which may be given, and install what is there."""
        self.edit.setText(address)
        self._ask_address()
        self.open()
        self.edit.setFocus()

    async def _from_file(self, file: Path) -> None:
        wheel = await self._looked_into(file, str(file))
        await self._agreed(wheel, str(file), None)
        await self._install(wheel, str(file))

    async def _from_address(self, address: str) -> None:
        self._show(tr("Install an Engine"), tr("Asking {address} ...", address=one_line(address, 200)), is_busy=True)
        offers = await self._backstage.do(partial(wheel_index.offers, address))
        offer = await self._chosen(offers)
        async with self._workplace() as beside:
            self._show(tr("Install an Engine"), tr("Downloading {file} ...", file=offer.name.file), is_busy=True)
            fetch = partial(wheel_index.fetch, offer, self._engines.coming, beside, self._from_other_thread())
            file = await self._backstage.do(fetch)
            wheel = await self._looked_into(file, offer.address)
            await self._agreed(wheel, offer.address, offer)
            await self._install(wheel, offer.address)

    # Its steps

    def _ask_address(self) -> None:
        text = tr(
            "The address of a wheel, of a page with wheels, or of an index of packages. It is asked when you press "
            "Look; nothing is downloaded by that."
        )
        self._show(tr("Install from an Address"), text, go=tr("Look"), parts=(self._field,))
        self.go.setEnabled(bool(self.edit.text().strip()))

    def _typed(self) -> None:
        if not self.notice.isHidden():
            self._ask_address()
        self.go.setEnabled(bool(self.edit.text().strip()))

    async def _chosen(self, offers: tuple[Offer, ...]) -> Offer:
        """The person says which one, and to download it."""
        self._offers = {offer.name.file: offer for offer in offers}
        self.versions.show_values({file: file for file in self._offers}, offers[0].name.file)
        self._show_offer()
        text = tr("This engine fits this machine. It is downloaded, and you are asked again before it is installed.")
        if len(offers) > 1:
            text = tr("These engines fit this machine. One is downloaded; you are asked again before it is installed.")
        parts: tuple[QWidget, ...] = (self._versions_field, self.facts) if len(offers) > 1 else (self.facts,)
        self._show(tr("Download This Engine?"), text, go=tr("Download"), parts=parts)
        await self._word()
        return self._offers[self.versions.value]

    def _show_offer(self) -> None:
        self.facts.show_offer(self._offers[self.versions.value])
        if self.isVisible():
            self.fit_height()

    async def _looked_into(self, file: Path, source: str) -> WheelFile:
        self._show(tr("Install an Engine"), tr("Reading {file} ...", file=one_line(file.name, 80)), is_busy=True)
        return await to_its_end(partial(look_into, file, source, self._from_other_thread()))

    async def _agreed(self, wheel: WheelFile, source: str, offer: Offer | None) -> None:
        """The person has seen what it is, and wants it."""
        self.facts.show_wheel(wheel, source, offer)
        text = tr(
            "An engine is a program that runs with all your rights. Install it only if you trust where it comes from."
        )
        self._show(tr("Install This Engine?"), text, go=tr("Install"), parts=(self.facts,))
        await self._word()

    async def _install(self, wheel: WheelFile, source: str) -> None:
        self._show(tr("Install an Engine"), tr("Unpacking it ..."), is_busy=True)
        known = {engine.name for engine in await to_its_end(self._engines.installed)}
        engine = await to_its_end(partial(self._unpacked, wheel, source, self._from_other_thread()))
        self._show(tr("Install an Engine"), tr("Starting it to see whether it works here ..."), is_busy=True)
        show_busy(self._progress)
        try:
            await try_engine(engine)
        except BaseException:  # it failed, or nobody wants it any longer
            if engine.name not in known:
                await to_its_end(partial(self._engines.remove, engine))
            raise
        InUse.forgive(engine)
        await to_its_end(partial(self._engines.choose, engine))
        self._show_done(engine)

    def _unpacked(self, wheel: WheelFile, source: str, progress: Callable[[int, int], None]) -> Installed:
        """In a thread."""
        engine = self._engines.install(wheel, source, progress)
        if self._is_stopped:  # after the last piece
            self._engines.remove(engine)
            raise Stopped
        return engine

    @contextlib.asynccontextmanager
    async def _workplace(self) -> AsyncIterator[Path]:
        workplace = self._engines.workplace()
        try:
            beside = await to_its_end(workplace.__enter__)
        except OSError as error:
            why = tr("{reason} ({path})", reason=error.strerror or str(error), path=self._engines.folder)
            raise UserFacingError(tr("The engine could not be installed"), why, tr("Look at the disk.")) from error
        try:
            yield beside
        finally:
            await to_its_end(lambda: workplace.__exit__(None, None, None))

    # Between it and the person

    def _agree(self) -> None:
        """The button that goes on."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)
        elif self._task is None or self._task.done():
            self._start(partial(self._from_address, self.edit.text().strip()))

    async def _word(self) -> None:
        """Wait until the person goes on."""
        self._answer = asyncio.get_running_loop().create_future()
        try:
            await self._answer
        finally:
            self._answer = None

    def _start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def run() -> None:
            try:
                await work()  # made here: a dialog that is closed at once never comes so far
            except Stopped:
                return
            except UserFacingError as error:
                if not self._is_stopped:
                    self._show_problem(error)

        self._task = self._tasks.start(run())

    def _end(self) -> None:
        self._is_stopped = True
        if self._task is not None:
            self._task.cancel()
        self.deleteLater()

    def _show_problem(self, error: UserFacingError) -> None:
        from_address = bool(self.edit.text().strip())
        if from_address:
            self._ask_address()
        else:
            self._show(tr("It Was Not Installed"))
        self.notice.tell_error(error)
        tail = error.log_tail[-LOG_LINES:] if isinstance(error, EngineError) else ()
        self._log.setText("\n".join(one_line(line, 200) for line in tail))
        self._log.setVisible(bool(tail))
        if not from_address:
            self.cancel.setText(tr("Close"))
        self.fit_height()

    def _show_done(self, engine: Installed) -> None:
        self._show(tr("It Works, and Is in Use"))
        self.notice.tell(
            tr("{engine} is used from the next load on", engine=engine.title),
            tr("A model that is loaded keeps the engine that it was loaded with until it is ejected."),
            tone="good",
        )
        self.cancel.setText(tr("Close"))
        self.cancel.setFocus()
        self.fit_height()
        self.installed.emit(engine)

    def _show(
        self, title: str, text: str = "", *, go: str = "", parts: tuple[QWidget, ...] = (), is_busy: bool = False
    ) -> None:
        """Show one step: what it says, its parts, and the button that goes on."""
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self.notice.hide()
        self._log.hide()
        for part in (self._field, self._versions_field, self.facts):
            part.setVisible(part in parts)
        self._progress.setRange(0, 1000)
        self._progress.setValue(0)
        self._progress.setVisible(is_busy)
        self._amount.setText("")
        self.go.setText(go)
        self.go.setEnabled(True)
        self.go.setVisible(bool(go))
        self.cancel.setText(tr("Cancel"))
        (self.go if go and self._field not in parts else self.edit if self._field in parts else self.cancel).setFocus()
        if self.isVisible():
            self.fit_height()

    def _from_other_thread(self) -> Callable[[int, int | None], None]:
        """What takes the progress in any thread, and shows some of it; once the dialog is closed it ends the work."""
        loop = asyncio.get_running_loop()

        def progress(done: int, size: int | None) -> None:
            if self._is_stopped:
                raise Stopped
            now = loop.time()
            if now - self._shown_at >= SHOWN_EVERY_S:
                self._shown_at = now
                loop.call_soon_threadsafe(self._show_progress, done, size)

        return progress

    def _show_progress(self, done: int, size: int | None) -> None:
        if self._is_stopped or self._progress.isHidden():
            return
        if size:
            self._progress.setValue(min(1000, round(1000 * done / size)))
            self._amount.setText(tr("{done} of {total}", done=units.file_size(done), total=units.file_size(size)))
        else:
            show_busy(self._progress)
            self._amount.setText(units.file_size(done))
