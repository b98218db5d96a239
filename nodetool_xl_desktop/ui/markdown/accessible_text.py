"""A text on the screen as a screen reader asks for it: letters by number, the caret, and where each letter stands.

Qt and its clients count in UTF-16 units, the sheet in letters of its leaves: the leaves stand here one below the other.

What is selected is not told: PySide has no `QAccessibleTextInterface.selection`, and what Qt would read instead is
what happens to be in memory. So none is said to be there.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple
from weakref import ref

from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QAccessible, QAccessibleTextInterface

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.markdown.leaves import OBJECT, Formula, Leaf, Words
from nodetool_xl_desktop.markdown.page import Place
from nodetool_xl_desktop.ui.accessible import Accessible
from nodetool_xl_desktop.ui.leaf.pieces import len_units

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView

#: Of a longer text, no more letters are told: reading it must not hold the window.
MOST_LETTERS = 30_000


class _Part(NamedTuple):
    """A leaf as it is told.

    Attributes:
        start: where it begins, in units.
        text: with its line feed.
        place: its first letter.
        before: so many letters of it are said before its own, as the number of an item.
    """

    start: int
    text: str
    place: Place
    before: int


class TextMap:
    """All that is told of a view, made anew where its text is another."""

    def __init__(self, view: MarkdownView) -> None:
        self._of = ref(view)  # what PySide made for Qt it keeps longer than the view lives
        self._key: object = None
        self._sections: list[tuple[str, tuple[Leaf, ...]]] = []
        self._parts: list[_Part] = []
        self._starts: list[int] = []
        self.count = 0
        self.text = ""
        self._units = b""

    def refresh(self) -> TextMap:
        """Look whether the text is another; what stands in sections that are as they were is not read again."""
        view = self._of()
        if view is None:
            return self
        key = (view.text, len(view.sheet), view.sheet.page.is_done)
        if key == self._key:
            return self
        self._key, parts, start, letters = key, [], 0, 0
        for index in range(len(view.sheet)):
            for at, leaf in enumerate(self._leaves(view, index)):
                before = f"{leaf.marker} " if leaf.marker else ""
                text = f"{before}{_told(leaf)}\n"
                parts.append(_Part(start, text, Place(index, at, 0), len(before)))
                start += len_units(text)
                letters += len(text)
            if letters > MOST_LETTERS:
                break
        del self._sections[len(view.sheet) :]
        self._parts, self._starts = parts, [part.start for part in parts]
        self.text = "".join(part.text for part in parts).removesuffix("\n")
        self._units = self.text.encode("utf-16-le", "surrogatepass")
        self.count = len(self._units) // 2
        return self

    def cut(self, start: int, end: int) -> str:
        """What stands between two places, in units; all the rest where the end is below 0."""
        end = self.count if end < 0 else min(end, self.count)
        return self._units[2 * max(0, start) : 2 * end].decode("utf-16-le", "replace")

    def place(self, unit: int) -> Place:
        """The place in the view of a letter."""
        if not self._parts:
            return Place(0, 0, 0)
        part = self._parts[max(0, bisect_right(self._starts, unit) - 1)]
        inside = len(self.cut(part.start, min(max(unit, part.start), part.start + len_units(part.text) - 1)))
        return part.place._replace(offset=max(0, inside - part.before))

    def unit(self, place: Place) -> int:
        """Where a place of the view stands."""
        found = bisect_right(self._parts, (place.section, place.leaf), key=lambda part: part.place[:2]) - 1
        if found < 0:
            return 0
        part = self._parts[found]
        inside = place.offset + part.before if part.place[:2] == place[:2] else len(part.text)
        return min(self.count, part.start + len_units(part.text[: min(inside, len(part.text) - 1)]))

    def _leaves(self, view: MarkdownView, index: int) -> tuple[Leaf, ...]:
        source = view.sheet.page.source(index)
        if index < len(self._sections) and self._sections[index][0] == source:
            return self._sections[index][1]
        leaves = view.sheet.leaves(index)
        self._sections[index:] = [(source, leaves)]
        return leaves


def _told(leaf: Leaf) -> str:
    """As long as its own text, so that offsets stay true: what is drawn stays one letter."""
    return leaf.text if isinstance(leaf.content, Words | Formula) else leaf.text.replace(OBJECT, " ")


class ViewText(QAccessibleTextInterface):
    """Of one view."""

    def __init__(self, view: MarkdownView) -> None:
        super().__init__()
        self._of = ref(view)

    @property
    def _map(self) -> TextMap:
        return self._view.told

    @property
    def _view(self) -> MarkdownView:
        view = self._of()
        assert view is not None  # Qt forgets this when the view goes
        return view

    # What Qt asks

    def characterCount(self) -> int:
        return self._map.refresh().count

    def text(self, start: int, end: int) -> str:
        return self._map.refresh().cut(start, end)

    def cursorPosition(self) -> int:
        return self._map.refresh().unit(self._view.selecting.caret_in(self._view))

    def characterRect(self, offset: int) -> QRect:
        """On the screen; empty where it is far from what is seen, as nothing is laid out there."""
        text, sheet = self._map.refresh(), self._view.sheet
        place, behind = text.place(offset), text.place(offset + 1)
        if place.section not in sheet.alive:
            return QRect()
        rect = sheet.rect_of(place)
        if behind[:2] == place[:2] and (after := sheet.rect_of(behind)).y() == rect.y():
            rect.setWidth(max(1.0, after.x() - rect.x()))
        return rect.toAlignedRect().translated(self._view.mapToGlobal(QPoint(0, 0)))

    def offsetAtPoint(self, point: QPoint) -> int:
        return self._map.refresh().unit(self._view.place_at(self._view.mapFromGlobal(point)))

    def selectionCount(self) -> int:
        return 0  # see above

    # What Qt asks for

    def setCursorPosition(self, position: int) -> None:
        place = self._map.refresh().place(position)
        self._view.selecting.select(self._view, place, place)
        self._view.take_caret()
        self._view.selecting.show_caret()

    def addSelection(self, start: int, end: int) -> None:
        text = self._map.refresh()
        self._view.selecting.select(self._view, text.place(start), text.place(end))

    def setSelection(self, index: int, start: int, end: int) -> None:
        del index
        self.addSelection(start, end)

    def removeSelection(self, index: int) -> None:
        del index
        caret = self._view.selecting.caret_in(self._view)
        self._view.selecting.select(self._view, caret, caret)

    def scrollToSubstring(self, start: int, end: int) -> None:
        del end
        self._view.selecting.bring(self._view, self._map.refresh().place(start))


class TextAccessible(Accessible):
    """A view as a text that is read, with a caret in it."""

    def __init__(self, view: MarkdownView) -> None:
        said = ViewText(view)
        super().__init__(view, QAccessible.Role.EditableText, said)
        self.said = said

    def state(self) -> QAccessible.State:
        """Read-only, of several lines."""
        state = super().state()
        state.readOnly = state.multiLine = state.selectableText = True
        return state

    def text(self, kind: QAccessible.Text) -> str:
        """Its name, or what it says."""
        if kind is QAccessible.Text.Value:
            return self.said.text(0, MOST_LETTERS)
        return str(super().text(kind)) or (tr("Text") if kind is QAccessible.Text.Name else "")
