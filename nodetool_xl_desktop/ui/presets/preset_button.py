"""The top bar's button that says which preset holds, and opens its panel."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QPushButton, QStyle, QStyleOptionButton, QStylePainter

from nodetool_xl_desktop.chat.starting_presets import DEFAULT
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.parts import caption, set_tip
from nodetool_xl_desktop.ui.theme import Theme

LONGEST = 22


class PresetButton(QPushButton):
    """ "Preset: Precise", or "Precise" where there is no room for it.

    Args:
        theme: the theme in force.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._short = ""
        theme.changed.connect(self._show_icon)
        self._show_icon()
        self.show_name(DEFAULT)

    def show_name(self, name: str) -> None:
        """Say which preset holds."""
        self._short = caption(name, LONGEST)
        self.setText(tr("Preset: {name}", name=self._short))
        self.setAccessibleName(tr("Preset: {name}", name=name))
        set_tip(self, tr("System prompt and sampling: {name}", name=name))

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionButton()
        self.initStyleOption(option)
        advance = self.fontMetrics().horizontalAdvance
        room = self.width() - (self.sizeHint().width() - advance(self.text()))  # its padding is the style sheet's
        if advance(self.text()) > room:
            option.text = self.fontMetrics().elidedText(self._short, Qt.TextElideMode.ElideRight, room)
        painter = QStylePainter(self)
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        painter.end()

    def _show_icon(self) -> None:
        self.setIcon(self._theme.icon("sliders-horizontal"))
