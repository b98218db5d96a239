"""The window: My Models, the chat and the fit panel side by side, with the menus and keys of what they can do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeySequence,
    QResizeEvent,
)
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMainWindow, QMenu, QMessageBox, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.loader import Loader, Ready, State
from nodetool_xl_desktop.engine.wheels import Wheel
from nodetool_xl_desktop.fit.memory import HostMemory
from nodetool_xl_desktop.library.models import ModelLibrary, title
from nodetool_xl_desktop.preview.report import Preview
from nodetool_xl_desktop.ui.chat_pane import ChatPane
from nodetool_xl_desktop.ui.drop_overlay import DropOverlay, dropped_files
from nodetool_xl_desktop.ui.fit_panel import FitPanel
from nodetool_xl_desktop.ui.side_bar import SideBar
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import Theme


def _toggle(panel: QWidget) -> None:
    panel.setVisible(panel.isHidden())


SIZE = (1360, 860)
SMALLEST = (1024, 640)


class MainWindow(QMainWindow):
    """Shows the rooms below and passes on what the person wants of them.

    Args:
        theme: the theme in force.
        library: My Models.
        loader: what loads and holds a model.
        memory: looks at the machine's memory.
        threads: processor threads that a load gets.
        missing_engine: the engine to install, None where one is there.
    """

    #: The window was closed: end everything, then the program.
    closed = Signal()

    def __init__(
        self,
        *,
        theme: Theme,
        library: ModelLibrary,
        loader: Loader,
        memory: Callable[[], HostMemory],
        threads: int,
        missing_engine: Wheel | None,
    ) -> None:
        super().__init__()
        self._library = library
        self._loader = loader
        self.tasks = Tasks()
        self._preview_task: asyncio.Task[None] | None = None
        #: Why the last file that was opened or selected is no model to load; None where it is one.
        self.problem: UserFacingError | None = None
        self.side_bar = SideBar(theme)
        self.chat = ChatPane(theme, self.tasks)
        self.fit_panel = FitPanel(theme, memory, threads)
        self.fit_panel.has_engine = missing_engine is None
        self.chat.welcome.need_engine(missing_engine)
        self.setWindowTitle("NodeTool XL Desktop")
        self.resize(*SIZE)
        self.setMinimumSize(*SMALLEST)
        self.setAcceptDrops(True)
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.side_bar)
        row.addWidget(self.chat, 1)
        row.addWidget(self.fit_panel)
        self.setCentralWidget(body)
        self._overlay = DropOverlay(theme, self)
        self._pick = QMenu(self)
        self._pick.aboutToShow.connect(self._fill_pick)
        self.chat.pill.setMenu(self._pick)
        self._make_actions()
        self._connect()
        self.side_bar.show_models(library.models())
        self._state_changed(loader.state)
        self.chat.show_selected("")
        self.chat.composer.setFocus()

    # What can be done

    def open_models(self, paths: list[Path]) -> asyncio.Task[None]:
        """List these files, and select and preview the last of them."""
        return self.tasks.start(self._open(paths))

    def select_first(self) -> None:
        """Select the first of My Models, if there is one."""
        if models := self._library.models():
            self.side_bar.select(models[0])

    async def previewed(self) -> None:
        """Wait for the preview that is on its way."""
        if self._preview_task is not None:
            await asyncio.wait([self._preview_task])

    async def load(self) -> None:
        """Load the selected model as the fit panel says; returns when it is ready, failed or was cancelled."""
        await self.previewed()
        report = self.fit_panel.report
        if report is not None and self.fit_panel.has_engine and report.header.is_model:
            self.chat.stop()
            await self._loader.load(report.header.files[0], report.options)

    # How it is wired

    def _connect(self) -> None:
        self.side_bar.model_selected.connect(self._selected)
        self.side_bar.load_requested.connect(self._select_and_load)
        self.side_bar.open_requested.connect(self._ask_for_files)
        self.side_bar.remove_requested.connect(self._remove)
        self.fit_panel.load_requested.connect(lambda _options: self._start(self.load()))
        self.fit_panel.eject_requested.connect(self._eject)
        self.fit_panel.cancel_requested.connect(self._eject)
        self.chat.load_requested.connect(lambda: self._start(self.load()))
        self.chat.open_requested.connect(self._ask_for_files)
        self.chat.new_chat_requested.connect(lambda: self._start(self.chat.new_chat()))
        self.chat.model_needed.connect(lambda text: self._start(self._load_and_send(text)))
        self._loader.listen(self._state_changed)

    def _make_actions(self) -> None:
        def add(menu: QMenu, text: str, keys: str, work: Callable[[], Any]) -> QAction:
            action = QAction(text, self)
            if keys:
                action.setShortcut(QKeySequence(keys))
            action.triggered.connect(lambda _checked=False: work())
            menu.addAction(action)
            return action

        file = self.menuBar().addMenu("&File")
        add(file, "&Open Model ...", "Ctrl+O", self._ask_for_files)
        add(file, "Choose &Model", "Ctrl+L", self.chat.pill.showMenu)
        file.addSeparator()
        add(file, "&Load", "Ctrl+Shift+L", self.fit_panel.request_load)
        self._eject_action = add(file, "&Eject", "Ctrl+E", self._eject)
        file.addSeparator()
        add(file, "&Close Window", "Ctrl+W", self.close)
        add(file, "&Quit", "Ctrl+Q", self.close)
        chat = self.menuBar().addMenu("&Chat")
        add(chat, "&New Chat", "Ctrl+N", lambda: self._start(self.chat.new_chat()))
        add(chat, "&Stop", "Esc", self.chat.stop)
        view = self.menuBar().addMenu("&View")
        for text, keys, panel in (
            ("&Side Bar", "Ctrl+B", self.side_bar),
            ("&Fit Panel", "Ctrl+Shift+B", self.fit_panel),
        ):
            action = add(view, text, keys, partial(_toggle, panel))
            action.setCheckable(True)
            action.setChecked(True)
        help_menu = self.menuBar().addMenu("&Help")
        add(help_menu, "&Keyboard Shortcuts", "Ctrl+/", self._show_shortcuts)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.start(work)

    def _state_changed(self, state: State) -> None:
        self.fit_panel.show_state(state)
        self.chat.show_state(state)
        self.side_bar.show_loaded(state.model if isinstance(state, Ready) else None)
        self._eject_action.setEnabled(isinstance(state, Ready))

    # Models

    async def _open(self, paths: list[Path]) -> None:
        """Look at each file; what is a model is listed, what is none is told."""
        opened: Path | None = None
        self.problem = None
        for path in paths:
            try:
                preview = await asyncio.to_thread(Preview.inspect, path)
                opened = await asyncio.to_thread(self._library.add, preview.header.files[0])
            except UserFacingError as error:
                self.problem = error
            except OSError as error:
                self.problem = UserFacingError("The list of models could not be saved", str(error), "Look at the disk.")
        self.side_bar.show_models(self._library.models(), opened)
        if self.problem is not None:
            self.fit_panel.show_error(self.problem)
            self.chat.show_selected("")

    def _selected(self, path: Path) -> None:
        if self._preview_task is not None:
            self._preview_task.cancel()
        self._preview_task = self.tasks.start(self._preview(path))

    async def _preview(self, path: Path) -> None:
        try:
            preview = await asyncio.to_thread(Preview.inspect, path)
        except UserFacingError as error:
            self.problem = error
            self.fit_panel.show_error(error)
            self.chat.show_selected("")
        else:
            self.problem = None
            self.fit_panel.show_preview(preview)
            self.chat.show_selected(title(path))

    def _select_and_load(self, path: Path) -> None:
        self.side_bar.select(path)
        self._start(self.load())

    def _remove(self, path: Path) -> None:
        self._library.remove(path)
        self.side_bar.show_models(self._library.models())

    def _eject(self) -> None:
        self.chat.stop()
        self._start(self._loader.eject())

    async def _load_and_send(self, text: str) -> None:
        """A message was written before a model was loaded: load the selected one, then send it."""
        await self.load()
        if isinstance(self._loader.state, Ready) and self.chat.composer.text == text:
            self.chat.send(text)

    def _fill_pick(self) -> None:
        self._pick.clear()
        for path in self._library.models():
            action = self._pick.addAction(title(path))
            action.triggered.connect(lambda _checked=False, path=path: self._select_and_load(path))
        self._pick.addSeparator()
        self._pick.addAction("Open a model file ...").triggered.connect(lambda _checked=False: self._ask_for_files())

    def _ask_for_files(self) -> None:
        dialog = QFileDialog(self, "Open a model", "", "Models (*.gguf);;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self.open_models([Path(name) for name in names]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _show_shortcuts(self) -> None:
        rows = [
            f"{action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)}\t{action.text().replace('&', '')}"
            for action in self.findChildren(QAction)
            if not action.shortcut().isEmpty()
        ]
        rows += ["Enter\tSend", "Shift+Enter\tNew line"]
        box = QMessageBox(QMessageBox.Icon.NoIcon, "Keyboard Shortcuts", "\n".join(rows), parent=self)
        box.finished.connect(box.deleteLater)
        box.open()

    # Qt's events

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if files := dropped_files(event.mimeData()):
            event.acceptProposedAction()
            self._overlay.show_for(files)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._overlay.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self._overlay.hide()
        if files := dropped_files(event.mimeData()):
            event.acceptProposedAction()
            self.open_models(files)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._overlay.setGeometry(self.rect())

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.ActivationChange and self.isActiveWindow():
            self.fit_panel.look_again()  # other programs may have taken or given back memory meanwhile

    def closeEvent(self, event: QCloseEvent) -> None:
        event.accept()
        self.closed.emit()
