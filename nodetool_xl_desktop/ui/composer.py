"""Where a message is written: Enter sends, Shift+Enter breaks the line, Send turns into Stop while an answer comes."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QTextEdit, QVBoxLayout

from nodetool_xl_desktop.ui.parts import label, restyle
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, Theme

LEAST_HEIGHT, MOST_HEIGHT = 48, 220


class MessageEdit(QTextEdit):
    """A plain text field that grows with what is written."""

    submitted = Signal()
    focus_changed = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptRichText(False)
        self.setAcceptDrops(False)  # a drop is the window's: a model, not a text
        self.setTabChangesFocus(True)
        self.setAccessibleName("Message")
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.document().setDocumentMargin(2)
        self.document().documentLayout().documentSizeChanged.connect(self._grow)
        self._grow()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() in (
            Qt.KeyboardModifier.NoModifier,
            Qt.KeyboardModifier.KeypadModifier,
        ):
            self.submitted.emit()
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focus_changed.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focus_changed.emit(False)

    def _grow(self) -> None:
        wanted = round(self.document().documentLayout().documentSize().height()) + 4
        self.setFixedHeight(max(LEAST_HEIGHT, min(MOST_HEIGHT, wanted)))


class Composer(QFrame):
    """The field, and the button that sends or stops."""

    #: Send this text, which is not empty. The field keeps it until `clear`.
    send_requested = Signal(str)
    stop_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("composer")
        self._theme = theme
        self._answering = False
        self._edit = MessageEdit()
        self._edit.setPlaceholderText("Ask anything. Drop a model here.")
        self._edit.submitted.connect(self._submit)
        self._edit.textChanged.connect(self._refresh)
        self._edit.focus_changed.connect(lambda focused: restyle(self, "focused", "true" if focused else "false"))
        self.setFocusProxy(self._edit)
        self._hint = label("", "note")
        self._button = QPushButton()
        self._button.setMinimumWidth(92)
        self._button.clicked.connect(self._pressed)
        foot = QHBoxLayout()
        foot.addWidget(self._hint, 1)
        foot.addWidget(self._button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_M + 1, SPACE_M, SPACE_M, SPACE_M)
        layout.setSpacing(SPACE_S)
        layout.addWidget(self._edit)
        layout.addLayout(foot)
        theme.changed.connect(self._refresh)
        self._refresh()

    @property
    def text(self) -> str:
        """What is written."""
        return self._edit.toPlainText()

    def set_text(self, text: str) -> None:
        """Put a text in, as a person would."""
        self._edit.setPlainText(text)

    def clear(self) -> None:
        """The text was sent."""
        self._edit.clear()

    def set_answering(self, answering: bool) -> None:
        """An answer comes (the button stops it) or has come."""
        self._answering = answering
        self._refresh()

    def set_hint(self, text: str) -> None:
        """A short note below the field."""
        self._hint.setText(text)

    def _submit(self) -> None:
        if not self._answering and self.text.strip():
            self.send_requested.emit(self.text)

    def _pressed(self) -> None:
        if self._answering:
            self.stop_requested.emit()
        else:
            self._submit()

    def _refresh(self) -> None:
        restyle(self._button, "kind", "" if self._answering else "primary")
        self._button.setText("Stop" if self._answering else "Send")
        self._button.setToolTip("Stop the answer (Esc)" if self._answering else "Send (Enter)")
        self._button.setIcon(
            self._theme.icon("stop", "text") if self._answering else self._theme.icon("paper-plane-right", "on_accent")
        )
        self._button.setEnabled(self._answering or bool(self.text.strip()))
