"""The heading over the tools of one source."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.parts import ElidedLabel, label, set_tip
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XS, Theme, scaled
from nodetool_xl_desktop.ui.tools.tool_values import SourceRows

HEAD_HEIGHT = 34


class SourceHead(QWidget):
    """The heading over the tools of one source, with how it is; those of a server are switched together."""

    all_switched = Signal(bool)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._source: SourceRows | None = None
        self._dot = QLabel()
        self._name = label("", "author")
        self._note = ElidedLabel("note")
        self._note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._all = quiet_button(tr("All On"), "")
        self._all.clicked.connect(lambda: self.all_switched.emit(self._all.text() == tr("All On")))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_M + 2, SPACE_S, SPACE_S, 2)
        layout.setSpacing(SPACE_XS + 2)
        self.setFixedHeight(HEAD_HEIGHT)
        for part, stretch in ((self._dot, 0), (self._name, 0), (self._note, 1), (self._all, 0)):
            layout.addWidget(part, stretch)
        theme.changed.connect(self._draw)

    @property
    def inputs(self) -> list[QWidget]:
        """What the tab key goes to."""
        return [self._all]

    def show_source(self, source: SourceRows) -> None:
        """Say how it is now."""
        if source != self._source:
            self._source = source
            self._name.setText(source.title)
            self._note.setText(source.note)
            set_tip(self._note, source.note)
            self._all.setText(tr("All Off") if all(row.is_on for row in source.rows) else tr("All On"))
            self._all.setAccessibleName(f"{source.title}: {self._all.text()}")
            self._all.setVisible(bool(source.name) and len(source.rows) > 1)
            self._draw()

    def _draw(self) -> None:
        dot = self._source.dot if self._source is not None else None
        self._dot.setVisible(dot is not None)
        self._dot.setFixedWidth(scaled(12))
        if dot is not None:
            self._dot.setPixmap(self._theme.icon("circle-fill", dot.value).pixmap(*2 * (scaled(10),)))


def quiet_button(text: str, tip: str) -> QPushButton:
    """A button that is a word."""
    made = QPushButton(text)
    made.setProperty("kind", "quiet")
    made.setAutoDefault(False)
    set_tip(made, tip)
    return made
