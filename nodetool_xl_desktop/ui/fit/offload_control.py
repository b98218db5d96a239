"""The GPU Offload control: how many layers go onto the graphics cards, or as many as fit."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.inputs import MarkedSlider
from nodetool_xl_desktop.ui.parts import figure, label
from nodetool_xl_desktop.ui.theme import SPACE_S, SPACE_XS, Theme


class OffloadControl(QWidget):
    """A slider from no layer to all of them, the output layer counted as one, and a button for as many as fit."""

    #: A number of layers was chosen, or None for as many as fit.
    changed = Signal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        title = label(tr("GPU Offload"), "strong")
        self._value = figure("", "note")
        self._value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._auto = QToolButton()
        self._auto.setText(tr("Auto"))
        self._auto.setProperty("kind", "toggle")
        self._auto.setCheckable(True)
        self._auto.setToolTip(tr("As many layers as leave 1 GiB of each graphics card free"))
        self._auto.setAccessibleName(tr("GPU Offload: as many layers as fit"))
        self._slider = MarkedSlider(theme)
        self._slider.setAccessibleName(tr("GPU Offload in layers"))
        title.setBuddy(self._slider)
        head = QHBoxLayout()
        head.setSpacing(SPACE_S)
        head.addWidget(title)
        head.addWidget(self._value, 1)
        head.addWidget(self._auto)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_XS)
        layout.addLayout(head)
        layout.addWidget(self._slider)
        self._slider.valueChanged.connect(self.changed.emit)
        self._auto.clicked.connect(self._toggled)

    @property
    def inputs(self) -> tuple[QWidget, ...]:
        """What the tab key goes through, in the order in which they are seen."""
        return (self._auto, self._slider)

    def show_layers(self, chosen: int, most: int, *, is_auto: bool, can_be_auto: bool = True) -> None:
        """Show a number of layers, and tell nobody.

        Args:
            chosen: on the graphics cards.
            most: that there are.
            is_auto: whether nobody chose that number.
            can_be_auto: whether it is nobody's but the person's to choose.
        """
        on = min(chosen, most)
        self._slider.blockSignals(True)
        self._slider.setRange(0, most)
        self._slider.setPageStep(max(1, most // 8))
        self._slider.setValue(on)
        self._slider.blockSignals(False)
        self._auto.setChecked(is_auto)
        self._auto.setVisible(can_be_auto)
        self._value.setText(
            tr("all {most} layers", most=most)
            if on == most
            else tr("{on} of {most} layers", on=on, most=most)
            if on
            else tr("no layers")
        )

    def _toggled(self, is_auto: bool) -> None:
        self.changed.emit(None if is_auto else self._slider.value())
