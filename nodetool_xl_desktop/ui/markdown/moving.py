"""How a caret goes through a text by keys: by letters, words, lines, pages and paragraphs, and from link to link."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from PySide6.QtCore import QPointF, QTextBoundaryFinder

from nodetool_xl_desktop.markdown.leaves import Leaf, Run, Table, Words
from nodetool_xl_desktop.markdown.page import Place
from nodetool_xl_desktop.ui.markdown.sheet import Sheet

#: So many sections are read at most to find the next link, or the next letter behind what has none.
LOOKED_AT = 200
#: Without one of these in it a section has no link.
_LINKS = ("](", "://", "<", "www.", "@", "][", "]:", "]")


class Move(Enum):
    """What a key does to the caret."""

    LEFT = "left"
    RIGHT = "right"
    WORD_LEFT = "word left"
    WORD_RIGHT = "word right"
    UP = "up"
    DOWN = "down"
    PAGE_UP = "page up"
    PAGE_DOWN = "page down"
    LINE_START = "line start"
    LINE_END = "line end"
    START = "start"
    END = "end"


#: These end in the message before, the others in the one behind.
BACKWARDS = (Move.LEFT, Move.WORD_LEFT, Move.UP, Move.PAGE_UP, Move.LINE_START, Move.START)


def moved(sheet: Sheet, place: Place, move: Move, page: float, goal_x: float | None) -> Place | None:
    """Where the caret goes; None where that is beyond this text.

    Args:
        sheet: the text.
        place: where it is.
        move: what it does.
        page: how high a page is, in pixels.
        goal_x: where in a line it would like to stand, if it has gone up or down before.
    """
    place = sheet.held(place)
    match move:
        case Move.START:
            return Place(0, 0, 0)
        case Move.END:
            return sheet.last
        case Move.LEFT | Move.RIGHT | Move.WORD_LEFT | Move.WORD_RIGHT:
            back = move in BACKWARDS
            return _step(sheet, place, back=back, word=move in (Move.WORD_LEFT, Move.WORD_RIGHT))
        case Move.LINE_START | Move.LINE_END:
            rect = sheet.rect_of(place)
            x = 0.0 if move is Move.LINE_START else float(sheet.width)
            return sheet.place_at(QPointF(x, rect.center().y()))
    return _vertical(sheet, place, move, page, goal_x)


def _vertical(sheet: Sheet, place: Place, move: Move, page: float, goal_x: float | None) -> Place | None:
    rect = sheet.rect_of(place)
    x = rect.x() if goal_x is None else goal_x
    if move in (Move.PAGE_UP, Move.PAGE_DOWN):
        y = rect.center().y() + (page if move is Move.PAGE_DOWN else -page)
        if y < 0 or y > sheet.height:
            edge = Place(0, 0, 0) if y < 0 else sheet.last
            return edge if edge != place else None
        return sheet.place_at(QPointF(x, y))
    down = move is Move.DOWN
    y = rect.bottom() + 2 if down else rect.top() - 2
    for _ in range(64):  # over gaps, and what has no lines
        if y < 0 or y >= sheet.height:
            return None
        found = sheet.place_at(QPointF(x, y))
        there = sheet.rect_of(found)
        if (there.center().y() > rect.center().y() + 1) if down else (there.center().y() < rect.center().y() - 1):
            return found
        y += rect.height() / 2 if down else -rect.height() / 2
    return None


def _step(sheet: Sheet, place: Place, *, back: bool, word: bool) -> Place | None:
    leaves = sheet.leaves(place.section)
    text = leaves[place.leaf].text if place.leaf < len(leaves) else ""
    edge = 0 if back else len(text)
    if place.offset != edge:
        return place._replace(offset=boundary(text, place.offset, back=back, word=word))
    return next_leaf(sheet, place, back=back)


def next_leaf(sheet: Sheet, place: Place, *, back: bool) -> Place | None:
    """The end of the leaf before, or the start of the one behind; None where there is none."""
    section, leaf = place.section, place.leaf + (-1 if back else 1)
    for _ in range(LOOKED_AT):
        if not 0 <= section < len(sheet):
            return None
        leaves = sheet.leaves(section)
        if leaf == -1:
            leaf = len(leaves) - 1
        if 0 <= leaf < len(leaves):
            return Place(section, leaf, len(leaves[leaf].text) if back else 0)
        section, leaf = section + (-1 if back else 1), -1 if back else 0
    return None


def boundary(text: str, offset: int, *, back: bool, word: bool = False) -> int:
    """Where the next letter or word begins, as a person sees them."""
    low, high = max(0, offset - 2000), min(len(text), offset + 2000)
    piece = text[low:high]
    kind = QTextBoundaryFinder.BoundaryType.Word if word else QTextBoundaryFinder.BoundaryType.Grapheme
    finder = QTextBoundaryFinder(kind, piece)
    finder.setPosition(_units(piece[: offset - low]))
    step = finder.toPreviousBoundary if back else finder.toNextBoundary
    at = step()
    while word and at != -1 and 0 < at < _units(piece):
        here = low + _letters(piece, at)
        if not text[here].isspace() and (text[here - 1].isspace() or not back or text[here - 1] == "\n"):
            break
        if not text[here].isspace() and back:
            break
        at = step()
    return (0 if back else len(text)) if at == -1 else low + _letters(piece, at)


def word_at(text: str, offset: int) -> tuple[int, int]:
    """The word that a letter is in; of what is no word, that letter."""
    low, high = max(0, offset - 2000), min(len(text), offset + 2000)
    piece = text[low:high]
    finder = QTextBoundaryFinder(QTextBoundaryFinder.BoundaryType.Word, piece)
    finder.setPosition(_units(piece[: offset - low]))
    start = finder.position() if finder.isAtBoundary() else finder.toPreviousBoundary()
    finder.setPosition(start)
    end = finder.toNextBoundary()
    return low + _letters(piece, max(0, start)), high if end == -1 else low + _letters(piece, end)


def _units(text: str) -> int:
    """How many of Qt's letters that is: those beyond the first 65,536 count twice."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _letters(text: str, units: int) -> int:
    if text.isascii():
        return units
    return len(text.encode("utf-16-le", "surrogatepass")[: 2 * units].decode("utf-16-le", "replace"))


