"""What is selected in texts that stand one below the other: one selection, from a place in one to a place in another.

It is kept as places and not in widgets, so that it stays while texts grow, come into view and go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from PySide6.QtCore import QObject, QPoint, QTimer, Signal

from nodetool_xl_desktop.markdown.page import Place
from nodetool_xl_desktop.ui.markdown import copied
from nodetool_xl_desktop.ui.markdown.moving import BACKWARDS, Move

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView

START = Place(0, 0, 0)
#: While the mouse is dragged beyond an edge, it scrolls so often, by so much of how far beyond it is.
SCROLL_MS, SCROLL_SHARE = 25, 0.35


class TextId(NamedTuple):
    """Which text: of a message, and which of its texts, from top to bottom."""

    message: str
    rank: int


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in one of the texts."""

    text: TextId
    place: Place


class Unit(Enum):
    """What a drag takes along."""

    LETTER = 1
    WORD = 2
    PARAGRAPH = 3


class Ground(Protocol):
    """The texts, in their order."""

    def id_of(self, view: MarkdownView) -> TextId | None:
        """Which text a view shows."""

    def view_of(self, text: TextId) -> MarkdownView | None:
        """The view of a text; None while it has none."""

    def order(self, text: TextId) -> tuple[int, int] | None:
        """Where a text stands among all; None where it is gone."""

    def views(self) -> Iterable[MarkdownView]:
        """All that there are now."""

    def view_at(self, point: QPoint) -> MarkdownView | None:
        """The view nearest to a point of the screen."""

    def beside(self, text: TextId, *, back: bool) -> MarkdownView | None:
        """The text before or behind, which has a view now; None at an end."""

    def between(self, first: TextId, last: TextId) -> Sequence[tuple[TextId, copied.Source]]:
        """What stands from one text to another, both with it."""

    def ends(self) -> tuple[TextId, TextId] | None:
        """The first text and the last one."""

    def beyond(self, point: QPoint) -> int:
        """How far a point of the screen is above (negative) or below what is seen, in pixels."""

    def scroll(self, by: int) -> None:
        """Scroll by so many pixels."""

    def bring(self, view: MarkdownView, top: int, height: int) -> None:
        """Bring a piece of a view into view."""


