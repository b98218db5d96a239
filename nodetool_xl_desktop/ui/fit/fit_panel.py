"""The panel on the right: will it fit, how it shall be loaded, and the buttons that load and eject."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.states import Broken, Ending, Ready, Starting, State
from nodetool_xl_desktop.fit.memory import Device, HostMemory, Machine
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.library.model_file import title
from nodetool_xl_desktop.preview.choice import Choice
from nodetool_xl_desktop.preview.confirm import Word
from nodetool_xl_desktop.preview.desk import Desk, Question, Source
from nodetool_xl_desktop.preview.report import FitReport
from nodetool_xl_desktop.ui.content_scroll import ContentScroll
from nodetool_xl_desktop.ui.fit.load_buttons import LoadButtons
from nodetool_xl_desktop.ui.fit.load_controls import LoadControls
from nodetool_xl_desktop.ui.fit.model_card import ModelCard
from nodetool_xl_desktop.ui.inputs import in_order
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import GivingLabel, figure
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XS, Theme, share

WIDTH = 316
#: Of the window's width, at most, in larger letters.
SHARE = 0.31
#: How long the controls are left alone before the engine is asked.
REST_MS = 150
SOURCES = {
    Source.ESTIMATE: tr("Reckoned from the model's header; the engine's own plan follows where there is an engine."),
    Source.CONFIRMED: tr("The engine's own plan says the same; these are its figures."),
    Source.CORRECTED: tr("The engine's own plan says something else; these are its figures."),
    Source.LOADED: tr("The model is loaded just so."),
}


class FitPanel(QFrame):
    """Shows one selected model against the memory there is.

    Args:
        theme: the theme in force.
        memory: looks at the machine's memory; called when it matters, never on a timer.
        devices: what there is beside the processor, where that is known already.
    """

    #: Load the shown model with `options`.
    load_requested = Signal()
    #: End the loaded model, or the load that is on its way.
    eject_requested = Signal()
    #: Measure which settings make the shown model fast here.
    tune_requested = Signal()
    #: Look again at the devices.
    look_requested = Signal()
    #: Loading, or tuning, is offered now, or is not any more.
    offer_changed = Signal()
    #: Something was changed: what was asked of the engine is not wanted any more.
    moved = Signal()
    #: And then left alone: `question` is worth asking.
    rested = Signal()

    def __init__(self, theme: Theme, memory: Callable[[], HostMemory], devices: Sequence[Device] = ()) -> None:
        super().__init__()
        self.setObjectName("fitPanel")
        self.setFixedWidth(WIDTH)
        self.setAccessibleName(tr("Will it fit?"))
        self.theme = theme
        self._memory = memory
        self._desk = Desk(Machine(memory(), tuple(devices)))
        self._asked: Question | None = None
        self._offered = (False, False)
        self._state: State | None = None
        self._held = 0
        self.held_on_devices = 0
        self.has_engine = True

        self._source = figure("", "note", gives=True)
        self._look = QToolButton()
        self._problem = Notice()  # of the selected file
        self._open_problem = Notice()  # of the last files that were opened
        self._model_card = ModelCard(theme)
        self._controls = LoadControls(theme)
        self._context = self._controls.context
        self._buttons = LoadButtons(theme)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self.rested)
        self._lay_out()
        self._connect()
        self._show_icons()
        self.show_nothing()

    def fit(self, width: int) -> None:
        """Be as wide as the letters ask for in a window of this width."""
        self.setFixedWidth(share(WIDTH, width, SHARE))

    # What is shown

    def show_nothing(self) -> None:
        """No model is selected."""
        self._desk.clear()
        self._problem.tell(
            tr("No model is selected"),
            tr("Drop a .gguf file on the window, or choose one on the left."),
            tone="plain",
        )
        self._show_cards(False)

    def show_error(self, error: UserFacingError) -> None:
        """The selected file is no model that could be loaded."""
        self._desk.clear()
        self._problem.tell_error(error)
        self._show_cards(False)

    def show_open_problem(self, error: UserFacingError | None) -> None:
        """A file that was opened is no model to load; what is shown stays. None takes it back."""
        if error is None:
            self._open_problem.hide()
        else:
            self._open_problem.tell_error(error)

    def show_choice(self, choice: Choice, took: Mapping[str, int] | None = None) -> None:
        """Show a model; the figures follow every control at once.

        Args:
            choice: the model, and how it is loaded unless the person says otherwise.
            took: what loads of it took before, by `library.loads.key` of their options, in bytes.
        """
        self._problem.hide()
        self._model_card.show_model(choice.preview)
        self._desk.put(choice, took or {}, _options_of(self._state, choice))
        self._controls.show_model(choice, self._desk.report.options if self._desk.report else choice.defaults)
        self._show_cards(True)
        self.look_again()

    def show_state(self, state: State) -> None:
        """A model is loading, ready, failed or ending."""
        moved = type(state) is not type(self._state)
        self._state = state
        self._buttons.show_state(state, is_shown=self._is_shown(state))
        if moved:
            self.look_again()

    def show_devices(self, devices: Sequence[Device]) -> None:
        """Other devices are there, or other memory of them is free; what the loaded model holds counts as free."""
        self._desk.see(devices=devices, loaded=self._loaded)
        self.look_again()

    def show_word(self, word: Word) -> None:
        """The engine has said something of a load."""
        self._desk.hear(word)
        self._refresh()

    def show_took(self, options: LoadOptions, size: int) -> None:
        """A load of the shown model with these options took so many bytes."""
        self._desk.keep_taken(options, size)
        self._refresh()

    def look_again(self) -> None:
        """Look at the machine's memory anew, and redraw; not while a model is half in memory.

        What the loaded model holds counts as free, as a load replaces it. Both are looked at together, and not at each
        step of the slider: figures of two moments do not add up.
        """
        host = None
        if not isinstance(self._state, Starting | Ending):
            self._held = self._state.server.held() if isinstance(self._state, Ready) else 0
            host = self._memory().with_returned(self._held)
        self._desk.see(host=host, loaded=self._loaded)
        self._refresh()

    def keep_free(self, margin: int) -> None:
        """So many bytes of each memory are to stay free."""
        self._desk.keep_free(margin)
        self._refresh()

    @property
    def machine(self) -> Machine:
        """The memory that a load could take, what is loaded counted as free."""
        return self._desk.machine

    @property
    def choice(self) -> Choice | None:
        """How the person wants the shown model; None without a model."""
        return self._desk.choice

    @property
    def options(self) -> LoadOptions:
        """What Load would ask for."""
        report = self.report
        return report.options if report is not None else LoadOptions()

    @property
    def report(self) -> FitReport | None:
        """What is shown now, or None without a model."""
        self._context.value  # noqa: B018 - what is typed and not yet confirmed counts
        return self._desk.report

    @property
    def question(self) -> Question | None:
        """What the engine could be asked now; None where it has said it, or a load says it, or nobody can."""
        busy = isinstance(self._state, Starting | Ending)
        return self._desk.question if self.can_be_loaded and not busy else None

    @property
    def can_be_loaded(self) -> bool:
        """Whether the shown file is a model, and there is an engine for it."""
        return self.has_engine and self._desk.choice is not None and self._desk.choice.preview.header.is_model

    @property
    def can_load(self) -> bool:
        """Whether Load is offered."""
        return self._buttons.can_load

    @property
    def can_tune(self) -> bool:
        """Whether Tune is offered."""
        return self._controls.advanced.tune.isEnabled() and not self._controls.isHidden()

    def request_load(self) -> None:
        """As a press of Load; nothing where Load is not offered."""
        if self.can_load:
            self.load_requested.emit()

    def choose_context(self, tokens: int) -> None:
        """Want the shown model with another context, as if it was set by hand."""
        self._change({"context_length": tokens})

    def focus_context(self) -> None:
        """Go to where the context is set."""
        self._controls.inputs[0].setFocus()

    def ask_again(self) -> None:
        """What could not be asked of the engine may be asked now."""
        self._asked = None
        self._refresh()

    # How it is made

    def _lay_out(self) -> None:
        self._look.setProperty("kind", "icon")
        self._look.setToolTip(tr("Look again at the devices and their memory"))
        self._look.setAccessibleName(tr("Look again"))
        body = QWidget()
        body.setObjectName("fitBody")
        column = QVBoxLayout(body)
        column.setContentsMargins(SPACE_L, 0, SPACE_L, 0)
        column.setSpacing(SPACE_M)
        for part in (self._open_problem, self._problem, self._model_card, self._controls):
            column.addWidget(part)
        scroll = ContentScroll(body)
        scroll.setObjectName("fitScroll")
        head = QHBoxLayout()
        head.setContentsMargins(SPACE_L, SPACE_S, SPACE_L, 0)
        head.setSpacing(SPACE_XS)
        head.addWidget(GivingLabel("title", tr("Will it fit?")))
        head.addWidget(self._source, 1)
        head.addWidget(self._look)
        foot = QHBoxLayout()
        foot.setContentsMargins(SPACE_L, 0, SPACE_L, SPACE_L)
        foot.addWidget(self._buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 0, 0, 0)  # beside the hairline on the left
        layout.setSpacing(SPACE_M)
        layout.addLayout(head)
        layout.addWidget(scroll, 1)
        layout.addLayout(foot)
        layout.addStretch()

    def _connect(self) -> None:
        self._controls.changed.connect(self._change)
        self._controls.advice.apply_requested.connect(self._apply)
        self._controls.advanced.reset_requested.connect(self._reset)
        self._controls.advanced.tune_requested.connect(self.tune_requested)
        self._buttons.load_requested.connect(self.request_load)
        self._buttons.eject_requested.connect(self.eject_requested)
        self._look.clicked.connect(self.look_requested)
        self.theme.changed.connect(self._show_icons)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        in_order(self._look, *self._controls.inputs, *self._buttons.inputs)

    def _show_icons(self) -> None:
        self._look.setIcon(self.theme.icon("arrows-clockwise"))

    # What the person changes

    def _change(self, said: dict[str, Any]) -> None:
        if self._desk.choice is not None:
            self._desk.choose(self._desk.choice.change(**said))
            self._refresh()

    def _apply(self, number: int) -> None:
        self._desk.apply(number)
        self._refresh()

    def _reset(self) -> None:
        if self._desk.choice is not None:
            self._desk.choose(self._desk.choice.reset())
            self._refresh()

    # Drawing the state

    def _show_cards(self, shown: bool) -> None:
        self._model_card.setVisible(shown)
        self._controls.setVisible(shown)
        self._refresh()

    def _is_shown(self, state: State | None) -> bool:
        """Whether this state is of the model that is shown."""
        files = self._desk.choice.preview.header.files if self._desk.choice else ()
        return isinstance(state, Starting | Ready | Broken | Ending) and state.model in files

    @property
    def _loaded(self) -> LoadOptions | None:
        return _options_of(self._state, self._desk.choice)

    def _refresh(self) -> None:
        desk, report, choice = self._desk, self._desk.report, self._desk.choice
        self._refresh_buttons()
        self._source.setText(tr(desk.source.value) if report is not None else "")
        self._source.setToolTip(SOURCES[desk.source])
        if report is not None and choice is not None:
            self._model_card.show_report(report, desk.taken, self._returned())
            self._controls.show_choice(choice, report)
            self._controls.show_advice(report.verdict, desk.advice, desk.remedies, desk.notes)
        if self.question != self._asked:
            self._asked = self.question
            self.moved.emit()
            if self._asked is not None:
                self._rest.start()

    def _returned(self) -> str:
        state, size = self._state, self._held + self.held_on_devices
        if not isinstance(state, Ready) or not size:
            return ""
        return tr(
            "Ejecting {model} gives back {size}, counted as free here.",
            model=title(state.model),
            size=units.memory(size),
        )

    def _refresh_buttons(self) -> None:
        self._offer()
        if (offered := (self.can_load, self.can_tune)) != self._offered:
            self._offered = offered
            self.offer_changed.emit()

    def _offer(self) -> None:
        state, report = self._state, self._desk.report
        busy = isinstance(state, Starting | Ending)
        self._buttons.show_state(state, is_shown=self._is_shown(state))
        self._controls.advanced.tune.setEnabled(self.can_be_loaded and not busy)
        if report is None or busy or self._desk.is_as_loaded:
            self._buttons.offer_load("", enabled=False, primary=True)
            return
        wont_fit = report.verdict is Verdict.WONT_FIT
        reload = isinstance(state, Ready) and self._is_shown(state)
        words = tr("Load anyway") if wont_fit else tr("Reload") if reload else tr("Load")
        self._buttons.offer_load(words, enabled=self.can_be_loaded, primary=not wont_fit)


def _options_of(state: State | None, choice: Choice | None) -> LoadOptions | None:
    """How this model is loaded; None where it is not."""
    is_it = isinstance(state, Ready) and choice is not None and state.model in choice.preview.header.files
    return state.server.options if is_it and isinstance(state, Ready) else None
