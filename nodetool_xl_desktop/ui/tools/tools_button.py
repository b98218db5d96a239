"""The composer's button that says how many tools are on in this chat, and opens their list."""

from __future__ import annotations

from PySide6.QtWidgets import QPushButton

from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.ui.actions import action_of
from nodetool_xl_desktop.ui.parts import restyle, set_tip
from nodetool_xl_desktop.ui.theme import Theme

#: Opens the list from anywhere in the window.
KEYS = action_of("tools.show").keys_text


class ToolsButton(QPushButton):
    """ "Tools · 3"; not to be seen before `show_count`.

    Args:
        theme: the theme in force.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._count = 0
        self._narrow = False
        self.hide()
        theme.changed.connect(self._draw)

    def show_count(self, count: int) -> None:
        """Say how many are on."""
        self._count = count
        self._draw()
        self.show()

    def set_narrow(self, narrow: bool) -> None:
        """Be as small as it can."""
        if narrow != self._narrow:
            self._narrow = narrow
            restyle(self, "narrow", "true" if narrow else "false")
            self._draw()

    def _draw(self) -> None:
        count = self._count
        self.setIcon(self._theme.icon("wrench", "accent" if count else "muted"))
        words = "" if self._narrow else tr("Tools")
        self.setText(" · ".join(filter(None, [words, str(count) if count else ""])))
        on = tr("none is on") if not count else trn("{count} on", "{count} on", count)
        self.setAccessibleName(tr("Tools: {on}", on=on))
        set_tip(self, tr("What the model may call in this chat: {on} ({keys})", on=on, keys=KEYS))
