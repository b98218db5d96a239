"""Where a message is edited in its place. The message itself never changes: what is saved is another version of it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QTextCursor, QWheelEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QTextEdit, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.parts import label, restyle
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S

LEAST_HEIGHT = 48


class _Edit(QTextEdit):
    """As high as its text: the transcript scrolls, not the field."""

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptRichText(False)
        self.setAcceptDrops(False)
        self.setTabChangesFocus(True)
        self.setAccessibleName(tr("Edit the message"))
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(2)
        self.document().documentLayout().documentSizeChanged.connect(self._grow)
        self._grow()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def _grow(self) -> None:
        height = max(LEAST_HEIGHT, round(self.document().documentLayout().documentSize().height()) + 4)
        if height != self.height():
            self.setFixedHeight(height)


class MessageEditor(QFrame):
    """The field and its buttons.

    Args:
        original: what the message says.
        draft: what was typed before and not saved; the same as `original` where nothing was.
        asks: whether an edited message can be sent: a question.
    """

    #: Save this text; and whether to ask the model with it.
    save_requested = Signal(str, bool)
    #: Close it, and keep what was typed.
    close_requested = Signal()
    #: The cursor stands elsewhere: keep it in view.
    cursor_moved = Signal()

    def __init__(self, original: str, draft: str, *, asks: bool) -> None:
        super().__init__()
        self.setObjectName("composer")
        self._original = original
        self._may_ask = True
        self.edit = _Edit()
        self.edit.setPlainText(draft)
        self.edit.moveCursor(QTextCursor.MoveOperation.End)
        self._hint = label("", "note", wrap=True)
        self._discard = QPushButton(tr("Discard changes"))
        self._discard.setProperty("kind", "quiet")
        self._discard.clicked.connect(self._put_back)
        self._cancel, self._save, self._send = (
            QPushButton(tr("Cancel")),
            QPushButton(tr("Save")),
            QPushButton(tr("Save && Send")),
        )
        self._cancel.setToolTip(tr("Close, and keep what was typed (Esc)"))
        self._cancel.clicked.connect(self.close_requested)
        self._save.setToolTip(
            tr("Keep it as another version, and ask nothing")
            if asks
            else tr("Keep it as another version, and ask nothing (Ctrl+Enter)")
        )
        self._save.clicked.connect(lambda: self._finish(ask=False))
        self._send.setToolTip(tr("Keep it as another version, and have it answered (Ctrl+Enter)"))
        self._send.clicked.connect(lambda: self._finish(ask=True))
        restyle(self._send if asks else self._save, "kind", "primary")
        self._asks = asks
        foot = QHBoxLayout()
        foot.setSpacing(SPACE_S)
        foot.addWidget(self._hint, 1)
        for button in (self._discard, self._cancel, self._save, self._send):
            foot.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_M, SPACE_S + 2, SPACE_M, SPACE_M)
        layout.setSpacing(SPACE_S)
        layout.addWidget(self.edit)
        layout.addLayout(foot)
        self._send.setVisible(asks)  # not before it lies in here: it would be a window of its own for a moment
        self.edit.textChanged.connect(self._refresh)
        self.edit.cursorPositionChanged.connect(self.cursor_moved)
        self.edit.installEventFilter(self)
        self._refresh()

    @property
    def text(self) -> str:
        """What is written, to the letter."""
        return self.edit.document().toRawText().replace("\u2029", "\n").replace("\u2028", "\n")

    @property
    def stops(self) -> tuple[QWidget, ...]:
        """Where Tab goes in it, in order."""
        return (self.edit, self._discard, self._cancel, self._save, self._send)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The focus is the field's. No focus proxy: Qt's Tab would then go past what stands before and behind it."""
        self.edit.setFocus(event.reason())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            restyle(self, "focused", "true" if event.type() is QEvent.Type.FocusIn else "false")
        return super().eventFilter(watched, event)

    @property
    def is_changed(self) -> bool:
        """Whether it says something else than the message."""
        return self.text != self._original

    def allow_asking(self, *, allowed: bool) -> None:
        """Whether a question can be sent now; not while an answer is being written."""
        self._may_ask = allowed
        self._refresh()

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._key(event):
            event.accept()  # or Esc would stop an answer
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        work = self._key(event)
        if work == "close":
            self.close_requested.emit()
        elif work == "finish":
            self._finish(ask=self._asks)
        else:
            super().keyPressEvent(event)

    @staticmethod
    def _key(event: QKeyEvent) -> str:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.key() == Qt.Key.Key_Escape:
            return "close"
        return "finish" if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier else ""

    def _finish(self, *, ask: bool) -> None:
        button = self._send if ask else self._save
        if button.isEnabled():
            self.save_requested.emit(self.text, ask)

    def _put_back(self) -> None:
        cursor = QTextCursor(self.edit.document())  # as one step, which Ctrl+Z takes back
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(self._original)
        self.edit.setFocus()

    def _refresh(self) -> None:
        full = bool(self.text.strip())
        self._discard.setVisible(self.is_changed)
        self._save.setEnabled(full and self.is_changed)
        self._send.setEnabled(full and self._may_ask)
        if self._asks and not self._may_ask:
            hint = tr("Another answer is being written. You can save now, and send later.")
        else:
            hint = tr("The version before stays.")
        self._hint.setText(hint)
