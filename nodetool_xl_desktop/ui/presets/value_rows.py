"""Rows of the preset panel: a value with its control, where it comes from, and the button that gives it back."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent
from PySide6.QtWidgets import QGridLayout, QToolButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.chat.preset_desk import Row
from nodetool_xl_desktop.chat.sampling_values import Number
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.inputs import LineField, MarkedSlider
from nodetool_xl_desktop.ui.parts import GivingLabel, field, label, problem_label, restyle
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_XS, Theme, scaled

SLIDER_WIDTH, FIELD_WIDTH, RESET_WIDTH = 128, 84, 26
_STEPS = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}


class ValueRow(QWidget):
    """What all rows share. Who shows one says what it holds (`show_row`), and keeps what it asks for.

    Args:
        theme: the theme in force.
        title: the value's, as people know it.
        about: what it does, for a tooltip.
    """

    #: Set this value for the scope that is shown; None gives it back to the next one.
    set_requested = Signal(object)

    def __init__(self, theme: Theme, title: str, about: str) -> None:
        super().__init__()
        self._theme = theme
        self.row = Row(None, None, "")
        self._title = label(title, "strong", wrap=True)
        self._title.setToolTip(about)
        self._whence = GivingLabel("note")
        self.reset = QToolButton()
        self.reset.setProperty("kind", "icon")
        self.reset.setAccessibleName(tr("Reset {title}", title=title))
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # nothing moves when it comes
        self.reset.setSizePolicy(policy)
        self.reset.clicked.connect(self._reset)
        self._problem = problem_label()
        self._problem.setParent(self)  # a row in which nothing can be wrong lays it out nowhere
        theme.changed.connect(self._show_icon)
        self._show_icon()

    @property
    def problem(self) -> str:
        """What is wrong with what was typed; empty where nothing is."""
        return "" if self._problem.isHidden() else self._problem.text()

    @property
    def inputs(self) -> tuple[QWidget, ...]:
        """What the tab key goes through."""
        raise NotImplementedError

    def show_row(self, row: Row, *, anew: bool) -> None:
        """Show a value.

        Args:
            row: the value.
            anew: also in place of what is typed and cannot be used.
        """
        self.row = row
        if anew:
            self.tell("")
        self._whence.setText(" · ".join(text for text in (row.whence, row.instead) if text))
        if row.own is None and self.reset.hasFocus():  # what was pressed goes: the keys stay in this row
            self.focusPreviousChild()
        self.reset.setVisible(row.own is not None)
        self.reset.setToolTip(tr("Reset: {inherited}", inherited=self.text(row.inherited)))
        if not self.problem:
            self._show_value()

    def text(self, value: Any) -> str:
        """A value in a few words, for the tooltip of the button that goes back to it."""
        raise NotImplementedError

    def tell(self, problem: str) -> None:
        """Say what is wrong with what was typed, or that nothing is."""
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))

    def _show_value(self) -> None:
        raise NotImplementedError

    def _reset(self) -> None:
        self.tell("")
        self.set_requested.emit(None)

    def _show_icon(self) -> None:
        self.reset.setFixedWidth(scaled(RESET_WIDTH))
        self.reset.setIcon(self._theme.icon("arrow-counter-clockwise"))


class ValueField(LineField):
    """A number to type; the arrow keys step it."""

    #: By so many steps.
    stepped = Signal(int)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setProperty("kind", "value")
        self.setAccessibleName(name)
        self.setFrame(False)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        font = self.font()
        font.setFeature(QFont.Tag("tnum"), 1)
        self.setFont(font)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = _STEPS.get(Qt.Key(event.key()))
        if steps is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            super().keyPressEvent(event)
        else:
            self.stepped.emit(steps)


class NumberRow(ValueRow):
    """A number: typed, or slid where it has a range that a slider can show.

    The field is empty where the scope says nothing, with what holds then in grey.

    Args:
        theme: the theme in force.
        number: which one.
    """

    def __init__(self, theme: Theme, number: Number) -> None:
        super().__init__(theme, number.title, number.about)
        self.number = number
        self.field = ValueField(number.title)
        self.field.setToolTip(number.about)
        self.field.editingFinished.connect(self._typed)
        self.field.stepped.connect(self._stepped)
        self._title.setBuddy(self.field)
        self.slider = MarkedSlider(theme)
        self.slider.setAccessibleName(tr("{title}, slider", title=number.title))
        self.slider.setFixedWidth(SLIDER_WIDTH)
        self._frame = field(self.field)
        self._frame.setFixedWidth(scaled(FIELD_WIDTH))
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._title)
        words.addWidget(self._whence)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(SPACE_M - SPACE_XS)
        grid.setVerticalSpacing(SPACE_XS)
        grid.setColumnStretch(0, 1)
        grid.addLayout(words, 0, 0)
        grid.addWidget(self.slider, 0, 1)
        grid.addWidget(self._frame, 0, 2)
        grid.addWidget(self.reset, 0, 3)
        grid.addWidget(self._problem, 1, 0, 1, 4)
        if number.slider is None:
            self.slider.hide()
        else:
            self.slider.setRange(0, round((number.slider.most - number.slider.least) / number.slider.step))
            self.slider.setPageStep(max(1, self.slider.maximum() // 10))
            self.slider.valueChanged.connect(self._slid)

    @property
    def inputs(self) -> tuple[QWidget, ...]:
        """What the tab key goes through."""
        return (self.slider, self.field, self.reset)

    def text(self, value: Any) -> str:
        """The number, or what holds without one."""
        return self.number.unset if value is None else self.number.text(value)

    def tell(self, problem: str) -> None:
        """Say it, and mark the field."""
        super().tell(problem)
        restyle(self._frame, "problem", "true" if problem else "false")

    def _show_value(self) -> None:
        row = self.row
        # WORKAROUND: Qt keeps room for the cursor behind a text, and none behind a placeholder (6.11): the thin space.
        self.field.setPlaceholderText(f"{self.text(row.inherited)}\u2009")
        shown = "" if row.own is None else self._said(row.own)
        if self.field.text() != shown:
            self.field.setText(shown)
        if self.number.slider is not None:
            self.slider.blockSignals(True)
            self.slider.setValue(self._position(row.value))
            self.slider.blockSignals(False)
            restyle(self.slider, "inherited", "true" if row.own is None else "false")

    def _said(self, value: Any) -> str:
        """What is kept, also where it cannot be used and came here by another way."""
        return self.number.text(value) if isinstance(value, int | float) else str(value)

    def _typed(self) -> None:
        text = self.field.text().strip()
        if text == ("" if self.row.own is None else self._said(self.row.own)):
            self.tell("")
            return
        try:
            value = self.number.of_text(text) if text else None
        except ValueError as error:
            self.tell(tr("{error}. Still used: {value}.", error=error, value=self.text(self.row.value)))
            return
        self.tell("")
        self.set_requested.emit(value)

    def _stepped(self, steps: int) -> None:
        slider = self.number.slider
        step = slider.step if slider is not None else 1
        begin = self.row.value if isinstance(self.row.value, int | float) else self.number.least - step
        wanted = round((begin + steps * step) / step) * step
        self.tell("")
        self.set_requested.emit(self._rounded(min(max(wanted, self.number.least), self.number.most)))

    def _slid(self, position: int) -> None:
        slider = self.number.slider
        if slider is not None:
            self.tell("")
            self.set_requested.emit(self._rounded(slider.least + position * slider.step))

    def _rounded(self, value: float) -> float:
        return round(value) if self.number.whole else round(value, 4)

    def _position(self, value: Any) -> int:
        slider = self.number.slider
        if slider is None or not isinstance(value, int | float):
            return 0
        return round((min(max(value, slider.least), slider.most) - slider.least) / slider.step)
