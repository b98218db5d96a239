"""What stands where a chat will be: the one next step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.states import Ready, Starting, State
from nodetool_xl_desktop.engine.wheels import Wheel
from nodetool_xl_desktop.library.model_file import ModelFile, title
from nodetool_xl_desktop.ui.first_start import WIDTH, EnterButton, FirstStart
from nodetool_xl_desktop.ui.inputs import LateStops
from nodetool_xl_desktop.ui.parts import caption, label, restyle, tooltip
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XL, SPACE_XS

#: So many other models are named beside the selected one.
MOST_FOUND = 3
EXAMPLES = (
    tr("How does a rainbow come about?"),
    tr("Write a short poem about the sea."),
    tr("What could I cook with rice and tomatoes?"),
)


class Welcome(QScrollArea):
    """Says what to do next: install an engine, get a model, load it, or ask.

    Attributes:
        first: the ways to a model, for who has none.
    """

    load_requested = Signal()
    #: Load this one instead of the selected one.
    load_other_requested = Signal(Path)
    open_requested = Signal()
    #: Ask this.
    ask_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("welcome")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._wheel: Wheel | None = None
        self._state: State | None = None
        self._selected = ""
        self._is_first: bool | None = None
        self._is_new = False
        self._others: Sequence[ModelFile] = ()
        self._does: Callable[[], object] | None = None
        self._action = ""
        self.first = FirstStart()
        self.first.open_requested.connect(self.open_requested)
        self._make_words()
        self._choices = QVBoxLayout()
        self._choices.setSpacing(SPACE_S)
        self._lay_out()
        self._late = LateStops(self)

    def _make_words(self) -> None:
        self._headline = label("", "headline", wrap=True)
        self._text = label("", "body", wrap=True)
        self._verdict = label("")
        self._command = label(selects=True)
        self._command.setObjectName("command")
        self._command.setWordWrap(True)
        self._command.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._button = EnterButton()
        self._button.clicked.connect(self._pressed)
        self._above = label("", "note")
        for centred in (self._headline, self._text, self._verdict, self._above):
            centred.setAlignment(Qt.AlignmentFlag.AlignCenter)

    def _lay_out(self) -> None:
        self._next = QWidget()
        words = QVBoxLayout(self._next)
        words.setContentsMargins(0, 0, 0, 0)
        words.setSpacing(SPACE_M)
        words.addWidget(self._headline)
        words.addWidget(self._text)
        words.addWidget(self._verdict, 0, Qt.AlignmentFlag.AlignHCenter)
        words.addWidget(self._command)
        words.addWidget(self._button, 0, Qt.AlignmentFlag.AlignHCenter)
        words.addSpacing(SPACE_S)
        words.addWidget(self._above)
        words.addLayout(self._choices)
        body = QWidget()
        body.setObjectName("welcomeBody")
        across = QHBoxLayout(body)
        across.setContentsMargins(SPACE_XL, SPACE_L, SPACE_XL, SPACE_L)
        holder = QWidget()
        holder.setMaximumWidth(WIDTH)
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.addStretch(2)
        column.addWidget(self.first)
        column.addWidget(self._next)
        column.addStretch(3)
        across.addStretch(1)
        across.addWidget(holder, 1000)
        across.addStretch(1)
        self.setWidget(body)

    # What is known

    def need_engine(self, wheel: Wheel | None) -> None:
        """No engine is installed, and this one would suit; None takes it back."""
        self._wheel = wheel

    def show_first(self, is_first: bool) -> None:
        """It is known whether there is any model on this disk."""
        if is_first != self._is_first:
            self._is_first = is_first
            self._refresh()

    def show_new(self, is_new: bool) -> None:
        """The person has no chats yet: a few words more help."""
        if is_new != self._is_new:
            self._is_new = is_new
            self._refresh()

    def show_others(self, files: Sequence[ModelFile]) -> None:
        """The models that could be loaded instead of the selected one."""
        if files[:MOST_FOUND] != self._others:
            self._others = files[:MOST_FOUND]
            self._refresh()

    def show_verdict(self, text: str, tone: str) -> None:
        """Whether the selected model fits; empty where nobody knows."""
        self._verdict.setText(text)
        restyle(self._verdict, "pill", tone)
        self._show_verdict()

    def show_state(self, state: State, selected: str) -> None:
        """What is loaded, and the name of the model that a load would take, empty for none."""
        self._state, self._selected = state, selected
        self._refresh()

    # What is shown

    def _refresh(self) -> None:
        state, selected = self._state, self._selected
        is_first = bool(self._is_first) and self._wheel is None and not selected
        is_first = is_first and not isinstance(state, Ready | Starting)
        self.first.setVisible(is_first)
        self._next.setVisible(not is_first)
        if is_first or state is None:
            return
        if self._wheel is not None:
            self._tell_engine(self._wheel)
        elif isinstance(state, Ready):
            self._tell(tr("What would you like to know?"), tr("Everything stays on this machine."))
            self._choose(tr("For example:"), [(each, "", self._ask(each)) for each in EXAMPLES if self._is_new])
        elif isinstance(state, Starting):
            self._tell(
                tr("Loading {model}", model=title(state.model)), tr("You can write your first message meanwhile.")
            )
        elif selected:
            load = tr("Load {selected}", selected=selected)
            self._tell(selected, tr("One click, and it answers."), load, self.load_requested.emit, primary=True)
            others = [self._other(file) for file in self._others if self._is_new]
            self._choose(tr("Also found on this disk:"), others)
        elif self._is_first is None:  # nobody has looked at the disk yet: soon
            self._tell("", "")
        else:
            self._tell(
                tr("Choose a model"),
                tr("Choose one on the left, or drop a .gguf file on this window."),
                tr("Open a Model ..."),
                self.open_requested.emit,
            )
        self._show_verdict()

    def _tell_engine(self, wheel: Wheel) -> None:
        text = tr(
            "For this machine it is the build for {title}: {why}. Type this in a terminal, then start "
            "the program again:",
            title=wheel.title,
            why=wheel.why,
        )
        self._tell(tr("One thing is missing: the engine"), text, tr("Copy the Command"), self._copy)
        self._command.setText(wheel.command)
        self._command.show()

    def _tell(
        self,
        headline: str,
        text: str,
        action: str = "",
        does: Callable[[], object] | None = None,
        *,
        primary: bool = False,
    ) -> None:
        self._headline.setText(one_line(headline, 80))
        self._text.setText(text)
        self._command.hide()
        self._action = caption(action, 36)  # what is longer has no room beside the fit panel
        self._button.setText(self._action)
        self._button.setVisible(bool(action))
        restyle(self._button, "kind", "primary" if primary else "")
        self._does = does
        self._choose("", [])
        self._fit()

    def _choose(self, above: str, choices: Sequence[tuple[str, str, Callable[[], object]]]) -> None:
        """Offer some things to click."""
        self._above.setText(above)
        self._above.setVisible(bool(choices))
        while (item := self._choices.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        buttons = []
        for text, note, does in choices:
            button = EnterButton(caption(f"{text}  ·  {note}" if note else text, 60))
            button.setProperty("kind", "choice")
            button.setMinimumSize(QSize(0, 36))
            button.clicked.connect(lambda _checked=False, does=does: does())
            self._choices.addWidget(button)
            buttons.append(button)
        self._late.put(*buttons)

    def _show_verdict(self) -> None:
        is_waiting = bool(self._selected) and self._wheel is None and not isinstance(self._state, Ready | Starting)
        self._verdict.setVisible(is_waiting and bool(self._verdict.text()))
        self._fit()

    def _fit(self) -> None:
        """Give the words of the verdict and of the button what room there is."""
        room = min(WIDTH, self.viewport().width() - 2 * SPACE_XL)
        self._verdict.ensurePolished()
        one_line_wide = self._verdict.fontMetrics().horizontalAdvance(self._verdict.text()) + 2 * SPACE_M
        self._verdict.setWordWrap(one_line_wide > room)
        self._verdict.setFixedWidth(min(one_line_wide, room))
        self._verdict.setMinimumHeight(self._height_of_lines(room) if one_line_wide > room else 0)
        if self._button.text() == tr("Copied"):
            return
        self._button.ensurePolished()
        metrics = self._button.fontMetrics()
        self._button.setText(self._action)
        padding = self._button.sizeHint().width() - metrics.horizontalAdvance(self._action)
        self._button.setText(metrics.elidedText(self._action, Qt.TextElideMode.ElideRight, room - padding))
        self._button.setToolTip("" if self._button.text() == self._action else tooltip(self._action.replace("&&", "&")))

    def _height_of_lines(self, width: int) -> int:
        """Of the verdict: in several lines, Qt leaves none of the room above and below that its sheet asks for."""
        place = QRect(0, 0, width - 2 * SPACE_M, 1000)
        lines = self._verdict.fontMetrics().boundingRect(place, Qt.TextFlag.TextWordWrap, self._verdict.text())
        return lines.height() + 2 * SPACE_XS

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _other(self, file: ModelFile) -> tuple[str, str, Callable[[], object]]:
        note = tr("{size} · {place}", size=units.file_size(file.size), place=tr(file.place.value))
        return one_line(file.full_title, 40), note, lambda: self.load_other_requested.emit(file.path)

    def _ask(self, text: str) -> Callable[[], object]:
        return lambda: self.ask_requested.emit(text)

    def _copy(self) -> None:
        if self._wheel is not None:
            QGuiApplication.clipboard().setText(self._wheel.command)
            self._button.setText(tr("Copied"))

    def _pressed(self) -> None:
        if self._does is not None:
            self._does()
