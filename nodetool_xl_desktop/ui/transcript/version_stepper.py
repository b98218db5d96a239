"""Steps between the versions of a message: "2 / 3", with the ones before and after."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.tree import Versions
from nodetool_xl_desktop.ui.parts import figure, set_tip, size_icon
from nodetool_xl_desktop.ui.theme import SPACE_XS, Theme, scaled

HEIGHT = 26


class VersionStepper(QWidget):
    """Hidden where there is only one version."""

    #: Show the version with this id.
    switch_requested = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._versions: Versions | None = None
        self.previous = self._button(tr("Previous version"), "Alt+Left")
        self.following = self._button(tr("Next version"), "Alt+Right")
        self.previous.clicked.connect(lambda: self.step(-1))
        self.following.clicked.connect(lambda: self.step(1))
        self._count = figure("", "note")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_XS // 2)
        row.addWidget(self.previous)
        row.addWidget(self._count)
        row.addWidget(self.following)
        theme.changed.connect(self._draw)
        self._draw()
        self.hide()

    @property
    def text(self) -> str:
        """What it says; empty while it is hidden."""
        return "" if self.isHidden() else self._count.text()

    @property
    def versions(self) -> Versions | None:
        """Those that it steps through."""
        return self._versions

    def show_versions(self, versions: Versions | None) -> None:
        """Step through these."""
        self._versions = versions
        if versions is None or versions.count < 2:
            self.hide()
            return
        self._count.setText(f"{versions.index + 1} / {versions.count}")
        self.setAccessibleName(tr("Version {index} of {count}", index=versions.index + 1, count=versions.count))
        self.previous.setEnabled(versions.index > 0)
        self.following.setEnabled(versions.index + 1 < versions.count)
        self.show()

    def step(self, by: int) -> None:
        """Ask for the version so many further; beyond the last one nothing happens."""
        if self._versions is not None and 0 <= (at := self._versions.index + by) < self._versions.count:
            self.switch_requested.emit(self._versions.ids[at])

    def _button(self, text: str, keys: str) -> QToolButton:
        made = QToolButton()
        made.setProperty("kind", "icon")
        size_icon(made, 12)
        made.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the message has the keys for it
        set_tip(made, tr("{name} ({keys})", name=text, keys=keys))
        made.setAccessibleName(text)
        return made

    def _draw(self) -> None:
        for button in (self.previous, self.following):
            button.setFixedHeight(scaled(HEIGHT))
        self.previous.setIcon(self._theme.icon("caret-left"))
        self.following.setIcon(self._theme.icon("caret-right"))
