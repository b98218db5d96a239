"""The pieces of an answer as widgets, in order, made and reused as they come: only the last one costs anything while an
answer streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, Union, cast

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.store.records import Message
from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView
from nodetool_xl_desktop.ui.transcript.answer_parts import CallPiece, Piece, TextPiece, ThoughtPiece, pieces_of
from nodetool_xl_desktop.ui.transcript.fold import TurnButton
from nodetool_xl_desktop.ui.transcript.message_files import FileChip
from nodetool_xl_desktop.ui.transcript.message_frame import Place

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.transcript.reasoning_fold import ReasoningFold
    from nodetool_xl_desktop.ui.transcript.tool_card import ToolCard

#: So many pieces of one answer are drawn; those before them when one asks. An import may have thousands.
MOST_PIECES = 40

PieceView: TypeAlias = Union[MarkdownView, "ReasoningFold", "ToolCard"]


class AnswerBody(QObject):
    """Keeps the widgets of one answer in its layout.

    Args:
        rows: the layout of the answer.
        first: shows the first run of text, and is there from the beginning.
        after: the widget that the pieces stand below.
        place: what they need.
        parent: the answer.
    """

    #: A `MarkdownView` and what it is called.
    text_made = Signal(object, str)
    #: A `MarkdownView` that goes.
    text_dropped = Signal(object)
    file_opened = Signal(object)
    #: What Tab goes through is something else now.
    stops_changed = Signal()
    #: The focus was in what went.
    focus_left = Signal()

    def __init__(self, rows: QVBoxLayout, first: MarkdownView, after: QWidget, place: Place, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows, self._first, self._after, self._place = rows, first, after, place
        self._pieces: list[Piece] = []
        self._views: list[PieceView] = []
        self._skipped = 0  # pieces that are not drawn, before those that are
        self._skipped_texts: Sequence[str] = ()
        self._earlier: TurnButton | None = None
        self._is_shown = True
        self._is_busy = self._has_others = False
        self._message: Message | None = None
        first.hide()

    @property
    def cards(self) -> list[ToolCard]:
        """The calls."""
        return [cast("ToolCard", view) for view, piece in self._both if isinstance(piece, CallPiece)]

    @property
    def texts(self) -> list[tuple[MarkdownView, str]]:
        """The runs of text that are drawn, each with what it says."""
        return [
            (view, piece.text)
            for view, piece in self._both
            if isinstance(view, MarkdownView) and isinstance(piece, TextPiece)
        ]

    @property
    def _both(self) -> Iterator[tuple[PieceView, Piece]]:
        return zip(self._views, self._pieces, strict=True)

    @property
    def skipped_texts(self) -> Sequence[str]:
        """The runs of text before them that are not drawn."""
        return self._skipped_texts

    @property
    def stops(self) -> tuple[QWidget, ...]:
        """Where Tab goes, in order."""
        found: list[QWidget] = [self._earlier] if self._earlier is not None else []
        for view in self._views:
            found.extend(view.stops)
        return tuple(found)

    @property
    def files(self) -> list[FileChip]:
        """The pictures that tools answered with."""
        return [chip for card in self.cards for chip in card.files]

    def show_message(self, message: Message) -> None:
        """Draw what the message says now; what is drawn already stays."""
        every = pieces_of(message.parts)
        if self._message is None:
            self._skipped = max(0, len(every) - MOST_PIECES)
        pieces = every[self._skipped :]
        self._skipped_texts = [piece.text for piece in every[: self._skipped] if isinstance(piece, TextPiece)]
        self._is_busy, self._has_others = True, False
        kept = 0
        while kept < min(len(pieces), len(self._pieces)) and _same_kind(pieces[kept], self._pieces[kept]):
            kept += 1
        self._drop_from(kept)
        for at, piece in enumerate(pieces):
            if at < kept:
                self._pieces[at] = piece
                self._show(self._views[at], piece, message)
            else:
                self._add(at, piece, message)
        for at, view in enumerate(self._views):
            if isinstance(view, MarkdownView):
                view.set_open(is_open=message.is_open and at == len(pieces) - 1)
        self._show_earlier(message)
        self._is_busy = False
        if len(pieces) != kept or self._has_others:
            self.stops_changed.emit()

    def rank_of(self, text: MarkdownView) -> int | None:
        """The number of the piece that this text is of; None where it is of none."""
        for at, view in enumerate(self._views):
            if view is text or (not isinstance(view, MarkdownView) and text in view.texts):
                return self._skipped + at
        return None

    def show_texts(self, *, is_shown: bool) -> None:
        """Show the runs of text, or leave their place to the editor."""
        self._is_shown = is_shown
        for view, _ in self.texts:
            view.setVisible(is_shown)

    def settle(self) -> None:
        """Have the layouts inside done."""
        for view in self._views:
            if not isinstance(view, MarkdownView):
                view.settle()

    def _end(self, at: int) -> int:
        """Where in the layout the piece of this number goes."""
        above: QWidget = self._views[at - 1] if at else self._earlier or self._after
        return self._rows.indexOf(above) + 1

    def _add(self, at: int, piece: Piece, message: Message) -> None:
        view = self._make(piece, (message.id, self._skipped + at))
        self._views.append(view)
        self._pieces.append(piece)
        self._rows.insertWidget(self._end(at), view)
        self._show(view, piece, message)
        view.setVisible(self._is_shown or not isinstance(view, MarkdownView))

    def _stops_changed(self) -> None:
        """One of the pieces has others: told once, however many of them do while a message is drawn."""
        self._has_others = True
        if not self._is_busy:
            self.stops_changed.emit()

    def _make(self, piece: Piece, key: tuple[str, int]) -> PieceView:
        wish, keep = self._place.folds.get(key), partial(self._place.folds.__setitem__, key)
        if isinstance(piece, TextPiece):
            if self._first not in self._views:
                self._rows.removeWidget(self._first)
                return self._first
            text = MarkdownView(self._place.theme)
            self.text_made.emit(text, tr("Answer"))
            return text
        if isinstance(piece, ThoughtPiece):
            from nodetool_xl_desktop.ui.transcript.reasoning_fold import ReasoningFold  # noqa: PLC0415 - see below

            fold = ReasoningFold(self._place.theme, self._place.is_followed, wish)
            fold.head.wished.connect(keep)
            fold.text_made.connect(self._thought_made)
            return fold
        # Imported when the first one is drawn: the start need not wait for them.
        from nodetool_xl_desktop.ui.transcript.tool_card import ToolCard  # noqa: PLC0415

        card = ToolCard(self._place.theme, self._place.calls, self._place.thumbnails, wish)
        card.head.wished.connect(keep)
        card.file_opened.connect(self.file_opened)
        card.stops_changed.connect(self._stops_changed)
        card.focus_left.connect(self.focus_left)
        return card

    def _thought_made(self, view: MarkdownView) -> None:
        self.text_made.emit(view, tr("Reasoning"))
        self._stops_changed()

    @staticmethod
    def _show(view: PieceView, piece: Piece, message: Message) -> None:
        if isinstance(piece, TextPiece):
            cast("MarkdownView", view).set_text(piece.text)
        elif isinstance(piece, ThoughtPiece):
            cast("ReasoningFold", view).show_piece(piece, more=message.is_open)
        else:
            cast("ToolCard", view).show_piece(piece, message)

    def _drop_from(self, kept: int) -> None:
        """The message says something else there now: another version of it, mostly."""
        for view in self._views[kept:]:
            if view is self._first:
                view.hide()
                self._first.set_text("")
                continue
            self._rows.removeWidget(view)
            view.hide()
            for text in (view,) if isinstance(view, MarkdownView) else view.texts:
                self.text_dropped.emit(text)
            view.deleteLater()
        del self._views[kept:]
        del self._pieces[kept:]

    def _show_earlier(self, message: Message) -> None:
        if self._skipped and self._earlier is None:
            self._earlier = TurnButton("", "quiet")
            self._earlier.clicked.connect(self._draw_earlier)
            self._rows.insertWidget(self._rows.indexOf(self._after) + 1, self._earlier)
        self._message = message
        if self._earlier is not None:
            self._earlier.setText(
                trn(
                    "Show {now:,} of {count} earlier part",
                    "Show {now:,} of {count:,} earlier parts",
                    self._skipped,
                    now=min(self._skipped, MOST_PIECES),
                )
            )
            self._earlier.setVisible(bool(self._skipped))

    def _draw_earlier(self) -> None:
        self._drop_from(0)
        self._skipped = max(0, self._skipped - MOST_PIECES)
        if self._message is not None:
            self.show_message(self._message)


def _same_kind(one: Piece, other: Piece) -> bool:
    """Whether the widget of one of them can show the other."""
    if type(one) is not type(other):
        return False
    return not isinstance(one, CallPiece) or one.id == other.id  # type: ignore[union-attr] # it is of the same type