# Links


def links_in(leaf: Leaf) -> list[tuple[int, int, str]]:
    """Where the links of a leaf stand in its text, and where they lead."""
    match leaf.content:
        case Words(runs=runs):
            return _links_of(runs, 0)
        case Table() as table:
            return _links_of_cells(table)
    return []


def _links_of(runs: Sequence[Run], at: int) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    for run in runs:
        end = at + len(run.shown)
        if run.target:
            if found and found[-1][1] == at and found[-1][2] == run.target:
                found[-1] = (found[-1][0], end, run.target)
            else:
                found.append((at, end, run.target))
        at = end
    return found


def _links_of_cells(table: Table) -> list[tuple[int, int, str]]:
    found, at = [], 0
    for row in table.rows:
        for cell in row:
            found += _links_of(cell, at)
            at += sum(len(run.shown) for run in cell) + 1
    return found


def next_link(sheet: Sheet, place: Place | None, *, back: bool) -> tuple[Place, int, str] | None:
    """The next link: where it begins, the offset of its end, and where it leads; None for none.

    Args:
        sheet: the text.
        place: where to look from; None for its beginning, or its end.
        back: whether to look backwards.
    """
    count = len(sheet)
    if not count:
        return None
    section = (count - 1 if back else 0) if place is None else min(place.section, count - 1)
    for _ in range(LOOKED_AT):
        if not 0 <= section < count:
            return None
        source = sheet.page.source(section)
        if any(mark in source for mark in _LINKS):
            leaves = sheet.leaves(section)
            order = range(len(leaves) - 1, -1, -1) if back else range(len(leaves))
            for at in order:
                links = links_in(leaves[at])
                for start, end, link in reversed(links) if back else links:
                    here = Place(section, at, start)
                    if place is None or (here < place if back else here > place):
                        return here, end, link
        section += -1 if back else 1
    return None
