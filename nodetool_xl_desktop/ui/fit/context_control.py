"""The Context Length control: a slider for the hand, a number for the keyboard, and a mark for what fits."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.estimate import CONTEXT_STEP
from nodetool_xl_desktop.fit.options import SMALLEST_CONTEXT_LENGTH
from nodetool_xl_desktop.ui.inputs import MarkedSlider, NumberField
from nodetool_xl_desktop.ui.parts import GivingLabel, field, figure, label
from nodetool_xl_desktop.ui.theme import SPACE_XS, Theme

#: The slider counts in these parts of a doubling, so that 2k to 4k is as wide as 64k to 128k.
STEPS_PER_DOUBLING = 16


class ContextControl(QWidget):
    """Chooses a context length in tokens, up to what the model was made for."""

    #: Another length was chosen; `set_range` says nothing.
    changed = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._largest = SMALLEST_CONTEXT_LENGTH
        title = GivingLabel("strong", tr("Context Length"))
        self._number = NumberField(tr("Context Length in tokens"))
        self._number.setSingleStep(CONTEXT_STEP)
        self._number.setMinimumWidth(72)
        title.setBuddy(self._number)
        self._slider = MarkedSlider(theme)
        self._slider.setAccessibleName(tr("Context Length"))
        self._least, self._most = label("", "note"), figure("", "note")
        self._mark = label("", "note", wrap=True)  # on two lines where larger letters leave no room for one
        self._mark.setAlignment(Qt.AlignmentFlag.AlignCenter)

        head = QHBoxLayout()
        head.addWidget(title)
        head.addStretch()
        head.addWidget(field(self._number))
        scale = QHBoxLayout()
        scale.addWidget(self._least)
        scale.addWidget(self._mark, 1)
        scale.addWidget(self._most)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_XS)
        layout.addLayout(head)
        layout.addWidget(self._slider)
        layout.addLayout(scale)
        self._slider.valueChanged.connect(self._slid)
        self._number.valueChanged.connect(self._typed)

    @property
    def value(self) -> int:
        """The chosen length in tokens, also one that is typed and not yet confirmed by Enter."""
        self._number.interpretText()
        return self._number.value()

    def set_range(self, largest: int, value: int) -> None:
        """Offer lengths up to `largest`, and choose `value`."""
        self._largest = max(largest, SMALLEST_CONTEXT_LENGTH)
        self._slider.blockSignals(True)
        self._slider.setRange(0, self._position(self._largest))
        self._slider.blockSignals(False)
        self._offer(SMALLEST_CONTEXT_LENGTH, self._largest)
        self.show_value(value)
        self._least.setText(units.short_tokens(SMALLEST_CONTEXT_LENGTH))
        self._most.setText(units.short_tokens(self._largest))

    def set_value(self, length: int) -> None:
        """Choose a length, as a person would."""
        self._number.setValue(length)

    def show_value(self, length: int) -> None:
        """Show a length, and tell nobody; one that was settled elsewhere may be beyond what is offered."""
        self._offer(min(SMALLEST_CONTEXT_LENGTH, length), max(self._largest, length))
        self._number.show_value(length)
        self._slider.blockSignals(True)
        self._slider.setValue(self._position(length))
        self._slider.blockSignals(False)

    @property
    def inputs(self) -> tuple[QWidget, ...]:
        """What the tab key goes through, in the order in which they are seen."""
        return (self._number, self._slider)

    def _offer(self, least: int, most: int) -> None:
        if (self._number.minimum(), self._number.maximum()) != (least, most):
            self._number.blockSignals(True)
            self._number.setRange(least, most)
            self._number.blockSignals(False)

    def set_largest_that_fits(self, length: int) -> None:
        """Mark where it stops to fit; nothing is marked where all of it fits, or nothing does."""
        marked = 0 < length < self._largest
        self._slider.set_mark(self._position(length) if marked else None)
        self._mark.setText(tr("largest that fits {length:,}", length=length) if marked else "")

    def _slid(self, position: int) -> None:
        length = SMALLEST_CONTEXT_LENGTH * 2 ** (position / STEPS_PER_DOUBLING)
        rounded = min(self._largest, round(length / CONTEXT_STEP) * CONTEXT_STEP)
        self._number.setValue(self._largest if position == self._slider.maximum() else max(CONTEXT_STEP, rounded))

    def _typed(self, length: int) -> None:
        self._slider.blockSignals(True)
        self._slider.setValue(self._position(length))
        self._slider.blockSignals(False)
        self.changed.emit(length)

    @staticmethod
    def _position(length: int) -> int:
        return round(STEPS_PER_DOUBLING * math.log2(max(length, SMALLEST_CONTEXT_LENGTH) / SMALLEST_CONTEXT_LENGTH))
