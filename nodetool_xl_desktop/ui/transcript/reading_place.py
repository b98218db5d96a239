"""Where the reader stands in a chat, kept while all of it is drawn larger or smaller, and when other messages come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget

from nodetool_xl_desktop.markdown.page import Place
from nodetool_xl_desktop.store.tree import Versions
from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView
from nodetool_xl_desktop.ui.transcript.message_frame import MessageView
from nodetool_xl_desktop.ui.transcript.turn_column import Anchor
from nodetool_xl_desktop.ui.transcript.turn_view import TurnView


class _Chat(Protocol):
    """What it needs of the transcript."""

    @property
    def message_views(self) -> Sequence[MessageView]: ...

    @property
    def is_following(self) -> bool: ...

    def viewport(self) -> QWidget: ...

    def index_of(self, view: TurnView) -> int: ...

    def go_to(self, index: int, y: int) -> None: ...


class ReadingPlace:
    """The line that is the first one seen.

    Args:
        chat: the transcript.
    """

    def __init__(self, chat: _Chat) -> None:
        self._chat = chat
        self._held: tuple[MarkdownView, Place, int] | None = None

    def hold(self) -> None:
        """Remember it, where it is not remembered already."""
        if self._held is None and not self._chat.is_following:
            self._held = self._first_line()

    def go_back(self) -> None:
        """Have it stand where it stood; it is remembered no longer."""
        held, self._held = self._held, None
        if held is None or self._chat.is_following:
            return
        text, place, y = held
        for view in self._chat.message_views:
            if text in view.texts:
                top = text.mapTo(view, QPoint(0, round(text.rect_of(place).top()))).y()
                self._chat.go_to(self._chat.index_of(view), y - top)
                return

    def _first_line(self) -> tuple[MarkdownView, Place, int] | None:
        """The text at the top of the view, the line of it that is the first one seen, and where that stands."""
        for view in self._chat.message_views:
            for text in view.texts:
                top = text.mapTo(self._chat.viewport(), QPoint(0, 0)).y()
                if text.isVisibleTo(view) and top + text.height() > 0:
                    place = text.place_at(QPoint(0, max(0, -top)))
                    return text, place, top + round(text.rect_of(place).top())
        return None


def is_same_chat(before: Sequence[str], now: Sequence[str], versions: Callable[[str], Versions]) -> bool:
    """Whether messages, by their ids, are of the chat that others are of."""
    return now[0] == before[0] or before[0] in versions(now[0]).ids


def anchor_among(
    before: Sequence[str], now: Sequence[str], places: Mapping[str, int], seen: Anchor, top_of: Callable[[int], int]
) -> Anchor:
    """Where to stand in other messages of the same chat.

    Args:
        before: the ids that were shown.
        now: the ids to be shown.
        places: where each of these stands among them.
        seen: the topmost one of those before.
        top_of: where one of those before stands in the view, in pixels.
    """
    if before[seen.index] in places:
        return Anchor(places[before[seen.index]], seen.y)
    pairs = enumerate(zip(before, now, strict=False))
    apart = min(next((at for at, (old, new) in pairs if old != new), seen.index), len(now) - 1)
    return Anchor(apart, top_of(min(apart, len(before) - 1)))
