"""Load, Eject and Cancel, and how far a load is."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.states import Ending, Ready, Starting, State
from nodetool_xl_desktop.library.model_file import title
from nodetool_xl_desktop.ui.parts import caption, label, restyle
from nodetool_xl_desktop.ui.theme import SPACE_S, Theme


class LoadButtons(QWidget):
    """What can be done now: the panel tells it (`show_state`, `offer_load`)."""

    load_requested = Signal()
    eject_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._load = QPushButton(tr("Load"))
        self._load.setProperty("kind", "primary")
        self._load.clicked.connect(self.load_requested)
        self._eject = QPushButton(tr("Eject"))
        self._eject.clicked.connect(self.eject_requested)
        self._cancel = QPushButton(tr("Cancel"))
        self._cancel.clicked.connect(self.eject_requested)
        self._text = label("", "note")
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setAccessibleName(tr("Loading"))
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_S)
        for button in (self._eject, self._cancel, self._load):
            buttons.addWidget(button, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_S)
        column.addWidget(self._text)
        column.addWidget(self._progress)
        column.addLayout(buttons)
        theme.changed.connect(self._show_icons)
        self._show_icons()

    @property
    def inputs(self) -> tuple[QWidget, ...]:
        """What the tab key goes through, in the order in which they are seen."""
        return (self._eject, self._cancel, self._load)

    @property
    def can_load(self) -> bool:
        """Whether Load is offered."""
        return not self._load.isHidden() and self._load.isEnabled()

    def show_state(self, state: State | None, *, is_shown: bool) -> None:
        """A model is loading, ready, failed or ending.

        Args:
            state: of the window's model.
            is_shown: whether that is the model in the panel.
        """
        starting = isinstance(state, Starting)
        self._progress.setVisible(starting)
        self._text.setVisible(isinstance(state, Starting | Ending))
        if isinstance(state, Starting):
            self._text.setText(tr("Loading {model} ...", model=title(state.model)))
            # Before the first bytes are there, a moving bar says that something happens.
            self._progress.setRange(0, 100 if state.progress > 0 else 0)
            self._progress.setValue(round(state.progress * 100))
        elif isinstance(state, Ending):
            self._text.setText(tr("Ejecting {model} ...", model=title(state.model)))
        self._cancel.setVisible(starting)
        self._eject.setVisible(isinstance(state, Ready))
        if isinstance(state, Ready):
            self._eject.setText(tr("Eject") if is_shown else caption(tr("Eject {model}", model=title(state.model)), 20))

    def offer_load(self, words: str, *, enabled: bool, primary: bool) -> None:
        """Offer to load under these words; empty where that makes no sense now."""
        self._load.setVisible(bool(words))
        self._load.setEnabled(enabled)
        restyle(self._load, "kind", "primary" if primary else "")
        self._load.setText(words)

    def _show_icons(self) -> None:
        self._eject.setIcon(self._theme.icon("eject"))
        self._cancel.setIcon(self._theme.icon("x"))
