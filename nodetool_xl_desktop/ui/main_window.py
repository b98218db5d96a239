"""The window: My Models, the chat and the fit panel side by side, with the menus and keys of what they can do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
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
from PySide6.QtWidgets import QDialog, QFileDialog, QGridLayout, QHBoxLayout, QMainWindow, QMenu, QWidget

from nodetool_xl_desktop.engine import hardware
from nodetool_xl_desktop.engine.loader import Loader
from nodetool_xl_desktop.engine.states import Ready, Starting, State
from nodetool_xl_desktop.engine.wheels import Wheel
from nodetool_xl_desktop.library.models import ModelLibrary
from nodetool_xl_desktop.preview.badges import Badges
from nodetool_xl_desktop.provider import XLlamaCppProvider
from nodetool_xl_desktop.ui.chat_pane import ChatPane
from nodetool_xl_desktop.ui.drop_overlay import DropOverlay, dropped_files
from nodetool_xl_desktop.ui.fit_flow import FitFlow, Sources
from nodetool_xl_desktop.ui.fit_panel import FitPanel
from nodetool_xl_desktop.ui.model_flow import ModelFlow
from nodetool_xl_desktop.ui.parts import caption, label
from nodetool_xl_desktop.ui.side_bar import SideBar
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import SPACE_S, SPACE_XL, Theme


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
        provider: what answers.
        sources: what is known of the machine and of loads.
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
        provider: XLlamaCppProvider,
        sources: Sources,
        missing_engine: Wheel | None,
    ) -> None:
        super().__init__()
        self.tasks = Tasks()
        self.side_bar = SideBar(theme)
        self.chat = ChatPane(theme, self.tasks, provider)
        self.fit_panel = FitPanel(theme, sources.memory)
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
        self.fit_panel.look_requested.connect(self.fit_panel.look_again)
        self.fit = FitFlow(
            panel=self.fit_panel,
            side_bar=self.side_bar,
            chat=self.chat,
            tasks=self.tasks,
            sources=sources,
            badges=Badges(provider.kept_for, hardware.physical_cores(), sources.headers.read),
        )
        self.models = ModelFlow(
            library=library,
            loader=loader,
            provider=provider,
            tasks=self.tasks,
            chat=self.chat,
            fit=self.fit,
            sources=sources,
        )
        self._make_actions()
        self.side_bar.open_requested.connect(self._ask_for_files)
        self.chat.open_requested.connect(self._ask_for_files)
        self.chat.new_chat_requested.connect(self.chat.new_chat)
        loader.listen(self._state_changed)
        self._state_changed(loader.state)
        self.chat.show_selected("")
        self.chat.composer.setFocus()

    def open_models(self, paths: list[Path]) -> asyncio.Task[None]:
        """List these files, and select and preview the last of them."""
        return self.tasks.start(self.models.open(paths))

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
        self._eject_action = add(file, "&Eject", "Ctrl+E", self.models.eject_soon)
        add(file, "&Tune ...", "", self.fit_panel.tune_requested.emit)
        file.addSeparator()
        add(file, "&Close Window", "Ctrl+W", self.close)
        add(file, "&Quit", "Ctrl+Q", self.close)
        chat = self.menuBar().addMenu("&Chat")
        add(chat, "&New Chat", "Ctrl+N", self.chat.new_chat)
        add(chat, "&Stop", "Esc", self.chat.stop)
        view = self.menuBar().addMenu("&View")
        for text, keys, panel in (
            ("&Side Bar", "Ctrl+B", self.side_bar),
            ("&Fit Panel", "Ctrl+Shift+B", self.fit_panel),
        ):
            action = add(view, text, keys, partial(_toggle, panel))
            action.setCheckable(True)
            action.setChecked(True)
        view.addSeparator()
        add(view, "&Look Again at Memory", "F5", self._look_again)
        help_menu = self.menuBar().addMenu("&Help")
        add(help_menu, "&Keyboard Shortcuts", "Ctrl+/", self._show_shortcuts)

    def _state_changed(self, state: State) -> None:
        self.fit.show_state(state)
        self.fit_panel.show_state(state)
        if isinstance(state, Ready):
            self.fit_panel.show_took(state.server.options, state.server.taken.total)
        self.chat.show_state(state)
        self.side_bar.show_loaded(state.model if isinstance(state, Ready) else None)
        self._eject_action.setText("&Cancel Loading" if isinstance(state, Starting) else "&Eject")
        self._eject_action.setEnabled(isinstance(state, Ready | Starting))

    def _look_again(self) -> None:
        self.fit_panel.look_again()
        self.fit.look()

    def _fill_pick(self) -> None:
        self._pick.clear()

        def add(name: str, work: Callable[[], object]) -> None:
            self._pick.addAction(caption(name)).triggered.connect(lambda _checked=False: work())

        self.models.fill(add)
        self._pick.addSeparator()
        add("Open a model file ...", self._ask_for_files)

    def _ask_for_files(self) -> None:
        dialog = QFileDialog(self, "Open a model", "", "Models (*.gguf);;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self.open_models([Path(name) for name in names]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _show_shortcuts(self) -> None:
        rows = [
            (action.shortcut().toString(QKeySequence.SequenceFormat.NativeText), action.text().replace("&", ""))
            for action in self.findChildren(QAction)
            if not action.shortcut().isEmpty()
        ]
        dialog = QDialog(self)
        dialog.setWindowTitle("Keyboard Shortcuts")
        grid = QGridLayout(dialog)
        grid.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
        grid.setHorizontalSpacing(SPACE_XL)
        grid.setVerticalSpacing(SPACE_S)
        for row, (keys, text) in enumerate([*rows, ("Enter", "Send"), ("Shift+Enter", "New line")]):
            grid.addWidget(label(keys, "strong"), row, 0)
            grid.addWidget(label(text), row, 1)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

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
            self.fit.machine_changed()

    def closeEvent(self, event: QCloseEvent) -> None:
        event.accept()
        self.closed.emit()
