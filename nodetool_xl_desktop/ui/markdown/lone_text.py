"""The ground of a selection where there is but one text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint

from nodetool_xl_desktop.ui.markdown.copied import Source
from nodetool_xl_desktop.ui.markdown.text_selection import TextId

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView


class LoneText:
    """See `text_selection.Ground`."""

    _ID = TextId("", 0)

    def __init__(self, view: MarkdownView) -> None:
        self._view = view

    def id_of(self, view: MarkdownView) -> TextId | None:
        return self._ID

    def view_of(self, text: TextId) -> MarkdownView | None:
        return self._view

    def order(self, text: TextId) -> tuple[int, int] | None:
        return (0, 0)

    def views(self) -> Iterable[MarkdownView]:
        return (self._view,)

    def view_at(self, point: QPoint) -> MarkdownView | None:
        return self._view

    def beside(self, text: TextId, *, back: bool) -> MarkdownView | None:
        return None

    def between(self, first: TextId, last: TextId) -> Sequence[tuple[TextId, Source]]:
        return ((self._ID, self._view.source),)

    def ends(self) -> tuple[TextId, TextId] | None:
        return self._ID, self._ID

    def beyond(self, point: QPoint) -> int:
        return 0

    def scroll(self, by: int) -> None:
        """There is nothing to scroll."""

    def bring(self, view: MarkdownView, top: int, height: int) -> None:
        """It is where it is."""
