"""The turns of a chat, one below the other, in a column that is easy to read."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from nodetool_xl_desktop.chat.session import Message
from nodetool_xl_desktop.ui.message_view import AnswerView, QuestionView
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_XL, Theme

COLUMN_WIDTH = 680
SCROLL_BAR_WIDTH = 10  # as the style sheet has it
#: An answer is drawn at most this often, however fast its tokens come.
FRAME_MS = 33
#: So near to the end counts as at the end, in pixels.
NEAR = 8


class Transcript(QScrollArea):
    """Follows the end while the reader is there, and stays put as soon as they scroll up."""

    #: What would help after a failed answer was pressed.
    load_requested = Signal()
    new_chat_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("transcript")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Chat")
        self._theme = theme
        self._following = True
        self._open: AnswerView | None = None
        self._column = QVBoxLayout()
        self._column.setSpacing(SPACE_L)
        self._column.setContentsMargins(0, SPACE_XL, 0, SPACE_XL)
        self._column.addStretch()
        self._start()
        self._frames = QTimer(self)
        self._frames.setInterval(FRAME_MS)
        self._frames.timeout.connect(self.refresh)
        bar = self.verticalScrollBar()
        bar.rangeChanged.connect(self._range_changed)
        bar.valueChanged.connect(self._scrolled)

    def _start(self) -> None:
        body = QWidget()
        body.setObjectName("transcriptBody")
        column = QWidget()
        column.setMaximumWidth(COLUMN_WIDTH)
        column.setLayout(self._column)
        row = QHBoxLayout(body)
        row.setContentsMargins(SPACE_XL, 0, SPACE_XL, 0)
        self._row = row
        row.addStretch(1)
        row.addWidget(column, 1000)
        row.addStretch(1)
        self.setWidget(body)

    def add(self, message: Message) -> None:
        """Show one more turn; an answer that is still open is drawn as it grows."""
        if message.role == "user":
            view: QWidget = QuestionView(message, self._theme)
            self._following = True
        else:
            answer = AnswerView(message, self._theme)
            answer.load_requested.connect(self.load_requested)
            answer.new_chat_requested.connect(self.new_chat_requested)
            view = answer
            if message.is_open:
                self._open = answer
                self._frames.start()
        self._column.insertWidget(self._column.count() - 1, view)

    def refresh(self) -> None:
        """Draw what has come; stops by itself when the answer is complete."""
        if self._open is None:
            return
        self._open.refresh()
        if not self._open.message.is_open:
            self._open = None
            self._frames.stop()

    def clear(self) -> None:
        """Show nothing."""
        self._open = None
        self._frames.stop()
        while self._column.count() > 1:
            item = self._column.takeAt(0)
            if item is not None and (widget := item.widget()) is not None:
                widget.deleteLater()
        self._following = True

    def hide_remedies(self) -> None:
        """A model is loaded again: the offers to do so go."""
        for position in range(self._column.count()):
            item = self._column.itemAt(position)
            widget = item.widget() if item is not None else None
            if isinstance(widget, AnswerView):
                widget.hide_remedy()

    def _range_changed(self, _least: int, most: int) -> None:
        # The scroll bar comes in place of a part of the margin, so that the column does not jump.
        self._row.setContentsMargins(SPACE_XL, 0, SPACE_XL - (SCROLL_BAR_WIDTH if most else 0), 0)
        if self._following:
            self.verticalScrollBar().setValue(most)

    def _scrolled(self, value: int) -> None:
        self._following = value >= self.verticalScrollBar().maximum() - NEAR
