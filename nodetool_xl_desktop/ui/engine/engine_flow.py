"""What the page of the engine shows, and what is done with engines: used, installed, removed."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QPushButton, QWidget

from nodetool_xl_desktop.core.backstage import Backstage
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.index_part import sweep
from nodetool_xl_desktop.core.threads import to_its_end
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import file_size
from nodetool_xl_desktop.engine import hardware, wheels
from nodetool_xl_desktop.engine.engines import Engines, Installed
from nodetool_xl_desktop.engine.in_use import Fallen, InUse
from nodetool_xl_desktop.engine.trial import try_engine
from nodetool_xl_desktop.ui.chats.chat_places import ask_whether
from nodetool_xl_desktop.ui.engine.engine_state import EngineState
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import Theme

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.engine.engine_page import EnginePage
    from nodetool_xl_desktop.ui.engine.install_dialog import InstallDialog


class EngineFlow(QObject):
    """Stands between the page and the folder of engines.

    Args:
        theme: the theme in force.
        tasks: runs what waits.
        folder: `Paths.engines`.
        tell: tells of what could not be done.
        window: above which dialogs open.
    """

    #: Another engine is used from the next load on, or there is one where none was: whether there is any.
    changed = Signal(bool)

    def __init__(
        self, theme: Theme, tasks: Tasks, folder: Path, tell: Callable[[UserFacingError], None], window: QWidget
    ) -> None:
        super().__init__(window)
        self._theme, self._tasks, self._tell, self._window = theme, tasks, tell, window
        self._engines = Engines(folder)
        self._backstage = Backstage("engines")
        self._page: EnginePage | None = None
        self._looks = 0
        self.dialog: InstallDialog | None = None
        #: Says above all pages that another engine runs than was chosen.
        self.notice = self._make_notice()
        InUse.listen(self._fell)

    async def close(self) -> None:
        """The program ends."""
        InUse.unlisten(self._fell)
        if self.dialog is not None:
            self.dialog.reject()
        await self._backstage.close()

    @property
    def page(self) -> EnginePage:
        """The page, made when it is first wanted."""
        if self._page is None:
            from nodetool_xl_desktop.ui.engine.engine_page import EnginePage  # noqa: PLC0415

            self._page = EnginePage()
            self._page.seen.connect(self.look)
            self._page.use_requested.connect(self.use)
            self._page.remove_requested.connect(self._ask_to_remove)
            self._page.file_requested.connect(self.ask_for_file)
            self._page.address_requested.connect(self.install_from_address)
        return self._page

    def look(self) -> None:
        """Look anew at what is installed, and ask the engine in use what it computes on."""
        self._tasks.start(self._look(), self._tell)

    def use(self, engine: Installed | None) -> None:
        """Have this one run from the next load on, if it starts; None for the program's own."""
        self._tasks.start(self._use(engine), self._told)

    def ask_for_file(self) -> None:
        """Have the person choose a wheel."""
        dialog = QFileDialog(self._window, tr("Choose a wheel of the engine"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(tr("Wheels (*.whl)"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda file: self.install_from_file(Path(file)))
        dialog.open()

    def install_from_file(self, file: Path) -> None:
        """Install this wheel, after asking."""
        self._dialog().from_file(file)

    def install_from_address(self, address: str = "") -> None:
        """Install from an address, after asking; the person names it where none is given."""
        self._dialog().from_address(address)

    def _dialog(self) -> InstallDialog:
        from nodetool_xl_desktop.ui.engine.install_dialog import InstallDialog  # noqa: PLC0415

        if self.dialog is not None:
            self.dialog.reject()
        made = self.dialog = InstallDialog(self._theme, self._tasks, self._engines, self._backstage, self._window)
        made.installed.connect(self._installed)
        made.finished.connect(partial(self._closed, made))
        return made

    def _closed(self, dialog: InstallDialog, _result: int) -> None:
        if self.dialog is dialog:
            self.dialog = None

    def _installed(self) -> None:
        self.notice.hide()
        self.changed.emit(True)
        self.look()

    async def _look(self) -> None:
        if self._page is None:
            return
        page = self._page
        self._looks += 1
        number = self._looks
        machine = await hardware.looked()
        state = await in_thread(partial(_state, self._engines, machine))
        if number != self._looks:
            return
        page.show_state(state)
        if not state.built_in and state.runs is None:
            page.show_devices(())
            return
        page.show_devices(None)
        try:
            tried = await try_engine(state.runs)
        except UserFacingError as error:
            if number == self._looks:
                page.show_devices((), error)
            return
        if number == self._looks:
            page.show_devices(tried.devices)

    async def _use(self, engine: Installed | None) -> None:
        if engine is not None:
            self.page.show_devices(None)
            await try_engine(engine)
            InUse.forgive(engine)
        await to_its_end(partial(self._engines.choose, engine))
        self.notice.hide()
        self.changed.emit(True)
        await self._look()

    def _told(self, error: UserFacingError) -> None:
        """It is not used: say why where the person looks."""
        self.look()
        self._tell(error)

    def _ask_to_remove(self, engine: Installed) -> None:
        question = tr("Remove the engine {engine}?", engine=engine.title)
        text = tr(
            "It takes {size} as a file, and more unpacked. You can install it again.", size=file_size(engine.size)
        )
        ask_whether(self._window, question, text, tr("Remove Engine"), partial(self._remove_soon, engine))

    def _remove_soon(self, engine: Installed) -> None:
        self._tasks.start(self._remove(engine), self._told)

    async def _remove(self, engine: Installed) -> None:
        await to_its_end(partial(self._engines.remove, engine))
        self.changed.emit(await in_thread(partial(wheels.is_installed, self._engines.folder)))
        await self._look()

    def _fell(self, fallen: Fallen) -> None:
        """What was chosen did not start, and the program's own took its place: say so, and offer the way back."""
        self.look()
        if self._page is not None and self._page.isVisible():
            return  # which says it
        why = fallen.error.why
        text = tr(
            "{why}. The built-in engine is used until the program is started again.", why=f"{why[:1].upper()}{why[1:]}"
        )
        self.notice.tell(fallen.error.what, text, remedy=tr("Use the Built-in Engine"))

    def _make_notice(self) -> Notice:
        """It stays until a person has seen it, whatever is loaded meanwhile."""
        notice = Notice()
        dismiss = QPushButton(tr("Dismiss"))
        dismiss.setProperty("kind", "link")
        dismiss.clicked.connect(notice.hide)
        notice.buttons.addWidget(dismiss, 0, Qt.AlignmentFlag.AlignTop)
        notice.remedy_requested.connect(lambda: self.use(None))
        return notice


def _state(engines: Engines, machine: hardware.Hardware) -> EngineState:
    """It reads the disk, and clears away what has come of a wheel that nobody goes on with."""
    sweep(engines.coming)
    chosen = engines.chosen()
    return EngineState(
        built_in=_built_in(),
        installed=engines.installed(),
        chosen=chosen,
        runs=None if chosen is None or InUse.why_not(chosen) is not None else chosen,
        why_not=InUse.why_not(chosen) if chosen is not None else None,
        wheel=wheels.recommend(machine),
    )


def _built_in() -> str:
    if not wheels.is_built_in():
        return ""
    try:
        return importlib.metadata.version("xllamacpp")
    except importlib.metadata.PackageNotFoundError:
        return tr("of an unknown version")
