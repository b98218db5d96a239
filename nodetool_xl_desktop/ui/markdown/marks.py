"""Where what is sought stands in a text as it is drawn, section by section: a long text is read as it is seen."""

from __future__ import annotations

import re

from nodetool_xl_desktop.markdown.page import Place
from nodetool_xl_desktop.ui.leaf.drawn import Mark
from nodetool_xl_desktop.ui.markdown.sheet import Sheet

#: A short word in a long text is not marked more often.
MOST_HITS = 2000


class Marks:
    """The hits in one text; nothing is sought while `sought` is empty."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self.sought = ""
        self._pattern: re.Pattern[str] | None = None
        self._counts: list[int] = []  # in the source of each section
        self._found: dict[int, tuple[object, list[list[Mark]]]] = {}
        self.current: tuple[int, int] | None = None  # a section, and which of its hits

    def seek(self, sought: str, current: int | None) -> None:
        """Look for this.

        Args:
            sought: whatever its case.
            current: which hit is marked more strongly, counted from 0 in what was written; None for none.
        """
        self.sought = sought
        self._pattern = re.compile(re.escape(sought), re.IGNORECASE) if sought else None
        self.text_changed(0, current)

    def text_changed(self, first: int, current: int | None) -> None:
        """The sections from this one on are others now."""
        self._found = {}
        del self._counts[first:]
        self.current = None
        if self._pattern is None:
            self._counts = []
            return
        folded, left = self.sought.casefold(), MOST_HITS - sum(self._counts)
        for index in range(len(self._counts), len(self._sheet)):
            count = min(left, self._sheet.page.source(index).casefold().count(folded)) if left else 0
            self._counts.append(count)
            left -= count
        if current is not None:
            self.current = self._place_of(current)

    @property
    def count(self) -> int:
        """How many there are as it is drawn; of sections that were never read, as it was written."""
        total = 0
        for index, count in enumerate(self._counts):
            shown = self._sheet.sections[index]
            total += sum(map(len, self.in_section(index))) if shown.leaves is not None or count else 0
        return total

    def in_section(self, index: int) -> list[list[Mark]]:
        """The marks of each leaf of a section; empty where nothing is sought."""
        if self._pattern is None:
            return []
        leaves = self._sheet.leaves(index)
        known = self._found.get(index)
        if known is not None and known[0] is leaves:
            return known[1]
        marks: list[list[Mark]] = []
        number, left = 0, MOST_HITS
        current = self.current[1] if self.current is not None and self.current[0] == index else None
        found = [[match.span() for match in _some(self._pattern, leaf.text, left)] for leaf in leaves]
        count = sum(map(len, found))
        current = min(current, count - 1) if current is not None else None
        for spans in found:
            marks.append([Mark(start, end, number + at == current) for at, (start, end) in enumerate(spans)])
            number += len(spans)
        self._found[index] = (leaves, marks)
        return marks

    def place_of(self, hit: int) -> tuple[Place, int] | None:
        """Where a hit begins as it is drawn, and the offset of its end; None where it is not drawn."""
        where = self._place_of(hit)
        if where is None:
            return None
        section, number = where
        spans = [(at, mark) for at, marks in enumerate(self.in_section(section)) for mark in marks]
        if not spans:
            return None
        at, mark = spans[min(number, len(spans) - 1)]
        return Place(section, at, mark.start), mark.end

    def _place_of(self, hit: int) -> tuple[int, int] | None:
        """The section of a hit, and which of its hits it is; beyond the last one means that, where all is known."""
        last = None
        for index, count in enumerate(self._counts):
            if hit < count:
                return index, hit
            if count:
                last = index, count - 1
            hit -= count
        return last if self._sheet.page.is_done else None


def _some(pattern: re.Pattern[str], text: str, most: int) -> list[re.Match[str]]:
    found = []
    for match in pattern.finditer(text):
        found.append(match)
        if len(found) == most:
            break
    return found
