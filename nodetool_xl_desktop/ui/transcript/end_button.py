"""The round button back to the end of a chat, which says when something new has come there."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.parts import set_tip
from nodetool_xl_desktop.ui.theme import SPACE_M, Theme, scaled
from nodetool_xl_desktop.ui.transcript.fold import TurnToolButton

HEIGHT = 34


class EndButton(TurnToolButton):
    """Lies over the chat while the reader is not at its end."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__()
        self.setParent(parent)
        self.setProperty("kind", "end")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._theme = theme
        self._has_new = False
        theme.changed.connect(self._draw)
        self.hide()
        self._draw()

    @property
    def has_new(self) -> bool:
        """Whether something has come that the reader has not seen."""
        return self._has_new

    def show_new(self, *, has_new: bool) -> None:
        """Say that something has come, or no longer."""
        if has_new != self._has_new:
            self._has_new = has_new
            self._draw()

    def place(self, width: int, height: int) -> None:
        """Stand in the middle at the foot of a view of this size."""
        self.adjustSize()
        self.move((width - self.width()) // 2, height - self.height() - SPACE_M)
        self.raise_()

    def _draw(self) -> None:
        self.setText(tr("New") if self._has_new else "")
        style = Qt.ToolButtonStyle
        self.setToolButtonStyle(style.ToolButtonTextBesideIcon if self._has_new else style.ToolButtonIconOnly)
        self.setIcon(self._theme.icon("arrow-down", "accent" if self._has_new else "text"))
        self.setAccessibleName(tr("To the End: something new has come") if self._has_new else tr("To the End"))
        set_tip(self, tr("To the end (End)"))
        self.setFixedHeight(scaled(HEIGHT))
        self.setFixedWidth(scaled(HEIGHT) if not self._has_new else QToolButton.sizeHint(self).width())
