"""What downloads may take: how many run at once, and how fast all of them together."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.standing import Limits
from nodetool_xl_desktop.ui.inputs import Check, NumberField, in_order
from nodetool_xl_desktop.ui.parts import field, fold, label
from nodetool_xl_desktop.ui.theme import SPACE_S, SPACE_XL, Theme, scaled

MOST_AT_ONCE, FASTEST_MB = 8, 100_000
_USUAL_MB = 10
_MB = 1_000_000


class LimitsBar(QWidget):
    """Two limits on one line, or on two where one has no room for both.

    Args:
        theme: the theme in force.
    """

    #: The person chose these: `Limits`.
    changed = Signal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._limits = Limits()
        self.is_limited = Check(theme, tr("Limit Speed to"))
        self.speed = NumberField(tr("Speed limit in MB/s"))
        self.speed.setRange(1, FASTEST_MB)
        self.speed.setValue(_USUAL_MB)
        self.speed.setEnabled(False)
        self.speed.setMinimumWidth(self.fontMetrics().horizontalAdvance("100,000"))
        self.at_once = NumberField(tr("Downloads at once"))
        self.at_once.setRange(1, MOST_AT_ONCE)
        self.at_once.setFixedWidth(scaled(28))
        self.is_limited.toggled.connect(self._choose)
        self.speed.valueChanged.connect(self._choose)
        self.at_once.valueChanged.connect(self._choose)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(SPACE_XL)
        self._halves = [
            _half(label(tr("At Once")), field(self.at_once)),
            _half(self.is_limited, field(self.speed), label(tr("MB/s"))),
        ]
        for half in self._halves:
            self._row.addWidget(half)
        self._row.addStretch(1)
        in_order(self.at_once, self.is_limited, self.speed)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        fold(self._row, self._halves, self.width())

    def minimumSizeHint(self) -> QSize:
        """Narrower than beside each other: the halves may stand below each other."""
        return QSize(max(half.minimumSizeHint().width() for half in self._halves), super().minimumSizeHint().height())

    def show_limits(self, limits: Limits) -> None:
        """Show those that hold, and tell nobody."""
        if limits == self._limits:
            return
        self._limits = limits
        self.is_limited.show_value(limits.bytes_per_s is not None)
        self.speed.setEnabled(limits.bytes_per_s is not None)
        if limits.bytes_per_s is not None:
            self.speed.show_value(max(1, round(limits.bytes_per_s / _MB)))
        self.at_once.show_value(limits.at_once)

    def _choose(self) -> None:
        is_limited = self.is_limited.isChecked()
        self.speed.setEnabled(is_limited)
        chosen = Limits(self.speed.value() * _MB if is_limited else None, self.at_once.value())
        if chosen != self._limits:
            self._limits = chosen
            self.changed.emit(chosen)


def _half(*parts: QWidget) -> QWidget:
    """What belongs together."""
    made = QWidget()
    row = QHBoxLayout(made)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(SPACE_S)
    for part in parts:
        row.addWidget(part)
    row.addStretch(1)
    return made
