"""What the model thought before it answered: open while it comes, closed after, and quiet either way."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XS, Theme
from nodetool_xl_desktop.ui.transcript.answer_parts import ThoughtPiece
from nodetool_xl_desktop.ui.transcript.fold import FoldHead
from nodetool_xl_desktop.ui.transcript.turn_view import holds_focus


def thought(piece: ThoughtPiece, *, is_open: bool) -> str:
    """What the line of a fold says."""
    if is_open:
        return tr("Thinking ...")
    seconds = piece.ms / 1000 if piece.ms >= 50 else 0.0
    took = tr("{seconds:.1f} s", seconds=seconds) if 0 < seconds < 9.95 else units.seconds(seconds)
    count = units.tokens(piece.tokens) if piece.tokens else ""
    if seconds:
        return (
            tr("Thought for {took}, {count}", took=took, count=count) if count else tr("Thought for {took}", took=took)
        )
    return tr("Thought, {count}", count=count) if count else tr("Thought")


class ReasoningFold(QFrame):
    """One run of reasoning.

    Args:
        theme: the theme in force.
        is_followed: whether the reader is at the end of the chat; else they may be reading this, and it stays open.
        wish: what the person chose before, which stays; None where they did not.
    """

    #: The text has come to be, or to be shown: a `MarkdownView`.
    text_made = Signal(object)

    def __init__(self, theme: Theme, is_followed: Callable[[], bool], wish: bool | None = None) -> None:
        super().__init__()
        self.setObjectName("fold")
        self._theme = theme
        self._is_followed = is_followed
        self._wish = wish
        self._text = ""
        self._is_open = False  # more may come
        self.head = FoldHead(theme)
        self.head.wished.connect(self._wished)
        self._words = label("", "note")
        self.head.row.addWidget(self._words, 1)
        self._view: MarkdownView | None = None
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(0)
        self._rows.addWidget(self.head)

    @property
    def texts(self) -> tuple[MarkdownView, ...]:
        """The text, once it was shown."""
        return (self._view,) if self._view is not None else ()

    @property
    def stops(self) -> tuple[QWidget, ...]:
        """Where Tab goes, in order."""
        return (self.head, *(each for text in self.texts for each in text.stops))

    def show_piece(self, piece: ThoughtPiece, *, more: bool) -> None:
        """Show it.

        Args:
            piece: the reasoning.
            more: the answer is being written.
        """
        is_open, was_open = more and piece.is_last, self._is_open
        self._text, self._is_open = piece.text, is_open
        words = thought(piece, is_open=is_open)
        if words != self._words.text():
            self._words.setText(words)
            self.head.setAccessibleName(words)
        anew = self._wish is True and self._view is None  # opened before, in a view that went
        if anew or (self._wish is None and is_open):
            self._open(is_open=True)
        elif self._wish is None and was_open and self._is_followed() and not holds_focus(self):
            self._open(is_open=False)
        elif self.head.is_open and self._view is not None:
            self._view.set_text(piece.text)
        if self._view is not None:
            self._view.set_open(is_open=is_open)

    def settle(self) -> None:
        """Have its layout done."""
        self._rows.activate()

    def _wished(self, wish: bool) -> None:
        self._wish = wish
        self._open(is_open=wish)

    def _open(self, *, is_open: bool) -> None:
        self.head.show_open(is_open=is_open)
        if is_open and self._view is None:
            self._view = MarkdownView(self._theme, plain=True)
            self._view.setProperty("kind", "note")
            holder = QVBoxLayout()
            holder.setContentsMargins(SPACE_M + 12 + SPACE_S, 0, SPACE_M, SPACE_M - SPACE_XS)
            holder.addWidget(self._view)
            self._holder = QWidget()
            self._holder.setLayout(holder)
            self._rows.addWidget(self._holder)
            self.text_made.emit(self._view)
            self._view.show()  # at once: the layout would do so later, and its height be taken for nothing
        if self._view is not None:
            self._holder.setVisible(is_open)
            if is_open:
                self._view.set_text(self._text)
