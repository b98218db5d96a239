"""The field a message is typed in: it grows with the text, remembers what was sent, and hands on what is no typing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, Qt, Signal
from PySide6.QtGui import QFocusEvent, QGuiApplication, QImage, QKeyEvent, QKeySequence, QTextCursor
from PySide6.QtWidgets import QSizePolicy, QTextEdit

from nodetool_xl_desktop.chat.attaching import LONG_PASTE
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.action import Where
from nodetool_xl_desktop.ui.action_places import of_key

LEAST_HEIGHT, MOST_HEIGHT = 48, 220


class MessageEdit(QTextEdit):
    """A plain text field that grows with what is written."""

    submitted = Signal()
    focus_changed = Signal(bool)
    #: The keys are to go to the messages above (Ctrl+Up).
    left_upwards = Signal()
    #: Files were pasted (a list of paths).
    files_pasted = Signal(object)
    #: A picture was pasted (a QImage), such as a screenshot.
    picture_pasted = Signal(object)
    #: A text was pasted that is too long to be typed.
    long_pasted = Signal(str)
    _needs_control = False  # of the class, as Qt asks while the widget is being made

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptRichText(False)
        self.setAcceptDrops(False)  # a drop is the window's: a model, or a file to attach
        self.setTabChangesFocus(True)
        self.setAccessibleName(tr("Message"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.document().setDocumentMargin(2)
        self.document().documentLayout().documentSizeChanged.connect(self._grow)
        self._sent: list[str] = []
        self._recalled: int | None = None
        self._is_small = False
        self._undo_first: Callable[[], bool] = lambda: False
        self._grow()

    @property
    def text(self) -> str:
        """What is written, to the letter: `toPlainText` would make a plain space of one that does not break."""
        return _plain(self.document().toRawText())

    def set_history(self, texts: Sequence[str]) -> None:
        """What was sent in this chat, oldest first; Up brings it back."""
        self._sent = [text for text in texts if text.strip()]
        self._recalled = None

    def send_with(self, *, control: bool) -> None:
        """Have Ctrl+Enter send, and Enter begin a new line; or have Enter send."""
        self._needs_control = control

    def set_small(self, small: bool) -> None:
        """Take no more height than for two lines, as something else needs the room."""
        self._is_small = small
        self._grow()
        self.ensureCursorVisible()

    def undo_first(self, undo: Callable[[], bool]) -> None:
        """Have Ctrl+Z call this before it undoes what was typed; it returns whether it undid something."""
        self._undo_first = undo

    def put(self, text: str) -> None:
        """Put a text where the cursor is, as a paste does: it can be undone."""
        self.textCursor().insertText(text)
        self.ensureCursorVisible()

    def put_quotation(self, text: str) -> None:
        """Put a text in as a quotation of Markdown, in a paragraph of its own."""
        lines = _plain(text).strip("\n").splitlines()
        if not any(line.strip() for line in lines):
            return
        cursor = self.textCursor()
        before = QTextCursor(cursor)
        before.setPosition(0)
        before.setPosition(cursor.selectionStart(), QTextCursor.MoveMode.KeepAnchor)
        above = _plain(before.selectedText())
        gap = "" if not above or above.endswith("\n\n") else "\n" if above.endswith("\n") else "\n\n"
        block = "\n".join(f"> {line}".rstrip() for line in lines)
        cursor.insertText(f"{gap}{block}\n\n")
        self.setTextCursor(cursor)
        self.ensureCursorVisible()

    # Qt's events

    def _sends(self, event: QKeyEvent) -> bool:
        wanted = Qt.KeyboardModifier.ControlModifier if self._needs_control else Qt.KeyboardModifier.NoModifier
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        return is_enter and event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier == wanted

    def event(self, event: QEvent) -> bool:
        if (
            event.type() is QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and self._needs_control  # in this order: a field hears of other events before it is made
            and self.text
            and self._sends(event)
        ):
            event.accept()  # or the window would regenerate
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        none, pad = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier
        plain, does = event.modifiers() in (none, pad), of_key(Where.COMPOSER, event)
        if self._sends(event):
            self.submitted.emit()
        elif does == "composer.paste_text":
            self.put(QGuiApplication.clipboard().text())
        elif does == "composer.messages":
            self.left_upwards.emit()
        elif event.matches(QKeySequence.StandardKey.Undo) and self._undo_first():
            pass
        elif not (plain and self._recall(event.key())):
            super().keyPressEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return source.hasText() or source.hasUrls() or source.hasImage()

    def insertFromMimeData(self, source: QMimeData) -> None:
        files = [Path(url.toLocalFile()) for url in source.urls() if url.isLocalFile()]
        text = source.text()
        if files:
            self.files_pasted.emit(files)
        elif source.hasImage() and not text:
            self.picture_pasted.emit(QImage(source.imageData()))
        elif len(text) > LONG_PASTE:
            self.long_pasted.emit(text.replace("\r\n", "\n"))
        else:
            self.put(text)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focus_changed.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focus_changed.emit(False)

    def _recall(self, key: int) -> bool:
        """Up and Down through what was sent; False where the key only moves the cursor.

        Only from an empty field, or from what was brought back and not changed: a draft is never lost.
        """
        if key not in (Qt.Key.Key_Up, Qt.Key.Key_Down) or not self._sent:
            return False
        text, at = self.text, self._recalled
        if at is not None and (at >= len(self._sent) or text != self._sent[at]):
            at = self._recalled = None
        if at is None and (text or key == Qt.Key.Key_Down):
            return False
        up = key == Qt.Key.Key_Up
        if QTextCursor(self.textCursor()).movePosition(
            QTextCursor.MoveOperation.Up if up else QTextCursor.MoveOperation.Down
        ):
            return False  # there is another line above or below
        at = (len(self._sent) if at is None else at) + (-1 if up else 1)
        if at < 0:
            return True
        self._recalled = at if at < len(self._sent) else None
        cursor = self.textCursor()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(self._sent[at] if at < len(self._sent) else "")
        self.setTextCursor(cursor)
        return True

    def _grow(self) -> None:
        wanted = round(self.document().documentLayout().documentSize().height()) + 4
        self.setFixedHeight(max(LEAST_HEIGHT, min(LEAST_HEIGHT if self._is_small else MOST_HEIGHT, wanted)))


def _plain(raw: str) -> str:
    """Qt's own marks of a new paragraph and a new line as what they are in a text."""
    return raw.replace("\u2029", "\n").replace("\u2028", "\n")
