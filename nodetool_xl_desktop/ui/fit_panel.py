"""The panel on the right: will it fit, with which context, and the buttons that load and eject."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.states import Broken, Ending, Ready, Starting, State
from nodetool_xl_desktop.fit.memory import HostMemory
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.library.models import title
from nodetool_xl_desktop.preview.report import FitReport, Preview
from nodetool_xl_desktop.ui.context_control import ContextControl
from nodetool_xl_desktop.ui.model_card import ModelCard
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import caption, card_layout, figure, label, restyle
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, Theme

WIDTH = 316


class FitPanel(QFrame):
    """Shows one selected model against the memory there is.

    Args:
        theme: the theme in force.
        memory: looks at the machine's memory; called when it matters, never on a timer.
    """

    #: Load the shown model with `options`.
    load_requested = Signal()
    #: End the loaded model, or the load that is on its way.
    eject_requested = Signal()
    #: Measure which settings make the shown model fast here.
    tune_requested = Signal()

    def __init__(self, theme: Theme, memory: Callable[[], HostMemory]) -> None:
        super().__init__()
        self.setObjectName("fitPanel")
        self.setFixedWidth(WIDTH)
        self.theme = theme
        self._memory = memory
        self._options = LoadOptions()  # all but the context, which has a control
        self._host = memory()
        self._preview: Preview | None = None
        self._state: State | None = None
        self.has_engine = True

        self._source = figure("", "note")
        self._problem = Notice()  # of the selected file
        self._open_problem = Notice()  # of the last files that were opened
        self._model_card = ModelCard(theme)
        self._options_card = self._make_options_card()
        self._lay_out()
        self._context.changed.connect(self._refresh)
        theme.changed.connect(self._show_icons)
        self._show_icons()
        self.show_nothing()

    # What is shown

    def show_nothing(self) -> None:
        """No model is selected."""
        self._preview = None
        self._problem.tell(
            "No model is selected",
            "Drop a .gguf file on the window, or choose one on the left.",
            tone="plain",
        )
        self._show_cards(False)

    def show_error(self, error: UserFacingError) -> None:
        """The selected file is no model that could be loaded."""
        self._preview = None
        self._problem.tell_error(error)
        self._show_cards(False)

    def show_open_problem(self, error: UserFacingError | None) -> None:
        """A file that was opened is no model to load; what is shown stays. None takes it back."""
        if error is None:
            self._open_problem.hide()
        else:
            self._open_problem.tell_error(error)

    def show_preview(self, preview: Preview, options: LoadOptions) -> None:
        """Show a model; the figures follow every control at once.

        Args:
            preview: of the model.
            options: how it is loaded unless the person says otherwise.
        """
        self._preview = preview
        self._options = options
        self._problem.hide()
        self._model_card.show_model(preview)
        loaded = self._loaded_options()
        self._context.set_range(preview.largest_context, (loaded or options).context_length)
        self._show_cards(True)
        self.look_again()

    def show_state(self, state: State) -> None:
        """A model is loading, ready, failed or ending."""
        moved = type(state) is not type(self._state)
        self._state = state
        if isinstance(state, Starting):
            # Before the first bytes are there, a moving bar says that something happens.
            self._progress.setRange(0, 100 if state.progress > 0 else 0)
            self._progress.setValue(round(state.progress * 100))
        if moved:
            self.look_again()

    def look_again(self) -> None:
        """Look at the machine's memory anew, and redraw; not while a model is half in memory.

        What the loaded model holds counts as free, as a load replaces it. Both are looked at together, and not at each
        step of the slider: figures of two moments do not add up.
        """
        if not isinstance(self._state, Starting | Ending):
            held = self._state.server.held() if isinstance(self._state, Ready) else 0
            self._host = self._memory().with_returned(held)
        self._refresh()

    @property
    def options(self) -> LoadOptions:
        """What Load would ask for."""
        return replace(self._options, context_length=self._context.value)

    @property
    def report(self) -> FitReport | None:
        """What is shown now, or None without a model."""
        if self._preview is None:
            return None
        return self._preview.report(self.options, self._host)

    @property
    def can_be_loaded(self) -> bool:
        """Whether the shown file is a model, and there is an engine for it."""
        return self.has_engine and self._preview is not None and self._preview.header.is_model

    def request_load(self) -> None:
        """As a press of Load; nothing where Load is not offered."""
        if not self._load.isHidden() and self._load.isEnabled():
            self.load_requested.emit()

    # How it is made

    def _make_options_card(self) -> QFrame:
        frame = QFrame()
        layout = card_layout(frame)
        layout.setSpacing(SPACE_M)
        self._context = ContextControl(self.theme)
        self._advice = Notice()
        self._advice.remedy_requested.connect(self._apply_advice)
        self._notes = label("", "note", wrap=True)
        self._speed_settings = label("", "note")
        self._tune = QToolButton()
        self._tune.setText("Tune ...")
        self._tune.setProperty("kind", "quiet")
        self._tune.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._tune.setToolTip("Measure which settings make this model fast on this machine")
        self._tune.clicked.connect(self.tune_requested)
        tuning = QHBoxLayout()
        tuning.addWidget(self._speed_settings, 1)
        tuning.addWidget(self._tune)
        layout.addWidget(self._context)
        layout.addLayout(tuning)
        layout.addWidget(self._advice)
        layout.addWidget(self._notes)
        return frame

    def _lay_out(self) -> None:
        self._load = QPushButton("Load")
        self._load.setProperty("kind", "primary")
        self._load.clicked.connect(self.request_load)
        self._eject = QPushButton("Eject")
        self._eject.clicked.connect(self.eject_requested)
        self._cancel = QPushButton("Cancel")
        self._cancel.clicked.connect(self.eject_requested)
        self._progress_text = label("", "note")
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setAccessibleName("Loading")

        body = QWidget()
        body.setObjectName("fitBody")
        column = QVBoxLayout(body)
        column.setContentsMargins(SPACE_L, 0, SPACE_L, SPACE_L)
        column.setSpacing(SPACE_M)
        for part in (self._open_problem, self._problem, self._model_card, self._options_card):
            column.addWidget(part)
        column.addWidget(self._progress_text)
        column.addWidget(self._progress)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_S)
        for button in (self._eject, self._cancel, self._load):
            buttons.addWidget(button, 1)
        column.addLayout(buttons)
        column.addStretch()
        scroll = QScrollArea()
        scroll.setObjectName("fitScroll")
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(body)

        head = QHBoxLayout()
        head.setContentsMargins(SPACE_L, SPACE_M, SPACE_L, 0)
        head.addWidget(label("Will it fit?", "title"))
        head.addWidget(self._source, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 0, 0, 0)  # beside the hairline on the left
        layout.setSpacing(SPACE_M)
        layout.addLayout(head)
        layout.addWidget(scroll, 1)

    def _show_icons(self) -> None:
        self._eject.setIcon(self.theme.icon("eject"))
        self._cancel.setIcon(self.theme.icon("x"))
        self._tune.setIcon(self.theme.icon("gauge"))

    # Drawing the state

    def _show_cards(self, shown: bool) -> None:
        self._model_card.setVisible(shown)
        self._options_card.setVisible(shown)
        self._refresh()

    def _is_shown(self, state: State | None) -> bool:
        """Whether this state is of the model that is shown."""
        files = self._preview.header.files if self._preview else ()
        return isinstance(state, Starting | Ready | Broken | Ending) and state.model in files

    def _loaded_options(self) -> LoadOptions | None:
        state = self._state
        return state.server.options if isinstance(state, Ready) and self._is_shown(state) else None

    def _refresh(self) -> None:
        report = self.report
        self._refresh_buttons(report)
        self._source.setText(self._source_text() if report else "")
        if report is None:
            return
        self._model_card.show_report(report)
        self._context.set_largest_that_fits(report.largest_context)
        self._speed_settings.setText(_speed_settings(report.options))
        self._refresh_advice(report)
        self._notes.setText("\n".join(report.warnings))
        self._notes.setVisible(bool(report.warnings))

    def _source_text(self) -> str:
        if self._loaded_options() == self.options and isinstance(self._state, Ready):
            return f"loaded: {units.memory(self._state.server.taken.total)} taken"
        return "estimate"

    def _refresh_advice(self, report: FitReport) -> None:
        if report.verdict is Verdict.FITS:
            self._advice.tell("", report.advice, tone="good")
            return
        smaller = 0 < report.largest_context < self._context.value
        remedy = "Apply" if smaller and report.verdict is Verdict.WONT_FIT else ""
        self._advice.tell(
            "", report.advice, tone="bad" if report.verdict is Verdict.WONT_FIT else "warning", remedy=remedy
        )

    def _apply_advice(self) -> None:
        report = self.report
        if report is not None:
            self._context.set_value(report.largest_context)

    def _refresh_buttons(self, report: FitReport | None) -> None:
        state = self._state
        busy = isinstance(state, Starting | Ending)
        ready = isinstance(state, Ready)
        self._progress.setVisible(isinstance(state, Starting))
        self._progress_text.setVisible(busy)
        if isinstance(state, Starting):
            self._progress_text.setText(f"Loading {title(state.model)} ...")
        elif isinstance(state, Ending):
            self._progress_text.setText(f"Ejecting {title(state.model)} ...")
        self._cancel.setVisible(isinstance(state, Starting))
        self._eject.setVisible(ready)
        if isinstance(state, Ready):
            self._eject.setText("Eject" if self._is_shown(state) else caption(f"Eject {title(state.model)}", 20))
        same = self._loaded_options() == self.options if self._preview else False
        self._tune.setEnabled(self.can_be_loaded and not busy)
        self._load.setVisible(self._preview is not None and not busy and not same)
        self._load.setEnabled(self.can_be_loaded)
        wont_fit = report is not None and report.verdict is Verdict.WONT_FIT
        restyle(self._load, "kind", "" if wont_fit else "primary")
        self._load.setText("Load anyway" if wont_fit else "Reload" if ready and self._is_shown(state) else "Load")


def _speed_settings(options: LoadOptions) -> str:
    """What a load uses that changes its speed, and has no control."""
    threads = "1 thread" if options.threads == 1 else f"{options.threads} threads"
    flash = {None: "", True: ", flash attention", False: ", no flash attention"}[options.flash_attention]
    return f"{threads}, batch {options.batch}{flash}"
