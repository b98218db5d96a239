"""The window: the side bar, the centre and the fit panel, with the menus and keys of what they can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QMenu, QVBoxLayout, QWidget

from nodetool_xl_desktop.chat.asker import Asker, identity
from nodetool_xl_desktop.chat.attached_files import ReadFile, attached
from nodetool_xl_desktop.chat.context import no_attachment
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.preferences import Preferences, PreferencesFile
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine import hardware
from nodetool_xl_desktop.engine.states import Ready, Starting, State
from nodetool_xl_desktop.engine.wheels import Wheel
from nodetool_xl_desktop.fit.memory import Machine as FitMachine
from nodetool_xl_desktop.library.settings import ModelSettings
from nodetool_xl_desktop.markdown.reading import warm_up
from nodetool_xl_desktop.preview.badges import Badges
from nodetool_xl_desktop.ui.branch_flow import BranchFlow
from nodetool_xl_desktop.ui.centre import Centre, Pages
from nodetool_xl_desktop.ui.chat_flow import ChatFlow
from nodetool_xl_desktop.ui.chat_pane import ChatPane
from nodetool_xl_desktop.ui.chats.chat_browser import ChatBrowser
from nodetool_xl_desktop.ui.chosen import Chosen
from nodetool_xl_desktop.ui.context.context_flow import ContextFlow, Machine
from nodetool_xl_desktop.ui.drop_overlay import DropOverlay
from nodetool_xl_desktop.ui.exchange.export_flow import ExportFlow
from nodetool_xl_desktop.ui.fit.fit_flow import FitFlow
from nodetool_xl_desktop.ui.fit.fit_panel import FitPanel
from nodetool_xl_desktop.ui.hub_flow import HubFlow
from nodetool_xl_desktop.ui.list_flow import ListFlow
from nodetool_xl_desktop.ui.menus import Menus
from nodetool_xl_desktop.ui.model_flow import ModelFlow
from nodetool_xl_desktop.ui.models.models_page import ModelsPage
from nodetool_xl_desktop.ui.navigation import Navigation
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.one_program import come_forward
from nodetool_xl_desktop.ui.opening import Opening
from nodetool_xl_desktop.ui.parts import caption
from nodetool_xl_desktop.ui.presets.preset_flow import PresetFlow
from nodetool_xl_desktop.ui.rooms import Rooms
from nodetool_xl_desktop.ui.side_bar import SideBar
from nodetool_xl_desktop.ui.store_flow import StoreFlow
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import Theme
from nodetool_xl_desktop.ui.tools.tools_flow import ToolsFlow
from nodetool_xl_desktop.ui.zoom import Zoom

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.models.models_table import ModelsTable

SIZE = (1360, 860)
SMALLEST = (1024, 640)
#: Of the chat, in the title of the window.
LONGEST_NAME = 100


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
        self.menus = Menus(self)
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
            rooms.for_discover(self._machine, lambda: models.files),
            rooms.elsewhere.origins,
            self._tell,
        )
        browser = ChatBrowser(theme, self.tasks)
        self.side_bar = SideBar(browser, models, lambda: self.hub.search, self.hub.downloads.foot)
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
            models=models,
            chat=self.chats,
            tasks=self.tasks,
            sources=sources,
            badges=Badges(provider.kept_for, hardware.physical_cores(), sources.headers.read, provider.projectors_for),
        )
        self.models = ModelFlow(
            side_bar=self.side_bar,
            library=rooms.library,
            loader=rooms.loader,
            provider=provider,
            tasks=self.tasks,
            chats=self.chats,
            fit=self.fit,
            tell=self._tell,
        )
        self.branches = BranchFlow(self.chats, self.chat.undo, self.models)
        self.context.use(Machine(self.models.look, self.models.reload))
        kept = (ModelSettings(rooms.paths), sources.records)
        self.models.shelf.know(rooms.elsewhere.origins, kept, self.hub.sha256_of, rooms.elsewhere.downloads)

    def _lay_out(self, theme: Theme) -> None:
        self.setWindowTitle(tr("NodeTool XL Desktop"))
        self.resize(*SIZE)
        self.setMinimumSize(*SMALLEST)
        self.setAcceptDrops(True)
        body = QWidget()
        self.setCentralWidget(body)  # from above to below: each move of a page has all in it styled anew
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        pages = Pages(self.chat, lambda: self.models.table, lambda: self.hub.page, lambda: self.hub.downloads.page)
        self.centre = Centre(self.side_bar, self.fit_panel, pages, body)
        self.problem = Notice()
        self.problem.remedy_requested.connect(self.problem.hide)
        for something_else in (self.centre.changed, self.hub.discover_wanted, self.hub.added):
            something_else.connect(self.problem.hide)
        row.addWidget(self.side_bar)
        middle = QVBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.problem)
        middle.addWidget(self.centre, 1)
        row.addLayout(middle, 1)
        row.addWidget(self.fit_panel)
        self._overlay = DropOverlay(theme, self, self.tasks)
        self.opening = Opening(self, self._overlay, self.tasks, lambda: self.hub.endpoint or None)
        self.navigation = Navigation(
            side_bar=self.side_bar,
            centre=self.centre,
            chats=self.chats,
            models=self.models,
            hub=self.hub,
            opening=self.opening,
            start=partial(self.tasks.start, tell=self._tell),
        )
        self._pick = QMenu(self)
        self._pick.aboutToShow.connect(self._fill_pick)
        self.chat.pill.setMenu(self._pick)

    def _connect(self) -> None:
        self.fit_panel.look_requested.connect(self.fit_panel.look_again)
        self.side_bar.models.open_requested.connect(self.opening.ask_for_files)
        self.chat.open_requested.connect(self.opening.ask_for_files)
        ListFlow(self.side_bar.chats, self.chats, self.exports, self.store_flow)
        self.chats.shown_changed.connect(self._show_presets)
        self.chats.shown_changed.connect(self._name)
        self.chats.chat_changed.connect(self._name)
        self._connect_tools()
        self._connect_hub()
        self.chosen.read.connect(self._use)
        self.chat.transcript.zoom_requested.connect(self.zoom.step)
        self.zoom.chosen.connect(lambda zoom: self.chosen.choose(zoom=zoom))
        self.chat.transcript.choose_model_requested.connect(self.chat.pill.showMenu)
        self.chat.models = lambda: [path for file in self.side_bar.models.files for path in (file.path, *file.links)]
        self.branches.sampling_wanted.connect(self.presets.panel.toggle)
        self.chat.transcript.raise_context_requested.connect(self.fit_panel.focus_context)

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

    def _connect_hub(self) -> None:
        hub = self.hub
        hub.on_line_requested.connect(self._go_on_line)
        hub.endpoint_chosen.connect(lambda endpoint: self.chosen.choose(endpoint=endpoint))
        hub.downloads.window_requested.connect(partial(come_forward, self))
        hub.downloads.quit_requested.connect(self.close)
        self.models.shelf.table_made.connect(self._use_columns)

    def _tell(self, error: UserFacingError) -> None:
        """Something could not be done: say it where it is seen, whatever page lies over the chat."""
        if self.centre.page is self.chat:
            self.chat.tell_problem(error)
        else:
            self.problem.tell_error(error, remedy=tr("Dismiss"))

    def _show_presets(self) -> None:
        """Whose system prompt and sampling the panel is about: of the chat, and of the model that would answer."""
        state, choice = self.chat.state, self.fit_panel.choice
        model = state.model if isinstance(state, Ready) else self.side_bar.models.selected
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
        self.setWindowTitle(tr("{name} - NodeTool XL Desktop", name=name) if name else tr("NodeTool XL Desktop"))

    async def _machine(self) -> FitMachine:
        await self.fit.looked()
        return self.fit_panel.machine

    def _go_on_line(self) -> None:
        """Discover was asked for while the program works off line, and the person wants it."""
        self.tools.off_line_action.setChecked(False)
        self.hub.discover.refresh()

    def _use(self, chosen: Preferences) -> None:
        """This was chosen before."""
        self.zoom.use(chosen.zoom)
        self.tools.set_off_line(chosen.off_line)
        self.tools.start()
        self.hub.use_endpoint(chosen.endpoint)
        self.hub.start()
        self.chats.titles.is_on = chosen.title_chats
        self.menus.titles.setChecked(chosen.title_chats)

    def _use_columns(self, table: ModelsTable) -> None:
        """The table is there: its columns are as they were, and are kept."""
        view = table.view
        view.use_columns(self.chosen.now.model_columns)
        self.chosen.read.connect(lambda chosen: view.use_columns(chosen.model_columns))
        view.columns_changed.connect(lambda: self.chosen.choose(model_columns=view.columns))

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
        self.side_bar.models.show_loaded(state.model if isinstance(state, Ready) else None)
        self.menus.show_state(state)

    def _fill_pick(self) -> None:
        self._pick.clear()

        def add(name: str, work: Callable[[], object]) -> None:
            self._pick.addAction(caption(name)).triggered.connect(lambda _checked=False: work())

        self.models.fill(add)
        self._pick.addSeparator()
        add(tr("Open a model file ..."), self.opening.ask_for_files)

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
