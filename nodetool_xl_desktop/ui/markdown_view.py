"""A text that grows at its end and is drawn as Markdown, at a cost that does not grow with it.

Blocks that are finished are never touched again; only the open one at the end is drawn anew. Nothing is ever
fetched: a model's answer could otherwise leak the chat through an image's address, or show a file of this machine.
"""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import (
    QColor,
    QImage,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextEdit

from nodetool_xl_desktop.ui.theme import Theme

FEATURES = QTextDocument.MarkdownFeature(
    QTextDocument.MarkdownFeature.MarkdownDialectGitHub.value | QTextDocument.MarkdownFeature.MarkdownNoHTML.value
)
LINE_HEIGHT_PERCENT = 125
PARAGRAPH_SPACE = 10
INDENT = 24


def block_ends(text: str, start: int) -> list[int]:
    """Where blocks end from `start` on, which must be such a place itself or 0: behind empty lines.

    An empty line inside a code fence ends nothing. Behind the last of these places the open block begins.
    """
    ends, position, fence, empty = [], start, "", True
    for line in text[start:].splitlines(keepends=True):
        position += len(line)
        marker = line.lstrip()[:3]
        if fence:
            if marker == fence and not line.strip().strip(fence[0]):
                fence = ""
        elif marker in ("```", "~~~"):
            fence, empty = marker, False
        elif line.strip():
            empty = False
        elif line.endswith("\n") and not empty:
            ends.append(position)
            empty = True
    return ends


class MarkdownView(QTextEdit):
    """Read-only; as high as its text."""

    def __init__(self, theme: Theme, *, plain: bool = False) -> None:
        super().__init__()
        self._theme = theme
        self._plain = plain
        self._text = ""
        self._closed = 0  # offset in the text
        self._open_at = 0  # position in the document
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAcceptDrops(False)
        self.setUndoRedoEnabled(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().setDocumentMargin(0)
        self.document().setIndentWidth(INDENT)
        self.document().documentLayout().documentSizeChanged.connect(self._fit_height)
        theme.changed.connect(self._redraw)
        self._fit_height()

    def set_text(self, text: str) -> None:
        """Show this text; cheap where it is the shown one with more at its end."""
        if text == self._text:
            return
        if not text.startswith(self._text):
            self._begin()
        self._text = text
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()  # laid out once, and never as high as without its open block
        cursor.setPosition(self._open_at)
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        for end in () if self._plain else block_ends(text, self._closed):
            self._insert(cursor, text[self._closed : end])
            self._closed, self._open_at = end, cursor.position()
        self._insert(cursor, text[self._closed :])
        cursor.endEditBlock()

    def _begin(self) -> None:
        self.clear()
        self._text, self._closed, self._open_at = "", 0, 0

    def _redraw(self) -> None:
        """The colours are others now."""
        text = self._text
        self._begin()
        self.set_text(text)

    def sizeHint(self) -> QSize:
        return QSize(200, self.height())

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """Nothing: Qt would otherwise read local files and ask the network for images in an answer."""
        return QImage()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the transcript scrolls, not one message in it

    def _insert(self, cursor: QTextCursor, text: str) -> None:
        if not text.strip():
            return
        if cursor.position() > 0:
            cursor.insertBlock(QTextBlockFormat(), QTextCharFormat())
        start = cursor.position()
        if self._plain:
            cursor.insertText(text)
        else:
            cursor.insertMarkdown(text.strip("\n"), FEATURES)
            first = self.document().findBlock(start)
            if not first.text() and first.next().textList() is not None:
                # WORKAROUND: Qt (6.11) puts a list behind the empty block it is inserted into, not in its place.
                cursor.setPosition(start)
                cursor.deleteChar()
        cursor.movePosition(QTextCursor.MoveOperation.End)
        self._shape_blocks(self.document().findBlock(start))

    def _shape_blocks(self, block: QTextBlock) -> None:
        """Give the blocks from here on the program's spacing, and code its ground."""
        while block.isValid():
            shape = block.blockFormat()
            code = shape.hasProperty(QTextFormat.Property.BlockCodeFence)
            if code:
                shape.setBackground(QColor(self._theme.tokens.code))
            else:
                shape.setLineHeight(LINE_HEIGHT_PERCENT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
            following = block.next()
            in_list = block.textList() is not None and following.textList() is not None
            in_code = code and following.blockFormat().hasProperty(QTextFormat.Property.BlockCodeFence)
            tight = in_list or in_code or not following.isValid() or self._plain
            shape.setTopMargin(0)
            shape.setBottomMargin(0 if tight else PARAGRAPH_SPACE)
            QTextCursor(block).setBlockFormat(shape)
            block = following

    def _fit_height(self) -> None:
        height = max(20, round(self.document().documentLayout().documentSize().height()) + 2)
        if height != self.height():
            self.setFixedHeight(height)
