"""The window: the side bar, the centre and the fit panel, with the menus and keys of what they can do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeySequence,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMainWindow, QMenu, QWidget

from nodetool_xl_desktop.chat.asker import Asker, identity
from nodetool_xl_desktop.chat.attached_files import ReadFile, attached
from nodetool_xl_desktop.chat.context import no_attachment
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.preferences import Preferences, PreferencesFile
from nodetool_xl_desktop.engine import hardware
from nodetool_xl_desktop.engine.loader import Loader
from nodetool_xl_desktop.engine.states import Ready, Starting, State
from nodetool_xl_desktop.engine.wheels import Wheel
from nodetool_xl_desktop.fit.memory import Machine as FitMachine
from nodetool_xl_desktop.hub.downloads import Downloads
from nodetool_xl_desktop.hub.tokens import Tokens
from nodetool_xl_desktop.library.models import ModelLibrary
from nodetool_xl_desktop.library.origins import Origins
from nodetool_xl_desktop.library.settings import ModelSettings
from nodetool_xl_desktop.markdown.reading import warm_up
from nodetool_xl_desktop.preview.badges import Badges
from nodetool_xl_desktop.preview.remote import RemoteModels
from nodetool_xl_desktop.provider import XLlamaCppProvider
from nodetool_xl_desktop.ui.branch_flow import BranchFlow
from nodetool_xl_desktop.ui.centre import Centre, Pages
from nodetool_xl_desktop.ui.chat_flow import ChatFlow
from nodetool_xl_desktop.ui.chat_pane import ChatPane
from nodetool_xl_desktop.ui.chats.chat_browser import ChatBrowser
from nodetool_xl_desktop.ui.chosen import Chosen
from nodetool_xl_desktop.ui.context.context_flow import ContextFlow, Machine
from nodetool_xl_desktop.ui.discover.door import DiscoverSources
from nodetool_xl_desktop.ui.drop_overlay import DropOverlay
from nodetool_xl_desktop.ui.exchange.export_flow import ExportFlow
from nodetool_xl_desktop.ui.fit.fit_flow import FitFlow, Sources
from nodetool_xl_desktop.ui.fit.fit_panel import FitPanel
from nodetool_xl_desktop.ui.hub_flow import HubFlow
from nodetool_xl_desktop.ui.list_flow import ListFlow
from nodetool_xl_desktop.ui.model_flow import ModelFlow
from nodetool_xl_desktop.ui.models.models_page import ModelsPage
from nodetool_xl_desktop.ui.one_program import come_forward
from nodetool_xl_desktop.ui.opening import Opening
from nodetool_xl_desktop.ui.parts import caption
from nodetool_xl_desktop.ui.presets.preset_flow import PresetFlow
from nodetool_xl_desktop.ui.shortcuts import show_shortcuts
from nodetool_xl_desktop.ui.side_bar import SideBar, Tab
from nodetool_xl_desktop.ui.store_flow import StoreFlow
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import Theme
from nodetool_xl_desktop.ui.tools.tools_flow import Tooling, ToolsFlow
from nodetool_xl_desktop.ui.zoom import Zoom

if TYPE_CHECKING:
    from nodetool_xl_desktop.hub.search import Hub


def _toggle(panel: QWidget) -> None:
    panel.setVisible(panel.isHidden())


SIZE = (1360, 860)
SMALLEST = (1024, 640)
#: Of the chat, in the title of the window.
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What lies on hubs, and the ways from there.

    Attributes:
        hub: makes the way to a hub from its address and a token; either may be None.
        remote: looks into models there.
        tokens: for hubs that ask for one.
        downloads: brings models here.
        origins: where the files that were brought here come from.
    """

    hub: Callable[[str | None, str | None], Hub]
    remote: RemoteModels
    tokens: Tokens
    downloads: Downloads
    origins: Origins


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the window shows.

    Attributes:
        library: My Models.
        loader: what loads and holds a model.
        provider: what answers.
        tooling: what models may call.
        sources: what is known of the machine and of loads.
        elsewhere: what lies on hubs.
        paths: the program's folders.
    """

    library: ModelLibrary
    loader: Loader
    provider: XLlamaCppProvider
    tooling: Tooling
    sources: Sources
    elsewhere: Elsewhere
    paths: Paths


class MainWindow(QMainWindow):
    """Shows the rooms below and passes on what the person wants of them.

    Args:
        theme: the theme in force.
        rooms: those.
        missing_engine: the engine to install, None where one is there.
    """

    #: The window was closed: end everything, then the program.
    closed = Signal()

    def __init__(self, theme: Theme, rooms: Rooms, missing_engine: Wheel | None) -> None:
        super().__init__()
        self._was_shown = False
        self.tasks = Tasks()
        self._make_flows(theme, rooms)
        self.fit_panel.has_engine = missing_engine is None
        self.chat.welcome.need_engine(missing_engine)
        self._lay_out(theme)
        self._make_actions()
        self._connect()
        rooms.loader.listen(self._state_changed)
        self._state_changed(rooms.loader.state)
        self.chat.show_selected("")
        self.chat.composer.setFocus()

    def _make_flows(self, theme: Theme, rooms: Rooms) -> None:
        provider, sources, tooling = rooms.provider, rooms.sources, rooms.tooling
        self.chat = ChatPane(theme, self.tasks)
        self.fit_panel = FitPanel(theme, sources.memory)
        models = ModelsPage(theme)
        self.hub = HubFlow(
            theme,
            self.tasks,
            self._discover_sources(rooms, models),
            rooms.elsewhere.origins,
            self.chat.tell_problem,
        )
        browser = ChatBrowser(theme, self.tasks)
        self.side_bar = SideBar(browser, models, self.hub.search, self.hub.downloads.foot)
        asker = Asker(provider, tooling.toolbox, tooling.off_line)
        self.presets = PresetFlow(theme, self.tasks, self.chat.presets)
        self.context = ContextFlow(theme, self.tasks, self.chat, provider, asker, self.presets)
        self.chats = ChatFlow(self.chat, self.tasks, asker, self.presets, self.context)
        self.tools = ToolsFlow(theme, self.tasks, self.chat.composer, tooling, self.chat.tell_problem)
        self.zoom = Zoom(theme)
        self.exports = ExportFlow(self, self.tasks, theme)
        self.store_flow = StoreFlow(rooms.paths.chats, self.tasks, self.chats.use, self)
        self.chosen = Chosen(PreferencesFile(rooms.paths.preferences_file), self.tasks, self.chat.tell_problem)
        self.fit = FitFlow(
            panel=self.fit_panel,
            side_bar=self.side_bar,
            chat=self.chats,
            tasks=self.tasks,
            sources=sources,
            badges=Badges(provider.kept_for, hardware.physical_cores(), sources.headers.read),
        )
        self.models = ModelFlow(
            library=rooms.library,
            loader=rooms.loader,
            provider=provider,
            tasks=self.tasks,
            chats=self.chats,
            fit=self.fit,
            sources=sources,
        )
        self.branches = BranchFlow(self.chats, self.chat.undo, self.models)
        self.context.use(Machine(self.models.look, self.models.reload))
        kept = (ModelSettings(rooms.paths), sources.records)
        self.models.shelf.know(rooms.elsewhere.origins, kept, self.hub.sha256_of)

    def _discover_sources(self, rooms: Rooms, models: ModelsPage) -> DiscoverSources:
        elsewhere = rooms.elsewhere
        return DiscoverSources(
            hub=elsewhere.hub,
            remote=elsewhere.remote,
            tokens=elsewhere.tokens,
            downloads=elsewhere.downloads,
            machine=self._machine,
            models=lambda: models.files,
            folder=lambda: rooms.library.folders.own,
            off_line=rooms.tooling.off_line,
            physical_cores=hardware.physical_cores(),
        )

    def _lay_out(self, theme: Theme) -> None:
        self.setWindowTitle("NodeTool XL Desktop")
        self.resize(*SIZE)
        self.setMinimumSize(*SMALLEST)
        self.setAcceptDrops(True)
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        pages = Pages(self.chat, self.models.table, self.hub.page, self.hub.downloads.page)
        self.centre = Centre(self.side_bar, self.fit_panel, pages)
        row.addWidget(self.side_bar)
        row.addWidget(self.centre, 1)
        row.addWidget(self.fit_panel)
        self.setCentralWidget(body)
        self._overlay = DropOverlay(theme, self, self.tasks)
        self.opening = Opening(self, self._overlay, self.tasks, lambda: self.hub.discover.door.chosen or None)
        self._pick = QMenu(self)
        self._pick.aboutToShow.connect(self._fill_pick)
        self.chat.pill.setMenu(self._pick)

    def _connect(self) -> None:
        self.fit_panel.look_requested.connect(self.fit_panel.look_again)
        self.side_bar.open_requested.connect(self._ask_for_files)
        self.chat.open_requested.connect(self._ask_for_files)
        ListFlow(self.side_bar.chats, self.chats, self.exports, self.store_flow)
        self.chats.shown_changed.connect(self._show_presets)
        self.chats.shown_changed.connect(self._name)
        self.chats.chat_changed.connect(self._name)
        self._connect_tools()
        self._connect_models()
        self.chosen.read.connect(self._use)
        self.chat.transcript.zoom_requested.connect(self.zoom.step)
        self.zoom.chosen.connect(lambda zoom: self.chosen.choose(zoom=zoom))
        self.chat.transcript.choose_model_requested.connect(self.chat.pill.showMenu)
        self.chat.models = lambda: [path for file in self.side_bar.files for path in (file.path, *file.links)]
        self.branches.sampling_wanted.connect(self.presets.panel.toggle)
        self.chat.transcript.raise_context_requested.connect(self.fit_panel.focus_context)

    def open_models(self, paths: list[Path]) -> asyncio.Task[None]:
        """List these files, and select and preview the last of them."""
        return self.tasks.start(self.models.open(paths))

    def _connect_tools(self) -> None:
        def files() -> Mapping[str, ReadFile]:
            store = self.chats.store
            read = store.files.read if store is not None else no_attachment
            return attached(self.chats.shown, self.chat.composer.parts, read)

        self.tools.files = files
        self.chats.shown_changed.connect(self.tools.show_for)
        self.tools.changed.connect(self.context.look_again)
        self.context.gauge.use_changed.connect(self.tools.show_cost)
        self.tools.off_line_changed.connect(lambda is_on: self.chosen.choose(off_line=is_on))
        self.exports.imported.connect(self.tools.forget_chats)
        self.chat.transcript.set_tool_titles(self.tools.title)

    def _connect_models(self) -> None:
        models, hub, opening = self.side_bar.models, self.hub, self.opening
        models.table_requested.connect(self.centre.toggle_table)
        columns = self.models.table.view
        columns.columns_changed.connect(lambda: self.chosen.choose(model_columns=columns.columns))
        self.models.table.closed.connect(self.centre.show_chat)
        models.load_requested.connect(self.centre.show_chat)
        self.chats.shown_changed.connect(self.centre.show_chat)
        hub.discover_wanted.connect(partial(self._show_tab, Tab.DISCOVER))
        hub.downloads_wanted.connect(self._show_downloads)
        hub.load_requested.connect(self._load)
        hub.show_requested.connect(self._show_model)
        hub.path_given.connect(lambda path: self.opening.open([path]))
        hub.models_changed.connect(self.models.shelf.scan_soon)
        hub.discover.on_line_requested.connect(self._go_on_line)
        hub.discover.endpoint_chosen.connect(lambda endpoint: self.chosen.choose(endpoint=endpoint))
        hub.downloads.window_requested.connect(self.come_forward)
        hub.downloads.quit_requested.connect(self.close)
        self.models.shelf.listed.connect(hub.discover.look_again)
        opening.models_opened.connect(self.open_models)
        opening.folders_dropped.connect(self._add_folders)
        opening.files_dropped.connect(self.chat.composer.attach)
        opening.place_dropped.connect(self._open_place)

    def _make_actions(self) -> None:
        bar = self.menuBar()
        self._fill_file_menu(bar.addMenu("&File"))
        chat = bar.addMenu("&Chat")
        self._fill_chat_menu(chat)
        self.chat.more.setMenu(chat)
        self._fill_view_menu(bar.addMenu("&View"))
        help_menu = bar.addMenu("&Help")
        keys = partial(show_shortcuts, parent=self)
        self._add(help_menu, "&Keyboard Shortcuts", "Ctrl+/", lambda: keys(self.findChildren(QAction)))

    def _add(self, menu: QMenu, text: str, keys: str, work: Callable[[], Any]) -> QAction:
        action = QAction(text, self)
        if keys:
            action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda _checked=False: work())
        menu.addAction(action)
        return action

    def _fill_file_menu(self, menu: QMenu) -> None:
        add = partial(self._add, menu)
        add("&Open Model ...", "Ctrl+O", self._ask_for_files)
        add("Open &Address ...", "Ctrl+Shift+O", self.opening.ask_address)
        add("Choose &Model", "Ctrl+L", self.chat.pill.showMenu)
        add("Model &Folders ...", "", self.models.shelf.show_folders)
        menu.addSeparator()
        add("&Load", "Ctrl+Shift+L", self.fit_panel.request_load)
        self._eject_action = add("&Eject", "Ctrl+E", self.models.eject_soon)
        add("&Tune ...", "", self.fit_panel.tune_requested.emit)
        menu.addSeparator()
        menu.addAction(self.tools.off_line_action)
        menu.addSeparator()
        add("&Close Window", "Ctrl+W", self.close)
        add("&Quit", "Ctrl+Q", self.close)

    def _fill_chat_menu(self, menu: QMenu) -> None:
        add = partial(self._add, menu)
        add("&New Chat", "Ctrl+N", self.chats.new_chat)
        add("&Attach Files ...", "Ctrl+Shift+A", self.chat.composer.choose_files)
        add("&Stop", "Esc", self.chats.stop)
        menu.addSeparator()
        add("&Regenerate", "Ctrl+Return", self.branches.regenerate_last)
        add("&Continue", "Alt+Return", self.branches.continue_last)
        menu.addSeparator()
        add("&Find in Chat", "Ctrl+F", self.chat.transcript.open_find)
        add("Search &All Chats", "Ctrl+K", self._search_chats)
        menu.addSeparator()
        menu.addActions(self.tools.actions)
        add("&Go to the Waiting Call", "Ctrl+J", self.chat.transcript.go_to_waiting)
        menu.addSeparator()
        add("&Preset ...", "Ctrl+P", self.presets.panel.toggle)
        add("&Export ...", "Ctrl+Shift+E", self._export)
        add("&Import ...", "", self.exports.import_)
        menu.addSeparator()
        self._title_action = add("&Titles by the Model", "", self._title_chats)
        self._title_action.setCheckable(True)

    def _fill_view_menu(self, menu: QMenu) -> None:
        add = partial(self._add, menu)
        add("&Chats", "Ctrl+1", partial(self._show_tab, Tab.CHATS))
        add("&Models", "Ctrl+2", partial(self._show_tab, Tab.MODELS))
        add("&Discover", "Ctrl+3", partial(self._show_tab, Tab.DISCOVER))
        menu.addSeparator()
        add("Models as &Table", "Ctrl+Shift+M", self._toggle_table)
        add("Do&wnloads", "Ctrl+Shift+J", partial(self._show_downloads, True))
        menu.addSeparator()
        for text, keys, work in (
            ("&Side Bar", "Ctrl+B", partial(_toggle, self.side_bar)),
            ("&Fit Panel", "Ctrl+Shift+B", self.centre.toggle_fit_panel),
        ):
            action = add(text, keys, work)
            action.setCheckable(True)
            action.setChecked(True)
        menu.addSeparator()
        larger = add("Zoom &In", "Ctrl++", partial(self.zoom.step, 1))
        larger.setShortcuts([QKeySequence("Ctrl++"), QKeySequence("Ctrl+=")])
        add("Zoom &Out", "Ctrl+-", partial(self.zoom.step, -1))
        add("&Actual Size", "Ctrl+0", self.zoom.reset)
        menu.addSeparator()
        add("&Look Again at Memory", "F5", self._look_again)

    def _show_presets(self) -> None:
        """Whose system prompt and sampling the panel is about: of the chat, and of the model that would answer."""
        state, choice = self.chat.state, self.fit_panel.choice
        model = state.model if isinstance(state, Ready) else self.side_bar.selected
        header = choice.preview.header if choice is not None else None
        metadata = header.metadata if header is not None and model in header.files else None
        chat = self.chats.session.chat.id if self.chats.session is not None else None
        known = identity(model) if model is not None else None
        self.presets.show_for(chat, known.id if known else "", known.name if known else "", metadata)

    def _name(self) -> None:
        """The window is called after the chat that is shown."""
        session = self.chats.session
        name = " ".join(session.chat.title.split()) if session is not None else ""
        name = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
        self.setWindowTitle(f"{name} - NodeTool XL Desktop" if name else "NodeTool XL Desktop")

    def _export(self) -> None:
        session = self.chats.session
        self.exports.export([session.chat.id] if session is not None else None)

    def _search_chats(self) -> None:
        self._show_tab(Tab.CHATS)
        self.side_bar.chats.focus_search()

    async def _machine(self) -> FitMachine:
        await self.fit.looked()
        return self.fit_panel.machine

    def _load(self, model: Path) -> None:
        """Load a model that came just now, perhaps before it is listed."""
        self.centre.show_chat()

        async def load() -> None:
            await self.models.open([model])
            await self.models.load(model)

        self.tasks.start(load())

    def _show_model(self, model: Path) -> None:
        """Select a model in My Models."""
        self.centre.show_chat()
        self.tasks.start(self.models.list_models(model))

    def _add_folders(self, folders: list[Path]) -> None:
        """Folders were dropped: what is in them is listed from now on."""
        self._show_tab(Tab.MODELS)
        self.tasks.start(self.models.shelf.add_folders(folders), self.chat.tell_problem)

    def _show_downloads(self, is_wanted: bool) -> None:
        self.centre.show_downloads(is_wanted=is_wanted)
        if is_wanted:
            self.hub.downloads.page.focus_list()

    def _toggle_table(self) -> None:
        self.side_bar.show()
        self.centre.toggle_table()

    def _go_on_line(self) -> None:
        """Discover was asked for while the program works off line, and the person wants it."""
        self.tools.off_line_action.setChecked(False)
        self.hub.discover.refresh()

    def _open_place(self, text: str) -> None:
        """Show what lies at an address of the hub."""
        self._show_tab(Tab.DISCOVER)
        self.hub.discover.open_place(text)

    def come_forward(self, token: str = "") -> None:
        """Bring the window to the front."""
        come_forward(self, token)

    def _show_tab(self, tab: Tab) -> None:
        self.side_bar.show()
        self.side_bar.show_tab(tab)
        self.side_bar.focus_page()

    def _title_chats(self) -> None:
        """Have the model asked for titles from now on, or not."""
        self.chats.titles.is_on = self._title_action.isChecked()
        self.chosen.choose(title_chats=self.chats.titles.is_on)

    def _use(self, chosen: Preferences) -> None:
        """This was chosen before."""
        self.zoom.use(chosen.zoom)
        self.tools.set_off_line(chosen.off_line)
        self.tools.start()
        self.models.table.view.use_columns(chosen.model_columns)
        self.hub.discover.use_endpoint(chosen.endpoint)
        self.hub.start()
        self.chats.titles.is_on = chosen.title_chats
        self._title_action.setChecked(chosen.title_chats)

    def _state_changed(self, state: State) -> None:
        self.fit.show_state(state)
        self.fit_panel.show_state(state)
        if isinstance(state, Starting):
            self.centre.show_chat()
        if isinstance(state, Ready):
            self.fit_panel.show_took(state.server.options, state.server.taken.total)
        self.chat.show_state(state)
        self.chats.show_state(state)
        self._show_presets()
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

    # Qt's events

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.opening.hover(event.mimeData()):
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._overlay.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self._overlay.hide()
        if self.opening.take(event.mimeData()):
            event.acceptProposedAction()

    def showEvent(self, event: QShowEvent) -> None:
        """Painted first, what it shows comes then."""
        super().showEvent(event)
        if not self._was_shown:
            self._was_shown = True
            self.chosen.start()
            self.tasks.start(in_thread(warm_up))
            self.store_flow.start()

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
