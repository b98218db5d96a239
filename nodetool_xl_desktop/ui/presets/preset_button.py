"""The top bar's button that says which preset holds, and opens its panel."""

from __future__ import annotations

from PySide6.QtWidgets import QPushButton

from nodetool_xl_desktop.chat.starting_presets import DEFAULT
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.parts import caption, set_tip
from nodetool_xl_desktop.ui.theme import Theme

LONGEST = 22


class PresetButton(QPushButton):
    """ "Preset: Precise".

    Args:
        theme: the theme in force.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        theme.changed.connect(self._show_icon)
        self._show_icon()
        self.show_name(DEFAULT)

    def show_name(self, name: str) -> None:
        """Say which preset holds."""
        self.setText(tr("Preset: {name}", name=caption(name, LONGEST)))
        self.setAccessibleName(tr("Preset: {name}", name=name))
        set_tip(self, tr("System prompt and sampling: {name}", name=name))

    def _show_icon(self) -> None:
        self.setIcon(self._theme.icon("sliders-horizontal"))