class TextSelection(QObject):
    """The selection and the caret in some texts."""

    changed = Signal()

    def __init__(self, ground: Ground, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ground = ground
        self._anchor: Spot | None = None
        self._focus: Spot | None = None
        self._pinned: tuple[Spot, Spot] | None = None  # what was taken first, by words or paragraphs
        self._unit = Unit.LETTER
        self._dragging = False
        self._whole_message = False
        self._goal_x: float | None = None
        self._point = QPoint()
        self._timer = QTimer(self)
        self._timer.setInterval(SCROLL_MS)
        self._timer.timeout.connect(self._scroll_on)

    # What is selected

    @property
    def is_empty(self) -> bool:
        """Whether nothing is."""
        return self.range is None

    @property
    def range(self) -> tuple[Spot, Spot] | None:
        """From where to where, in order; None for nothing."""
        if self._anchor is None or self._focus is None or self._anchor == self._focus:
            return None
        one, other = self._key(self._anchor), self._key(self._focus)
        if one is None or other is None:
            return None
        return (self._anchor, self._focus) if one < other else (self._focus, self._anchor)

    @property
    def caret(self) -> Spot | None:
        """Where the keys go on."""
        return self._focus

    def range_in(self, view: MarkdownView) -> tuple[Place, Place] | None:
        """What of a view is selected."""
        found, text = self.range, self._ground.id_of(view)
        if found is None or text is None:
            return None
        first, last = found
        at, low, high = self._ground.order(text), self._ground.order(first.text), self._ground.order(last.text)
        if at is None or low is None or high is None or not low <= at <= high:
            return None
        return first.place if at == low else START, last.place if at == high else view.end

    def sources(self) -> list[copied.Source]:
        """What is selected, text by text."""
        if (found := self.range) is None:
            return []
        first, last = found
        sources = []
        for text, source in self._ground.between(first.text, last.text):
            begun = source.since(first.place) if text == first.text else source
            sources.append(begun.until(last.place) if text == last.text else begun)
        return sources

    @property
    def text(self) -> str:
        """What is selected, as plain text."""
        return copied.plain_text(self.sources())

    @property
    def letters(self) -> int:
        """About how much is selected."""
        return sum(source.letters for source in self.sources())

    # What a person does

    def clear(self) -> None:
        """Select nothing."""
        if self._anchor is not None or self._focus is not None:
            self._anchor = self._focus = self._pinned = None
            self._tell()

    def press(self, view: MarkdownView, place: Place, unit: Unit, *, extend: bool) -> None:
        """The mouse goes down at a place."""
        text = self._ground.id_of(view)
        if text is None:
            return
        spot = Spot(text, place)
        self._point = view.mapToGlobal(view.rect_of(place).center().toPoint())
        self._unit, self._goal_x, self._whole_message = unit, None, False
        self._dragging = True
        if extend and self._pinned is not None and all(self._key(each) is not None for each in self._pinned):
            pass  # what was taken first stays taken
        elif extend and self._anchor is not None and self._key(self._anchor) is not None:
            self._pinned = (self._anchor, self._anchor)
        else:
            start, end = view.unit_at(place, unit)
            self._pinned = Spot(text, start), Spot(text, end)
        self._drag_to(view, spot)
        self._timer.start()

    def drag(self, point: QPoint) -> None:
        """The mouse is dragged to a point of the screen."""
        self._point = point
        view = self._ground.view_at(point)
        text = self._ground.id_of(view) if view is not None else None
        if view is not None and text is not None and self._dragging:
            self._drag_to(view, Spot(text, view.place_at(view.mapFromGlobal(point))))

    def release(self) -> None:
        """The mouse is up again."""
        self._timer.stop()
        self._dragging = False

    def move(self, view: MarkdownView, move: Move, *, extend: bool) -> bool:
        """A key moves the caret, or its end of the selection; returns whether it could."""
        here = self.caret_in(view)
        self._pinned = None
        if not extend and (found := self.range) is not None and move in (Move.LEFT, Move.RIGHT):
            edge = found[0] if move is Move.LEFT else found[1]
            self._set(edge, edge)
            self._show_caret()
            return True
        vertical = move in (Move.UP, Move.DOWN, Move.PAGE_UP, Move.PAGE_DOWN)
        if not vertical:
            self._goal_x = None
        elif self._goal_x is None:
            self._goal_x = view.caret_x(here)
        there = view.moved(here, move, self._goal_x)
        text = self._ground.id_of(view)
        if there is None:
            back = move in BACKWARDS
            other = self._ground.beside(text, back=back) if text is not None else None
            text = self._ground.id_of(other) if other is not None else None
            if other is None or text is None:
                return False
            there = other.end if back else START
            if vertical:
                x = other.mapFromGlobal(view.mapToGlobal(QPoint(round(self._goal_x or 0), 0))).x()
                self._goal_x = float(x)
                there = other.place_at(QPoint(x, other.height() - 1 if back else 0))
            other.take_caret()
        if text is None:
            return False
        spot = Spot(text, there)
        self._set(
            self._anchor if extend and self._anchor is not None else self._spot(view, here) if extend else spot, spot
        )
        self._show_caret()
        return True

    def select(self, view: MarkdownView, start: Place, end: Place) -> None:
        """Select from a place to another one in one text, with the caret at its end."""
        if (text := self._ground.id_of(view)) is not None:
            self._goal_x = None
            self._set(Spot(text, start), Spot(text, end))

    def select_all(self, view: MarkdownView | None) -> None:
        """Select all of a text, and when that is selected already, or without one, all texts."""
        text = self._ground.id_of(view) if view is not None else None
        ends = self._ground.ends()
        if view is not None and text is not None and not (self._whole_message and self.range is not None):
            self._set(Spot(text, START), Spot(text, view.end))
            self._whole_message = True
        elif ends is not None:
            self._set(Spot(ends[0], START), Spot(ends[1], copied.END))

    def caret_in(self, view: MarkdownView) -> Place:
        """Where the caret stands in a view; at its beginning where it stands elsewhere."""
        text = self._ground.id_of(view)
        return self._focus.place if self._focus is not None and self._focus.text == text else START

    def id_of(self, view: MarkdownView) -> TextId | None:
        """Which text a view shows."""
        return self._ground.id_of(view)

    def show_caret(self) -> None:
        """Bring the caret into view."""
        self._show_caret()

    def bring(self, view: MarkdownView, place: Place) -> None:
        """Bring a place of a text into view."""
        rect = view.rect_of(place).toRect()
        self._ground.bring(view, rect.top(), rect.height())

    def texts_changed(self) -> None:
        """Others are there now: what was selected in one that is gone is selected no longer."""
        for spot in (self._anchor, self._focus):
            if spot is not None and self._ground.order(spot.text) is None:
                self.clear()
                return

    # The work

    def _spot(self, view: MarkdownView, place: Place) -> Spot:
        text = self._ground.id_of(view)
        assert text is not None
        return Spot(text, place)

    def _key(self, spot: Spot) -> tuple[tuple[int, int], Place] | None:
        order = self._ground.order(spot.text)
        return None if order is None else (order, spot.place)

    def _drag_to(self, view: MarkdownView, spot: Spot) -> None:
        if self._pinned is None:
            return
        start, end = (Spot(spot.text, place) for place in view.unit_at(spot.place, self._unit))
        first, last = self._pinned
        if (self._key(start) or ((0, 0), START)) < (self._key(first) or ((0, 0), START)):
            self._set(last, start)
        else:
            self._set(
                first, end if (self._key(end) or ((0, 0), START)) > (self._key(last) or ((0, 0), START)) else last
            )

    def _scroll_on(self) -> None:
        """Go on where the mouse is held beyond an edge."""
        point = self._point
        if beyond := self._ground.beyond(point):
            self._ground.scroll(round(beyond * SCROLL_SHARE) or (1 if beyond > 0 else -1))
            self.drag(point)

    def _set(self, anchor: Spot, focus: Spot) -> None:
        if (anchor, focus) != (self._anchor, self._focus):
            self._anchor, self._focus = anchor, focus
            self._whole_message = False
            self._tell()

    def _show_caret(self) -> None:
        if self._focus is not None and (view := self._ground.view_of(self._focus.text)) is not None:
            self.bring(view, self._focus.place)

    def _tell(self) -> None:
        for view in self._ground.views():
            view.selection_changed()
        self.changed.emit()
