"""The row of the preset panel that is one of two: whether the model is told what it thought before."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from nodetool_xl_desktop.chat import sampling_values
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.inputs import Combo
from nodetool_xl_desktop.ui.parts import field
from nodetool_xl_desktop.ui.presets.value_rows import ValueRow
from nodetool_xl_desktop.ui.theme import SPACE_S, Theme

LEFT_OUT, SENT_BACK = tr("Left out"), tr("Sent back")
COMBO_WIDTH = 150
_ABOUT = tr("Whether the next request tells the model what it thought before earlier answers, where it can take that")


class ReasoningRow(ValueRow):
    """Whether reasoning goes into the next request.

    Args:
        theme: the theme in force.
    """

    def __init__(self, theme: Theme) -> None:
        title = sampling_values.TITLES[sampling_values.SEND_REASONING]
        super().__init__(theme, title, _ABOUT)
        self.combo = Combo(theme, title)
        self.combo.setToolTip(_ABOUT)
        self.combo.currentIndexChanged.connect(lambda _index: self._chosen())
        self._title.setBuddy(self.combo)
        combo = field(self.combo)
        combo.setFixedWidth(COMBO_WIDTH)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._title)
        words.addWidget(self._whence)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_S)
        layout.addLayout(words, 1)
        layout.addWidget(combo)
        layout.addWidget(self.reset)

    @property
    def inputs(self) -> tuple[QWidget, ...]:
        """What the tab key goes through."""
        return (self.combo, self.reset)

    def text(self, value: Any) -> str:
        """In words."""
        return SENT_BACK if value is True else LEFT_OUT

    def _show_value(self) -> None:
        self.combo.show_values({text: text for text in (LEFT_OUT, SENT_BACK)}, self.text(self.row.value))

    def _chosen(self) -> None:
        is_sent = self.combo.value == SENT_BACK
        self.set_requested.emit(None if is_sent is (self.row.inherited is True) else is_sent)
