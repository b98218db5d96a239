"""The texts of a chat in their order, for the selection that goes from one to the next: those that are drawn, and
those between them that are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QScrollBar, QWidget

from nodetool_xl_desktop.store.records import Message
from nodetool_xl_desktop.ui.markdown.copied import Source
from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView
from nodetool_xl_desktop.ui.markdown.text_selection import TextId
from nodetool_xl_desktop.ui.transcript.answer_parts import TextPiece, pieces_of
from nodetool_xl_desktop.ui.transcript.message_frame import MessageView
from nodetool_xl_desktop.ui.transcript.turn_view import TurnView

#: A text further away than so many messages is not looked for.
NEIGHBOURS = 20


class _Chat(Protocol):
    """What it needs of the transcript."""

    @property
    def messages(self) -> Sequence[Message]: ...

    @property
    def message_views(self) -> Sequence[MessageView]: ...

    def viewport(self) -> QWidget: ...

    def verticalScrollBar(self) -> QScrollBar: ...

    def index_of(self, view: TurnView) -> int: ...

    def place_in_chat(self, message: str) -> int | None: ...

    def turn(self, index: int) -> TurnView | None: ...

    def bring(self, index: int, top: int = 0, height: int | None = None) -> None: ...


class ChatTexts:
    """See `text_selection.Ground`."""

    def __init__(self, chat: _Chat) -> None:
        self._chat = chat

    def id_of(self, view: MarkdownView) -> TextId | None:
        message = _message_of(view)
        rank = message.rank_of(view) if message is not None else None
        return None if message is None or rank is None else TextId(message.message.id, rank)

    def view_of(self, text: TextId) -> MarkdownView | None:
        for message in self._chat.message_views:
            if message.message.id == text.message:
                return next((view for view in _texts(message) if message.rank_of(view) == text.rank), None)
        return None

    def order(self, text: TextId) -> tuple[int, int] | None:
        index = self._chat.place_in_chat(text.message)
        return None if index is None else (index, text.rank)

    def views(self) -> Iterable[MarkdownView]:
        return [view for message in self._chat.message_views for view in message.texts]

    def view_at(self, point: QPoint) -> MarkdownView | None:
        """The nearest one upright: what stands beside a text is on its line."""
        best: tuple[int, MarkdownView] | None = None
        for message in self._chat.message_views:
            for view in _texts(message):
                top = view.mapToGlobal(QPoint(0, 0)).y()
                away = max(top - point.y(), point.y() - top - view.height(), 0)
                if best is None or away < best[0]:
                    best = away, view
        return None if best is None else best[1]

    def beside(self, text: TextId, *, back: bool) -> MarkdownView | None:
        step = -1 if back else 1
        here = self._chat.place_in_chat(text.message)
        if here is None:
            return None
        for index in range(here, here + NEIGHBOURS * step, step):
            if not 0 <= index < len(self._chat.messages):
                return None
            message = self._chat.turn(index)
            if not isinstance(message, MessageView):
                continue
            ranked = sorted((message.rank_of(view) or 0, number) for number, view in enumerate(_texts(message)))
            found = [number for rank, number in ranked if index != here or (rank - text.rank) * step > 0]
            if found:
                return _texts(message)[found[-1 if back else 0]]
        return None

    def between(self, first: TextId, last: TextId) -> Sequence[tuple[TextId, Source]]:
        low, high = self.order(first), self.order(last)
        if low is None or high is None:
            return ()
        drawn = {view.message.id: view for view in self._chat.message_views}
        found = []
        for index in range(low[0], high[0] + 1):
            message = self._chat.messages[index]
            for rank, source in _sources(message, drawn.get(message.id)):
                if low <= (index, rank) <= high:
                    found.append((TextId(message.id, rank), source))
        return found

    def ends(self) -> tuple[TextId, TextId] | None:
        messages = self._chat.messages
        if not messages:
            return None
        return TextId(messages[0].id, 0), TextId(messages[-1].id, 1 << 30)

    def beyond(self, point: QPoint) -> int:
        port = self._chat.viewport()
        y = port.mapFromGlobal(point).y()
        return y if y < 0 else max(0, y - port.height())

    def scroll(self, by: int) -> None:
        bar = self._chat.verticalScrollBar()
        bar.setValue(bar.value() + by)

    def bring(self, view: MarkdownView, top: int, height: int) -> None:
        message = _message_of(view)
        if message is not None:
            self._chat.bring(self._chat.index_of(message), view.mapTo(message, QPoint(0, top)).y(), height)


def _texts(message: MessageView) -> list[MarkdownView]:
    return [view for view in message.texts if view.isVisibleTo(message)]


def _message_of(view: QWidget) -> MessageView | None:
    parent = view.parentWidget()
    while parent is not None and not isinstance(parent, MessageView):
        parent = parent.parentWidget()
    return parent


def sources_of(message: Message) -> list[Source]:
    """All that a message says, without what was thought and called."""
    return [source for _, source in _sources(message, None)]


def _sources(message: Message, view: MessageView | None) -> list[tuple[int, Source]]:
    """The texts of a message by their rank; reasoning only where it is shown."""
    if message.role == "user":
        drawn = {0: view.texts[0]} if view is not None else {}
        return [(0, drawn[0].source if drawn else Source(message.text, is_plain=True))] if message.text else []
    views = {view.rank_of(text): text for text in _texts(view)} if view is not None else {}
    found = []
    for rank, piece in enumerate(pieces_of(message.parts)):
        if rank in views:
            found.append((rank, views[rank].source))
        elif isinstance(piece, TextPiece):
            found.append((rank, Source(piece.text, is_plain=False)))
    return found
