"""All that is drawn of a text, section by section: what is near is laid out, what is far has a height.

There is no widget here: the view says how wide it is, which part is seen, and where the painter is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from weakref import WeakMethod, ref

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QWidget

from nodetool_xl_desktop.markdown.leaves import Gap, Leaf, Words
from nodetool_xl_desktop.markdown.page import Page, Place, head_of
from nodetool_xl_desktop.ui.leaf.drawing import draw
from nodetool_xl_desktop.ui.leaf.drawn import DrawnLeaf, Kept
from nodetool_xl_desktop.ui.markdown.heights import Heights
from nodetool_xl_desktop.ui.markdown.shown import Hold, Shown, drop_bar, drop_bars, holds_focus
from nodetool_xl_desktop.ui.theme import Theme

#: Between two leaves, in pixels at a zoom of 1; above a heading of each level.
GAPS = {Gap.NONE: 0, Gap.SMALL: 4, Gap.NORMAL: 10}
HEADING_GAPS = (10, 22, 20, 16, 14, 12, 12)
#: What a section is taken for until it is laid out: a line's height, and how wide a letter is, in pixels.
LINE, LETTER = 21, 7.2


class Sheet:
    """The sections of a page at a width.

    Args:
        page: the text.
        theme: its colours and its zoom.
        changed: hears the number of a section that looks other by itself.
    """

    def __init__(self, page: Page, theme: Theme, changed: Callable[[int], None]) -> None:
        self.page = page
        self.width = 0
        self.theme = theme
        self.heights = Heights()
        self.sections: list[Shown] = []
        self.alive: set[int] = set()  # those that are laid out
        self._zoom = theme.zoom  # that heights are for
        self._changed = WeakMethod(changed)
        self._spare: list[tuple[DrawnLeaf, QWidget | None]] = []

    def __len__(self) -> int:
        return len(self.sections)

    @property
    def height(self) -> int:
        """Of all of it, where nothing is seen an estimate."""
        return self.heights.total

    # What it is

    def text_changed(self, first: int, most: int) -> None:
        """The sections from this one on are others now.

        Args:
            first: before it all is as it was, but for what `page.again` names.
            most: so high may all of it be, in pixels; what is below is left out.
        """
        for index in self.page.again:
            if index < min(first, len(self.sections)):
                self._forget(self.sections[index])
        if first > len(self.sections):
            return  # below what is left out
        stale = self.sections[first:]
        grown = stale[0] if len(stale) == 1 and (stale[0].is_measured or stale[0].goes_on) else None
        height = self.heights[first] if stale else 0
        self._drop_spare()
        self._spare = [(each, shown.bars.pop(at, None)) for shown in stale for at, each in enumerate(shown.drawn)]
        self.alive = {index for index in self.alive if index < first}
        del self.sections[first:]
        known = {index + first: shown for index, shown in enumerate(stale[:1])}
        heights, room = [], most - (self.heights.top(first) if first else 0)
        for index in range(first, len(self.page)):
            if room <= 0:
                break
            kept = known[index].kept if index in known else {}
            letters = len(self.page.source(index))
            goes_on = grown is not None and index == first and letters >= grown.letters > 0
            self.sections.append(Shown(kept=kept, letters=letters, goes_on=goes_on))
            if goes_on and grown is not None:
                heights.append(height * letters // grown.letters)
            else:
                heights.append(self.estimate(index))
            room -= heights[-1]
        self.heights.replace(first, heights)

    def estimate(self, index: int) -> int:
        """How high a section will be, perhaps."""
        source = self.page.source(index)
        zoom = self.theme.zoom
        a_line = max(1.0, (self.width or 640) / (LETTER * zoom))
        lines = source.count("\n", 0, len(source.rstrip("\n"))) + 1 + math.floor(len(source) / a_line)
        return math.ceil((lines * LINE + (GAPS[Gap.NORMAL] if index else 0)) * zoom)

    def set_theme(self, theme: Theme) -> None:
        """Everything looks other: the theme or the zoom is another."""
        self.theme = theme
        larger, self._zoom = theme.zoom / self._zoom, theme.zoom
        heights = [
            round(self.heights[index] * larger) if shown.is_measured else self.estimate(index)
            for index, shown in enumerate(self.sections)
        ]
        for shown in self.sections:
            self._forget(shown)
        self.alive.clear()
        self._drop_spare()
        self.heights.replace(0, heights)

    def set_width(self, width: int) -> None:
        """Have this width; what is drawn is laid out again when it is seen."""
        before, self.width = self.width, width
        if not before:
            return
        for index, shown in enumerate(self.sections):
            shown.is_measured = False
            if not shown.drawn:
                height = max(LINE, self.heights[index])
                self.heights.set(index, max(LINE, round(height * before / width)) if height > 2 * LINE else height)

    def drop(self, index: int) -> None:
        """A section is far from what is seen now: keep its height only."""
        shown = self.sections[index]
        if shown.drawn and not holds_focus(shown):
            drop_bars(shown)
            shown.kept = {at: each.kept for at, each in enumerate(shown.drawn) if each.kept != Kept()}
            shown.drawn, shown.tops, shown.leaves = [], [], None
            self.alive.discard(index)

    def leaves(self, index: int) -> tuple[Leaf, ...]:
        """What a section is read into; read now, where it was not."""
        shown = self.sections[index]
        return shown.leaves if shown.leaves is not None else self.page.leaves(index)

    def lay_out(self, index: int) -> bool:
        """Draw a section and measure it; returns whether its height is another."""
        shown = self.sections[index]
        if shown.is_measured and (shown.drawn or shown.leaves == ()):
            return False
        if shown.leaves is None:
            shown.leaves = self.page.leaves(index)
            shown.drawn = [self._draw(index, shown, at) for at in range(len(shown.leaves))]
            if index == len(self.sections) - 1:
                self._drop_spare()
            self.alive.add(index)
        for each in shown.drawn:
            each.lay_out(self.width)
        return self.measure(index)

    def measure(self, index: int) -> bool:
        """Look how high a section is now that is laid out; returns whether that is another height."""
        shown, y = self.sections[index], 0
        shown.tops = []
        above = self._last_leaf(index - 1) if shown.drawn and shown.drawn[0].leaf.frames else None
        for at, each in enumerate(shown.drawn):
            gap = self._gap(index, at, each.leaf)
            each.join(above, gap)
            above, y = each.leaf, y + gap
            shown.tops.append(y)
            y += math.ceil(each.height)
        shown.is_measured, shown.goes_on = True, False
        return self.heights.set(index, y)

    def _last_leaf(self, index: int) -> Leaf | None:
        """The last leaf of a section; None where there is none."""
        if index < 0:
            return None
        leaves = self.leaves(index)
        return leaves[-1] if leaves else None

    def _draw(self, index: int, shown: Shown, at: int) -> DrawnLeaf:
        leaves = shown.leaves or ()
        leaf = leaves[at]
        if self._spare:
            spare, bar = self._spare.pop(0)
            if spare.leaf == leaf or spare.grow(leaf):
                if bar is not None:
                    shown.bars[at] = bar
                return spare
            drop_bar(bar)
        head = head_of(self.page, index, leaves, at)
        # Nothing here may wait for the collector of cycles: it runs in any thread, and leaves hold Qt's objects.
        sheet, itself = ref(self), _Later()
        kept = shown.kept.get(at)
        made = draw(leaf, self.theme, on_change=partial(_leaf_changed, sheet, itself), kept=kept, head=head)
        itself.drawn = ref(made)
        return made

    def tell(self, drawn: DrawnLeaf) -> None:
        """A leaf looks other by itself: it may stand in another section than when it was made."""
        changed = self._changed()
        for index in self.alive:
            if changed is not None and any(each is drawn for each in self.sections[index].drawn):
                changed(index)
                return

    def begin_anew(self, first: int) -> None:
        """Keep nothing of how the sections from this one on were drawn."""
        for shown in self.sections[first:]:
            self._forget(shown)
            shown.kept = {}

    def clear(self) -> None:
        """Keep nothing of Qt: the view is gone."""
        self.sections, self._spare, self.heights = [], [], Heights()
        self.alive.clear()

    def _drop_spare(self) -> None:
        for _, bar in self._spare:
            drop_bar(bar)
        self._spare = []

    def _gap(self, index: int, at: int, leaf: Leaf) -> int:
        if not index and not at:
            return 0
        gap = GAPS[leaf.gap]
        if isinstance(leaf.content, Words) and leaf.content.level and not leaf.frames:
            gap = max(gap, HEADING_GAPS[leaf.content.level])
        return round(gap * (self.theme.zoom))

    def _forget(self, shown: Shown) -> None:
        drop_bars(shown)
        shown.kept = {at: each.kept for at, each in enumerate(shown.drawn) if each.kept != Kept()} or shown.kept
        shown.leaves, shown.drawn, shown.tops = None, [], []
        shown.is_measured = shown.goes_on = False

    # Where things are

    def seen(self, top: float, bottom: float) -> range:
        """The sections of which something stands between these heights."""
        if not self.sections or bottom < 0 or top > self.height:
            return range(0)
        return range(self.heights.at(math.floor(top)), self.heights.at(math.ceil(bottom)) + 1)

    def drawn_in(self, top: float, bottom: float) -> Iterator[tuple[Shown, int, int, DrawnLeaf, int]]:
        """What is drawn between these heights: its section, that one's and its own number, it, and its top."""
        for index in self.seen(top, bottom):
            shown, base = self.sections[index], self.heights.top(index)
            for at, (each, within) in enumerate(zip(shown.drawn, shown.tops, strict=False)):
                y = base + within
                if y > bottom:
                    break
                if y + each.height >= top:
                    yield shown, index, at, each, y

    def place_at(self, point: QPointF) -> Place:
        """The place nearest to a point; what is there is laid out for it."""
        if not self.sections:
            return Place(0, 0, 0)
        index = self.heights.at(math.floor(max(0.0, point.y())))
        self.lay_out(index)
        shown, base = self.sections[index], self.heights.top(index)
        best: tuple[float, int] | None = None
        for at, (each, top) in enumerate(zip(shown.drawn, shown.tops, strict=True)):
            away = max(base + top - point.y(), point.y() - base - top - each.height, 0.0)
            if best is None or away < best[0]:
                best = away, at
        if best is None:
            return Place(index, 0, 0)
        at = best[1]
        y = min(max(point.y() - base - shown.tops[at], 0.0), max(0.0, shown.drawn[at].height - 1))
        return Place(index, at, shown.drawn[at].offset_at(QPointF(point.x(), y)))

    def leaf_at(self, point: QPointF) -> tuple[DrawnLeaf, QPointF] | None:
        """What is drawn at a point, and where in it that is."""
        for _, _, _, each, y in self.drawn_in(point.y(), point.y()):
            if y <= point.y() < y + each.height:
                return each, QPointF(point.x(), point.y() - y)
        return None

    def rect_of(self, place: Place) -> QRectF:
        """Where a caret stands at a place, which is laid out for it."""
        if not self.sections:
            return QRectF(0, 0, 1, LINE)
        place = self.held(place)
        self.lay_out(place.section)
        shown = self.sections[place.section]
        if not shown.drawn:
            return QRectF(0, self.heights.top(place.section), 1, LINE)
        at = min(place.leaf, len(shown.drawn) - 1)
        rect = shown.drawn[at].rect_of(place.offset)
        return rect.translated(0, self.heights.top(place.section) + shown.tops[at])

    def held(self, place: Place) -> Place:
        """The same place, or the nearest one that there is."""
        if not self.sections:
            return Place(0, 0, 0)
        if place.section >= len(self.sections):
            return self.last
        leaves = self.leaves(place.section)
        if not leaves:
            return Place(place.section, 0, 0)
        if place.leaf >= len(leaves):
            return Place(place.section, len(leaves) - 1, len(leaves[-1].text))
        return Place(place.section, place.leaf, min(place.offset, len(leaves[place.leaf].text)))

    def hold(self, y: float) -> Hold | None:
        """What stands at a height, to be found again by `held_at` when heights have changed."""
        if not self.sections or y <= 0 or y >= self.height:
            return None
        index = self.heights.at(math.floor(y))
        shown, down = self.sections[index], y - self.heights.top(index)
        return Hold(shown, down / max(1, self.heights[index]), down if shown.goes_on else None)

    def held_at(self, hold: Hold) -> float | None:
        """Where that stands now; None where it is gone."""
        if hold.shown not in self.sections:
            return None
        index = self.sections.index(hold.shown)
        down = hold.pixels if hold.pixels is not None else hold.share * self.heights[index]
        return self.heights.top(index) + down

    @property
    def last(self) -> Place:
        """Behind the last letter."""
        for index in range(len(self.sections) - 1, -1, -1):
            if leaves := self.leaves(index):
                return Place(index, len(leaves) - 1, len(leaves[-1].text))
        return Place(0, 0, 0)


class _Later:
    """A leaf that is being made."""

    drawn: Callable[[], DrawnLeaf | None] | None = None


def _leaf_changed(sheet: Callable[[], Sheet | None], itself: _Later) -> None:
    drawn = itself.drawn() if itself.drawn is not None else None
    owner = sheet()
    if drawn is not None and owner is not None:
        owner.tell(drawn)
