"""A text that grows at its end and is drawn as Markdown, at a cost that does not grow with it.

Blocks that are finished are never touched again; only the open one at the end is drawn anew, and of code only the new
lines. Nothing is ever fetched: a model's answer could otherwise leak the chat through an image's address, or show a
file of this machine.
"""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, QUrl
from PySide6.QtGui import (
    QColor,
    QFontDatabase,
    QImage,
    QKeyEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextDocumentFragment,
    QTextFrame,
    QTextFrameFormat,
    QTextLength,
    QTextOption,
    QTextTable,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextEdit

from nodetool_xl_desktop.ui.theme import SPACE_S, SPACE_XS, Theme
from nodetool_xl_desktop.ui.transcript.markdown_blocks import Fence, block_ends, is_prose
from nodetool_xl_desktop.ui.transcript.markdown_text import FEATURES

LINE_HEIGHT_PERCENT = 125
PARAGRAPH_SPACE = 10
INDENT = 24
CODE_SIZE_PX = 12
#: How much of its ground shows through the mark of a hit, of 255.
HIT_ALPHA = 90
#: A short word in a long text is not marked more often.
MOST_HITS = 2000


class MarkdownView(QTextEdit):
    """Read-only; as high as its text.

    Args:
        theme: the theme in force.
        plain: draw the text as it is, without Markdown.
    """

    def __init__(self, theme: Theme, *, plain: bool = False) -> None:
        super().__init__()
        self._theme = theme
        self._plain = plain
        self._text = ""
        self._closed = 0  # offset in the text
        self._open_at = 0  # position in the document
        self._code: Fence | None = None  # the drawn text ends in this open code block
        self._code_frame: QTextFrame | None = None
        self._sought = ""
        self._current: int | None = None
        self._hits: list[QTextCursor] = []
        self.setReadOnly(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)  # the message has one
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAcceptDrops(False)
        self.setUndoRedoEnabled(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(0)
        self.document().setDocumentMargin(0)
        self.document().setIndentWidth(INDENT)
        self.document().documentLayout().documentSizeChanged.connect(self._fit_height)
        theme.changed.connect(self._redraw)
        self._fit_height()

    def set_text(self, text: str) -> None:
        """Show this text; cheap where it is the shown one with more at its end."""
        if text == self._text:
            return
        self._show(text)
        if self._sought:
            self._find()

    def mark(self, sought: str, current: int | None = None) -> int:
        """Mark each place where this stands, whatever its case; nothing for an empty text.

        Args:
            current: which of them is marked more strongly, counted from 0; beyond the last one means that.

        Returns:
            how many there are as the text is drawn.
        """
        if (sought, current) != (self._sought, self._current):
            self._sought, self._current = sought, current
            self._find()
        return len(self._hits)

    def place_of(self, hit: int) -> QRect:
        """Where a hit is drawn; beyond the last one means that."""
        if not self._hits:
            return QRect()
        cursor = self._hits[min(hit, len(self._hits) - 1)]
        start = QTextCursor(cursor)
        start.setPosition(cursor.selectionStart())
        return self.cursorRect(start)

    @property
    def selection(self) -> str:
        """What is selected in it."""
        return self.textCursor().selection().toPlainText()

    def unselect(self) -> None:
        """Select nothing."""
        cursor = self.textCursor()
        cursor.clearSelection()
        self.setTextCursor(cursor)

    def _find(self) -> None:
        """Look for what is sought, and mark it over the text, which stays as it is."""
        self._hits = []
        at = QTextCursor(self.document())
        while self._sought and len(self._hits) < MOST_HITS:
            at = self.document().find(self._sought, at)
            if at.isNull():
                break
            self._hits.append(QTextCursor(at))
        tokens, marks = self._theme.tokens, []
        current = -1 if self._current is None else min(self._current, len(self._hits) - 1)
        for number, hit in enumerate(self._hits):
            look = QTextCharFormat()
            ground = QColor(tokens.warning if number == current else tokens.context)
            if number == current:
                look.setForeground(QColor(tokens.on_accent))
            else:
                ground.setAlpha(HIT_ALPHA)
            look.setBackground(ground)
            mark = QTextEdit.ExtraSelection()
            mark.cursor, mark.format = hit, look
            marks.append(mark)
        self.setExtraSelections(marks)

    def _show(self, text: str) -> None:
        if not text.startswith(self._text):
            self._begin()
        shown, self._text = self._text, text
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        if self._plain:
            cursor.insertText(text[len(shown) :])
        elif not self._add_code(text) and not self._add_prose(shown, text):
            cursor.beginEditBlock()  # laid out once, and never as high as without its open block
            self._draw_open(text)
            cursor.endEditBlock()

    def sizeHint(self) -> QSize:
        return QSize(200, self.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.height())

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """Nothing: Qt would otherwise read local files and ask the network for images in an answer."""
        return QImage()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the transcript scrolls, not one message in it

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()  # from turn to turn
        else:
            super().keyPressEvent(event)

    def _begin(self) -> None:
        self.clear()
        self._text, self._closed, self._open_at = "", 0, 0
        self._code, self._code_frame = None, None

    def _redraw(self) -> None:
        """The colours are others now."""
        text = self._text
        self._begin()
        self.set_text(text)

    def _draw_open(self, text: str) -> None:
        """Draw everything behind the closed blocks anew, and note which of it is closed now."""
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._open_at)
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        self._code, self._code_frame = None, None
        for end in block_ends(text, self._closed):
            self._insert(cursor, text[self._closed : end])
            cursor.movePosition(QTextCursor.MoveOperation.End)
            self._closed, self._open_at = end, cursor.position()
        self._insert(cursor, text[self._closed :])

    def _add_code(self, text: str) -> bool:
        """Add to an open code block; False where there is none, or where its fence is closed now."""
        fence = Fence.read(text[self._closed :]) if self._code is not None else None
        if self._code is None or self._code_frame is None or fence is None or fence.closed:
            return False
        if not fence.code.startswith(self._code.code):
            return False
        cursor = self._code_frame.lastCursorPosition()
        cursor.insertText(fence.code[len(self._code.code) :])
        self._code = fence
        return True

    def _add_prose(self, shown: str, text: str) -> bool:
        """Add words to an open paragraph that has no marks; False where it has, or where there is none."""
        before, now = shown[self._closed :], text[self._closed :]
        if not is_prose(before) or not is_prose(now):
            return False
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(now.rstrip()[len(before.rstrip()) :])  # Markdown draws no space at the end of a line
        return True

    def _insert(self, cursor: QTextCursor, text: str) -> None:
        """Draw one block at the end of the document."""
        if not text.strip():
            return
        if (fence := Fence.read(text)) is not None:
            self._insert_code(cursor, fence)
        else:
            self._insert_markdown(cursor, text.strip("\n"))

    def _insert_code(self, cursor: QTextCursor, fence: Fence) -> None:
        tokens, frame = self._theme.tokens, QTextFrameFormat()
        frame.setBackground(QColor(tokens.code))
        frame.setBorder(1)
        frame.setBorderBrush(QColor(tokens.line))
        frame.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
        frame.setPadding(SPACE_S + 2)
        frame.setTopMargin(PARAGRAPH_SPACE if cursor.position() else 0)
        frame.setBottomMargin(PARAGRAPH_SPACE)
        frame.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
        look = QTextCharFormat()
        look.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        look.setProperty(QTextCharFormat.Property.FontPixelSize, CODE_SIZE_PX)
        if cursor.block().length() == 1:  # a frame needs a block before it, which nobody needs to see
            unseen = QTextBlockFormat()
            unseen.setLineHeight(1, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
            cursor.setBlockFormat(unseen)
        made = cursor.insertFrame(frame)
        inside = made.firstCursorPosition()
        inside.setBlockFormat(QTextBlockFormat())
        inside.setBlockCharFormat(look)
        inside.insertText(fence.code, look)
        if not fence.closed:
            self._code, self._code_frame = fence, made

    def _insert_markdown(self, cursor: QTextCursor, text: str) -> None:
        drawn = QTextDocument()
        drawn.setIndentWidth(INDENT)
        drawn.setDefaultFont(self.document().defaultFont())
        drawn.setMarkdown(text, FEATURES)
        first = drawn.begin()
        self._shape(drawn)
        if cursor.block().length() > 1:  # else it is the empty one that stands at the beginning and behind a frame
            cursor.insertBlock(first.blockFormat(), first.charFormat())
        else:
            cursor.setBlockFormat(first.blockFormat())
        start = cursor.position()
        # The first block of what is inserted joins the block that is there, which therefore got its format above.
        cursor.insertFragment(QTextDocumentFragment(drawn))
        joined = self.document().findBlock(start)
        if not joined.text() and joined.next().textList() is not None:
            # WORKAROUND: Qt (6.11) puts a list behind the empty block it is inserted into, not in its place.
            cursor.setPosition(start)
            cursor.deleteChar()
        cursor.movePosition(QTextCursor.MoveOperation.End)

    def _shape(self, drawn: QTextDocument) -> None:
        """Give freshly drawn Markdown the program's spacing, and code and tables their looks."""
        tokens, block, first = self._theme.tokens, drawn.begin(), True
        while block.isValid():
            shape = block.blockFormat()
            shape.setLineHeight(LINE_HEIGHT_PERCENT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
            shape.setTopMargin((PARAGRAPH_SPACE if self._open_at or self._closed else 0) if first else SPACE_XS)
            shape.setBottomMargin(0)
            QTextCursor(block).setBlockFormat(shape)
            self._mark_code(block)
            block, first = block.next(), False
        for frame in drawn.rootFrame().childFrames():
            if isinstance(frame, QTextTable):
                table = frame.format()
                table.setBorder(1)
                table.setBorderCollapse(True)
                table.setBorderBrush(QColor(tokens.line))
                table.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
                table.setCellPadding(SPACE_S - 2)
                table.setCellSpacing(0)
                table.setBottomMargin(SPACE_S)
                frame.setFormat(table)

    def _mark_code(self, block: QTextBlock) -> None:
        """Give code within a line its ground."""
        pieces = block.begin()
        while not pieces.atEnd():
            piece = pieces.fragment()
            if piece.charFormat().fontFixedPitch():
                cursor = QTextCursor(block)
                cursor.setPosition(piece.position())
                cursor.setPosition(piece.position() + piece.length(), QTextCursor.MoveMode.KeepAnchor)
                look = QTextCharFormat()
                look.setBackground(QColor(self._theme.tokens.code))
                cursor.mergeCharFormat(look)
            pieces += 1

    def _fit_height(self) -> None:
        height = max(20, round(self.document().documentLayout().documentSize().height()) + 2)
        if height != self.height():
            self.setFixedHeight(height)
