"""A short text in letters of one width, as high as it is: arguments and results of tools, in the cards of a chat."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt
from PySide6.QtGui import QFocusEvent, QFont, QFontDatabase, QKeyEvent, QResizeEvent, QTextOption, QWheelEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextEdit

from nodetool_xl_desktop.ui.leaf.odd_letters import visible
from nodetool_xl_desktop.ui.theme import Theme

CODE_SIZE_PX = 12.5
#: More is never laid out at once: it costs the window's thread some milliseconds.
MOST_LETTERS = 20_000
#: Around the letters of one that has the ground of code, in pixels.
FRAME = 8


def code_font(theme: Theme) -> QFont:
    """The letters of one width, as large as the chat is drawn."""
    font = QFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    if theme.code_families:
        font.setFamilies(list(theme.code_families))
    font.setPixelSize(max(6, round(CODE_SIZE_PX * theme.zoom)))
    return font


class CodeText(QTextEdit):
    """Read-only, selected by mouse and keys; never markup. Letters that are not seen, or that make a line look like
    another one, stand there as marks: what is shown here is what a person allows.

    Args:
        theme: the theme in force.
        name: what a screen reader calls it.
    """

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self._theme = theme
        self._text = ""
        self.setProperty("kind", "tool")
        self.setAccessibleName(name)
        self.setReadOnly(True)
        self.setAcceptRichText(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)  # the message has one
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUndoRedoEnabled(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().setDocumentMargin(0)
        self.document().documentLayout().documentSizeChanged.connect(self._fit_height)
        theme.changed.connect(self._size)
        self._size()

    def set_text(self, text: str) -> None:
        """Show this; at most `MOST_LETTERS` of it."""
        text = text[:MOST_LETTERS].replace("\r\n", "\n")
        if text != self._text:
            self._text = text
            self.setPlainText(visible(text, code=True)[0])

    def createMimeDataFromSelection(self) -> QMimeData:
        """As it was written, whatever the marks are shown for."""
        cursor, units = self.textCursor(), self._text.encode("utf-16-le", "surrogatepass")
        data = QMimeData()
        chosen = units[2 * cursor.selectionStart() : 2 * cursor.selectionEnd()]
        data.setText(chosen.decode("utf-16-le", "replace"))
        return data

    def frame(self) -> None:
        """Give it the ground of code."""
        self.setProperty("framed", "true")
        self.document().setDocumentMargin(FRAME)

    def sizeHint(self) -> QSize:
        return QSize(200, self.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.height())

    def _size(self) -> None:
        font = code_font(self._theme)
        if font != self.document().defaultFont():
            self.document().setDefaultFont(font)
            self._fit_height()

    def _fit_height(self) -> None:
        height = max(16, round(self.document().documentLayout().documentSize().height()))
        if height != self.height():
            self.setFixedHeight(height)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.FontChange:  # the style sheet's, which knows of no zoom
            self._size()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_height()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the transcript scrolls

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() is not Qt.FocusReason.PopupFocusReason:
            cursor = self.textCursor()
            cursor.clearSelection()
            self.setTextCursor(cursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()  # from turn to turn
        else:
            super().keyPressEvent(event)
