"""What stands where a chat will be: the one next step."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.states import Ready, Starting, State
from nodetool_xl_desktop.engine.wheels import Wheel
from nodetool_xl_desktop.library.model_file import title
from nodetool_xl_desktop.ui.parts import caption, label
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_XL


class Welcome(QFrame):
    """Says what to do next: install an engine, open a model, load it, or ask."""

    load_requested = Signal()
    open_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("welcome")
        self._wheel: Wheel | None = None
        self._headline = label("", "headline", wrap=True)
        self._headline.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._text = label("", "body", wrap=True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._command = QLabel()
        self._command.setObjectName("command")
        self._command.setWordWrap(True)
        self._command.setTextFormat(Qt.TextFormat.PlainText)
        self._command.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._button = QPushButton()
        self._button.clicked.connect(self._pressed)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(self._button)
        row.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_XL * 3, SPACE_XL, SPACE_XL * 3, SPACE_XL)
        layout.setSpacing(SPACE_M)
        layout.addStretch(2)
        layout.addWidget(self._headline)
        layout.addWidget(self._text)
        layout.addWidget(self._command)
        layout.addSpacing(SPACE_L - SPACE_M)
        layout.addLayout(row)
        layout.addStretch(3)
        self._action = ""

    def need_engine(self, wheel: Wheel | None) -> None:
        """No engine is installed, and this one would suit; None takes it back."""
        self._wheel = wheel

    def show_state(self, state: State, selected: str) -> None:
        """Say what the next step is.

        Args:
            state: what is loaded.
            selected: the name of the model that a load would take, empty for none.
        """
        if self._wheel is not None:
            self._tell(
                tr("One thing is missing: the engine"),
                tr(
                    "For this machine it is the build for {title}, as {why}. Type this in a terminal, then start "
                    "the program again:",
                    title=self._wheel.title,
                    why=self._wheel.why,
                ),
                tr("Copy the command"),
                command=self._wheel.command,
            )
        elif isinstance(state, Ready):
            self._tell(tr("What would you like to know?"), tr("Everything stays on this machine."))
        elif isinstance(state, Starting):
            self._tell(
                tr("Loading {model}", model=title(state.model)), tr("You can write your first message meanwhile.")
            )
        elif selected:
            self._tell(
                selected,
                tr("Look on the right whether it fits, then load it."),
                tr("Load {selected}", selected=selected),
            )
        else:
            self._tell(
                tr("Drop a model here"),
                tr("Any .gguf file. You will see whether it fits before it is loaded."),
                tr("Open a model ..."),
            )

    def _tell(self, headline: str, text: str, action: str = "", *, command: str = "") -> None:
        self._headline.setText(headline if len(headline) <= 80 else f"{headline[:79]}…")
        self._text.setText(text)
        self._command.setText(command)
        self._command.setVisible(bool(command))
        self._button.setText(caption(action, 36))  # what is longer has no room beside the fit panel
        self._button.setVisible(bool(action))
        self._action = action

    def _pressed(self) -> None:
        if self._wheel is not None:
            QGuiApplication.clipboard().setText(self._wheel.command)
            self._button.setText(tr("Copied"))
        elif self._action.startswith("Load"):
            self.load_requested.emit()
        else:
            self.open_requested.emit()
