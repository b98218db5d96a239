"""The window: the side bar, the centre and the fit panel, with the menus and keys of what they can do."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QVBoxLayout, QWidget

from nodetool_xl_desktop.chat.asker import Asker, identity
from nodetool_xl_desktop.chat.attached_files import ReadFile, attached
from nodetool_xl_desktop.chat.context import no_attachment
from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.setting import Section, Setting
from nodetool_xl_desktop.core.settings_file import SettingsFile
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.engine import hardware
from nodetool_xl_desktop.engine.loader import Loader
from nodetool_xl_desktop.engine.states import Ready, Starting, State
from nodetool_xl_desktop.engine.wheels import Wheel
from nodetool_xl_desktop.fit.memory import Machine as FitMachine
from nodetool_xl_desktop.hub.endpoint import hub_of
from nodetool_xl_desktop.library.settings import ModelSettings
from nodetool_xl_desktop.library.starter_download import StarterDownload
from nodetool_xl_desktop.markdown.reading import warm_up
from nodetool_xl_desktop.preview.badges import Badges
from nodetool_xl_desktop.ui.actions import Actions
from nodetool_xl_desktop.ui.branch_flow import BranchFlow
from nodetool_xl_desktop.ui.centre import Centre, Pages
from nodetool_xl_desktop.ui.chat_flow import ChatFlow
from nodetool_xl_desktop.ui.chat_pane import ChatPane
from nodetool_xl_desktop.ui.chats.chat_browser import ChatBrowser
from nodetool_xl_desktop.ui.chosen import Chosen
from nodetool_xl_desktop.ui.context.context_flow import ContextFlow, Machine
from nodetool_xl_desktop.ui.drop_overlay import DropOverlay
from nodetool_xl_desktop.ui.engine.engine_flow import EngineFlow
from nodetool_xl_desktop.ui.exchange.export_flow import ExportFlow
from nodetool_xl_desktop.ui.first_flow import FirstFlow
from nodetool_xl_desktop.ui.fit.fit_flow import FitFlow
from nodetool_xl_desktop.ui.fit.fit_panel import FitPanel
from nodetool_xl_desktop.ui.hub_flow import HubFlow
from nodetool_xl_desktop.ui.list_flow import ListFlow
from nodetool_xl_desktop.ui.model_flow import ModelFlow
from nodetool_xl_desktop.ui.models.models_page import ModelsPage
from nodetool_xl_desktop.ui.motion import Motion
from nodetool_xl_desktop.ui.navigation import Navigation
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.one_program import come_forward
from nodetool_xl_desktop.ui.opening import Opening
from nodetool_xl_desktop.ui.panes import Pane, Panes
from nodetool_xl_desktop.ui.presets.preset_flow import PresetFlow
from nodetool_xl_desktop.ui.report.help_flow import HelpFlow
from nodetool_xl_desktop.ui.rooms import Rooms
from nodetool_xl_desktop.ui.settings.privacy_flow import PrivacyFlow
from nodetool_xl_desktop.ui.settings.settings_flow import SettingsFlow
from nodetool_xl_desktop.ui.side_bar import SideBar, Tab
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
        self.theme = theme
        self.tasks = Tasks()
        self._make_flows(theme, rooms)
        self.fit_panel.has_engine = missing_engine is None
        self.chat.welcome.need_engine(missing_engine)
        self._lay_out(theme)
        self.commands = Actions(self)
        self._connect()
        self._use_settings(self.settings, theme, rooms.loader)
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
        kept_in = SettingsFile(rooms.paths.settings_file, older=rooms.paths.preferences_file)
        self.chosen = Chosen(kept_in, self.tasks, self._tell)
        self.settings = SettingsFlow(theme, self.chosen, self.tasks, self._tell)
        self.engine = EngineFlow(theme, self.tasks, rooms.paths.engines, self._tell, self)
        self.settings.add_section(Section.ENGINE, lambda: self.engine.page)
        self.privacy = PrivacyFlow(
            tasks=self.tasks,
            paths=rooms.paths,
            models=lambda: rooms.library.folders.own,
            tokens=rooms.elsewhere.tokens,
            endpoint=lambda: hub_of(self.hub.endpoint or None),
            tell=self._tell,
            parent=self,
        )
        self.settings.made.connect(self.privacy.follow)
        self.settings.add_section(Section.PRIVACY, lambda: self.privacy.page)
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
        self.help = HelpFlow(
            theme=theme,
            tasks=self.tasks,
            paths=rooms.paths,
            fit=self.fit_panel,
            state=lambda: self.chat.state,
            values=lambda: self.chosen.now,
            tell=self._tell,
            window=self,
        )
        self.first = FirstFlow(
            download=StarterDownload(rooms.paths),
            chats=self.chats,
            models=self.models,
            page=models,
            fit=self.fit_panel,
            tasks=self.tasks,
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
        self.side_bar.setParent(body)  # a screen reader goes through the panes in this order: from left to right
        pages = Pages(
            self.chat,
            table=lambda: self.models.table,
            repository=lambda: self.hub.page,
            downloads=lambda: self.hub.downloads.page,
            settings=lambda: self.settings.page,
        )
        self.centre = Centre(self.side_bar, self.fit_panel, pages, body)
        self.problem = Notice()
        self.problem.remedy_requested.connect(self.problem.hide)
        for something_else in (self.centre.changed, self.hub.discover_wanted, self.hub.added):
            something_else.connect(self.problem.hide)
        row.addWidget(self.side_bar)
        middle = QVBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.help.notice)
        middle.addWidget(self.problem)
        middle.addWidget(self.engine.notice)
        middle.addWidget(self.centre, 1)
        row.addLayout(middle, 1)
        row.addWidget(self.fit_panel)
        self.panes = Panes(
            (Pane(self.side_bar, self.side_bar.focus_page), Pane(self.centre, self._focus_page), Pane(self.fit_panel))
        )
        self._overlay = DropOverlay(theme, self, self.tasks)
        self.opening = Opening(self, self._overlay, self.tasks, lambda: self.hub.endpoint or None)
        self.navigation = Navigation(
            side_bar=self.side_bar,
            centre=self.centre,
            chats=self.chats,
            models=self.models,
            hub=self.hub,
            opening=self.opening,
            settings=self.settings,
            start=partial(self.tasks.start, tell=self._tell),
        )

    def _connect(self) -> None:
        self.fit_panel.look_requested.connect(self.fit_panel.look_again)
        self.side_bar.models.open_requested.connect(self.opening.ask_for_files)
        self.chat.open_requested.connect(self.opening.ask_for_files)
        ListFlow(self.side_bar.chats, self.chats, self.exports, self.store_flow)
        self.chats.shown_changed.connect(self._show_presets)
        self.chats.shown_changed.connect(self._name)
        self.chats.chat_changed.connect(self._name)
        self._connect_actions()
        self._connect_tools()
        self._connect_hub()
        self.engine.changed.connect(self._engine_changed)
        self.chosen.read.connect(self._begin)
        self.chosen.mended.connect(self._untell)
        self.theme.changed.connect(self._share_width)
        self.chat.transcript.zoom_requested.connect(self.zoom.step)
        self.zoom.chosen.connect(partial(self.chosen.choose, settings.ZOOM))
        choose_model = self.commands["model.choose"].trigger
        self.chat.pill.clicked.connect(choose_model)
        self.chat.transcript.choose_model_requested.connect(choose_model)
        self.chat.models = lambda: [path for file in self.side_bar.models.files for path in (file.path, *file.links)]
        self.branches.sampling_wanted.connect(self.presets.panel.toggle)
        self.chat.transcript.raise_context_requested.connect(self.fit_panel.focus_context)

    def _connect_actions(self) -> None:
        """What says that something else can be done now."""
        chats, look = self.chats, self.commands.look_soon
        for told in (chats.shown_changed, chats.chat_changed, chats.asked, chats.answer_ended, chats.calls_changed):
            told.connect(look)
        for other in (self.fit_panel.offer_changed, self.centre.changed, self.store_flow.opened, self.tools.started):
            other.connect(look)
        self.chosen.changed.connect(look)

    def _connect_tools(self) -> None:
        def files() -> Mapping[str, ReadFile]:
            store = self.chats.store
            read = store.files.read if store is not None else no_attachment
            return attached(self.chats.shown, self.chat.composer.parts, read)

        self.tools.files = files
        self.chats.shown_changed.connect(self.tools.show_for)
        self.tools.changed.connect(self.context.look_again)
        self.context.gauge.use_changed.connect(self.tools.show_cost)
        self.tools.off_line_changed.connect(partial(self.chosen.choose, settings.OFF_LINE))
        self.exports.imported.connect(self.tools.forget_chats)
        self.chat.transcript.set_tool_titles(self.tools.title)

    def _connect_hub(self) -> None:
        hub = self.hub
        first = self.chat.welcome.first
        first.discover_requested.connect(partial(self.navigation.show_tab, Tab.DISCOVER))
        first.pick_requested.connect(self.navigation.show_repository)
        first.on_line_requested.connect(self._get_on_line)
        self.store_flow.opened.connect(self.first.store_opened)
        hub.on_line_requested.connect(self._go_on_line)
        hub.endpoint_chosen.connect(partial(self.chosen.choose, settings.ENDPOINT))
        hub.downloads.window_requested.connect(partial(come_forward, self))
        hub.downloads.quit_requested.connect(self.close)
        self.models.shelf.table_made.connect(self._use_columns)

    def _tell(self, error: UserFacingError) -> None:
        """Something could not be done: say it where it is seen, whatever page lies over the chat."""
        if self.centre.page is self.chat:
            self.chat.tell_problem(error)
        else:
            self.problem.tell_error(error, remedy=tr("Dismiss"))

    def _untell(self, error: UserFacingError) -> None:
        """That is over, wherever it was said."""
        self.chat.untell_problem(error)
        self.problem.untell(error)

    def _share_width(self) -> None:
        """With larger letters what stands at the sides is wider, as far as the window has room."""
        self.side_bar.fit(self.width())
        self.fit_panel.fit(self.width())

    def _focus_page(self) -> None:
        """Have the keys go to what is most used of the page in the centre."""
        if self.centre.page is self.chat:
            self.chat.composer.focus()

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

    def _get_on_line(self) -> None:
        """The starter model was asked for while the program works off line, and the person wants it."""
        if self.tools.is_off_line:
            self.tools.switch_off_line()
        self.first.get()

    def _go_on_line(self) -> None:
        """Discover was asked for while the program works off line, and the person wants it."""
        if self.tools.is_off_line:
            self.tools.switch_off_line()
        self.hub.discover.refresh()

    def _use_settings(self, use: SettingsFlow, theme: Theme, loader: Loader) -> None:
        """What each of them does here."""
        use.use(settings.THEME, theme.use)
        use.use(settings.MOTION, Motion(self, self.tasks).choose)
        use.use(settings.ZOOM, self.zoom.use)
        use.use(settings.OFF_LINE, self.tools.set_off_line)
        for purpose in Purpose:
            use.use(purpose.switch, partial(self.tools.allow, purpose))
        use.use(settings.ENDPOINT, self.hub.use_endpoint)
        use.use(settings.TITLES, self._title_chats)
        use.use(settings.SEND_WITH, lambda keys: self.chat.composer.send_with(control=keys == "ctrl+enter"))
        use.use(settings.TELL_DOWNLOADS, self._tell_downloads)
        use.use(settings.KEPT_FREE, self._keep_free)
        use.use(settings.EJECT_AFTER, lambda minutes: loader.keep(minutes * 60.0))
        for of_loads in settings.OF_LOADS:  # changed by an editor, or here
            use.use(of_loads, lambda _value: self.models.look_at_settings())
        self.chosen.kept.connect(self._look_at_settings)

    def _look_at_settings(self, kept: tuple[Setting[Any], ...]) -> None:
        """What says how models are loaded reads it from the disk."""
        if any(setting in settings.OF_LOADS for setting in kept):
            self.models.look_at_settings()

    def _tell_downloads(self, tells: bool) -> None:
        self.hub.downloads.tells = tells

    def _keep_free(self, mib: int) -> None:
        self.fit_panel.keep_free(mib * MIB)
        self.fit.machine_changed()

    def _title_chats(self, is_on: bool) -> None:
        self.chats.titles.is_on = is_on
        self.commands.look_soon()

    def _begin(self) -> None:
        """It is known what was chosen before: what looks at it may begin."""
        self.tools.start()
        self.hub.start()

    def _engine_changed(self, is_there: bool) -> None:
        """Another engine is used from the next load on; it may see other devices."""
        self.fit_panel.has_engine = is_there
        if is_there:
            self.chat.welcome.need_engine(None)
        self.fit.look()
        self.commands.look_soon()

    def _use_columns(self, table: ModelsTable) -> None:
        """The table is there: its columns are as they were, and are kept."""
        view = table.view
        view.use_columns(self.chosen.now[settings.MODEL_COLUMNS])
        self.chosen.read.connect(lambda values: view.use_columns(values[settings.MODEL_COLUMNS]))
        view.columns_changed.connect(lambda: self.chosen.choose(settings.MODEL_COLUMNS, view.columns))

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
        self.commands.look_soon()

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
        self._share_width()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.ActivationChange and self.isActiveWindow():
            self.fit.machine_changed()
            self.chosen.look_again()

    def closeEvent(self, event: QCloseEvent) -> None:
        event.accept()
        self.closed.emit()
