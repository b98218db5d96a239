"""The middle of the window: the model on top, the chat, and the composer below."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nodetool_xl_desktop.chat.session import ChatSession
from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.states import Broken, Empty, Ending, Ready, Starting, State
from nodetool_xl_desktop.library.model_file import title
from nodetool_xl_desktop.store.errors import StoreError
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.actions import action_of
from nodetool_xl_desktop.ui.composer.composer import Composer
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.page_head import PageHead
from nodetool_xl_desktop.ui.parts import ElidedLabel, caption
from nodetool_xl_desktop.ui.presets.preset_button import PresetButton
from nodetool_xl_desktop.ui.store_problem import StoreBanners, StoreProblem
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XL, Theme
from nodetool_xl_desktop.ui.transcript.transcript import COLUMN_WIDTH, Transcript
from nodetool_xl_desktop.ui.undo_bar import UndoBar
from nodetool_xl_desktop.ui.welcome import Welcome

#: Of the chat something stays to be seen, however much is written below it.
LEAST_PAGE = 72
DOTS = {Ready: "accent", Starting: "warning", Ending: "warning", Broken: "bad", Empty: "others"}


class ChatPane(QWidget):
    """Shows one chat and the state of the model. What is to happen is decided by `ChatFlow`.

    Args:
        theme: the theme in force.
        tasks: where attachments are read.

    Attributes:
        above_composer: what comes between the chat and the composer, when it has something to say.
        pill: the model; pressed, another one is chosen.
        more: has a menu of what can be done with the chat.
        presets: says which preset holds.
        banners: what should be known of the store.
        store_problem: why there is none.
        undo: offers to take back what was just deleted.
    """

    #: Load this model (None: the selected one).
    load_requested = Signal(object)
    open_requested = Signal()

    def __init__(self, theme: Theme, tasks: Tasks) -> None:
        super().__init__()
        self._theme = theme
        self._tasks = tasks
        self._state: State = Empty()
        self._selected = ""
        self._session: ChatSession | None = None
        self._told: UserFacingError | None = None
        self._has_no_store = False
        self._offered: Path | None = None
        #: The models that could be loaded.
        self.models: Callable[[], Collection[Path]] = tuple
        self.transcript = Transcript(theme)
        self.transcript.load_requested.connect(self._load_again)
        self.composer = Composer(theme, tasks)
        self.composer.field.left_upwards.connect(lambda: self.transcript.step(-1))
        self.transcript.left_downwards.connect(self.composer.focus)
        self.welcome = Welcome()
        self.welcome.load_requested.connect(lambda: self.load_requested.emit(None))
        self.welcome.open_requested.connect(self.open_requested)
        self.pill = QToolButton()
        self.more = QToolButton()
        self._lay_out()
        theme.changed.connect(self._refresh)
        self._refresh()

    def _make_bar(self) -> PageHead:
        self._status = ElidedLabel("note")
        self.presets = PresetButton(self._theme)
        self.more.setAccessibleName(tr("More"))
        self.more.setToolTip(tr("What can be done with this chat"))
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.pill.setObjectName("modelPill")
        self.pill.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.pill.setToolTip(action_of("model.choose").tip)
        bar = PageHead()
        bar.row.setSpacing(SPACE_S + 2)
        bar.add(self.pill)
        bar.row.addWidget(self._status, 1)
        bar.add(self.presets, self.more)
        return bar

    def _lay_out(self) -> None:
        bar = self._make_bar()
        self._pages = QStackedWidget()
        self._pages.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)  # a long draft goes first
        self._pages.setMinimumHeight(LEAST_PAGE)
        self._pages.addWidget(self.welcome)
        self._pages.addWidget(self.transcript)
        self.store_problem = StoreProblem(self._theme)
        self._pages.addWidget(self.store_problem)
        self.banners = StoreBanners(self._theme)
        self.undo = UndoBar(self._theme, self._pages)
        self._problem = Notice()
        self._problem.remedy_requested.connect(self._load_again)
        self._offer = Notice()
        self._offer.remedy_requested.connect(lambda: self.load_requested.emit(self._offered))
        foot = QWidget()
        self.above_composer = QVBoxLayout()
        self.above_composer.setSpacing(SPACE_S)
        column = QVBoxLayout()
        column.setSpacing(SPACE_S)
        column.addLayout(self.above_composer)
        column.addWidget(self._problem)
        column.addWidget(self._offer)
        column.addWidget(self.composer)
        holder = QWidget()
        holder.setMaximumWidth(COLUMN_WIDTH + 2 * SPACE_L)
        holder.setLayout(column)
        column.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout(foot)
        row.setContentsMargins(SPACE_XL, 0, SPACE_XL, SPACE_M + 4)
        row.addStretch(1)
        row.addWidget(holder, 1000)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(bar)
        layout.addWidget(self.banners)
        layout.addWidget(self._pages, 1)
        layout.addWidget(foot)

    def use(self, store: Store) -> None:
        """Chats are kept here from now on."""
        self._has_no_store = False
        self.composer.set_store(store)
        self.transcript.set_files(store.files.read, self._tasks)
        self._refresh()

    @property
    def state(self) -> State:
        """Whether a model is loaded."""
        return self._state

    def show_state(self, state: State) -> None:
        """A model is loading, ready, failed or ending."""
        self._state = state
        self._told = None
        if isinstance(state, Ready):
            self.transcript.hide_remedies()
        self.composer.set_hint("")
        self._refresh()

    def show_selected(self, name: str) -> None:
        """The model that a load would take; empty for none."""
        self._selected = name
        self._refresh()

    def show_session(self, session: ChatSession | None, at: str | None = None) -> None:
        """Show a chat as it is now; None for one in which nothing was said yet.

        Args:
            session: the chat.
            at: a message to go to.
        """
        self._session = session
        self._told = None
        if session is None:
            self.transcript.clear()
        else:
            self.transcript.show_chat(session.shown, session.tree.versions, at)
        self.composer.set_answering(session is not None and session.is_answering)
        self._refresh()

    def tell_no_store(self, problem: StoreError) -> None:
        """The chats could not be opened; until `use`."""
        self._has_no_store = True
        self.store_problem.tell(problem)
        self._refresh()

    @property
    def problem(self) -> UserFacingError | None:
        """What was told last by `tell_problem`, as long as it stands there."""
        return self._told

    def tell_problem(self, problem: UserFacingError) -> None:
        """Something could not be done; it stands there until the next thing is done."""
        self._told = problem
        self._refresh_problem()

    def untell_problem(self, problem: UserFacingError) -> None:
        """This is over; whatever else was told stays."""
        if self._told is problem:
            self._told = None
            self._refresh_problem()

    def _refresh_problem(self) -> None:
        """Say why the model is not loaded, unless the last answer says it already."""
        state, session = self._state, self._session
        last = session.shown[-1] if session is not None and len(session.shown) else None
        told = last.about.error if last is not None else None
        answering = session is not None and session.is_answering
        if self._told is not None:
            self._problem.tell_error(self._told)
        elif isinstance(state, Broken) and not answering and state.error is not told:
            self._problem.tell_error(state.error, remedy=tr("Load again"))
        else:
            self._problem.hide()

    def _refresh_offer(self) -> None:
        """Offer the model that answered in this chat, where another one would answer now, or none."""
        state, session = self._state, self._session
        last = session.shown[-1] if session is not None and len(session.shown) else None
        answered_by = last.about.model if last is not None else None
        self._offered = Path(answered_by.file) if answered_by is not None and answered_by.file else None
        here = state.model if isinstance(state, Starting | Ready | Broken) else None
        if answered_by is None or self._offered in (None, here) or self._offered not in self.models():
            self._offer.hide()
            return
        text = tr("{here} would answer now.", here=title(here)) if isinstance(state, Ready) and here is not None else ""
        self._offer.tell(
            tr("{name} answered here last.", name=answered_by.name), text, tone="plain", remedy=tr("Load It")
        )

    def _load_again(self) -> None:
        """The model that broke, whatever is selected."""
        self.load_requested.emit(self._state.model if isinstance(self._state, Broken) else None)

    def _refresh(self) -> None:
        state = self._state
        named = state.model if isinstance(state, Starting | Ready | Broken | Ending) else None
        model = title(named) if named else self._selected
        self.pill.setAccessibleName(tr("Model: {name}", name=model) if model else tr("Model: none is chosen"))
        said = caption(model or tr("Choose a Model"))
        self.pill.setText(f"{said}  ▾")
        self.pill.setIcon(self._theme.icon("circle-fill", DOTS[type(state)]))
        self.more.setIcon(self._theme.icon("dots-three", "text"))
        self._status.setText(self._status_text(state))
        empty = self._session is None or not len(self._session.shown)
        if self._has_no_store:
            self._pages.setCurrentWidget(self.store_problem)
        else:
            self._pages.setCurrentWidget(self.welcome if empty else self.transcript)
        self.welcome.show_state(state, self._selected)
        self._refresh_problem()
        self._refresh_offer()

    @staticmethod
    def _status_text(state: State) -> str:
        match state:
            case Starting():
                return tr("Loading ... {progress:.0%}", progress=state.progress)
            case Ready():
                return tr("Ready · {context_length}", context_length=units.tokens(state.server.context_length))
            case Ending():
                return tr("Ejecting ...")
        return tr("Not loaded")
