"""A text as its view needs it: cut into sections, each of which is read into leaves when it comes near to what is seen.

Markdown and plain text look the same from here on.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from nodetool_xl_desktop.markdown.leaves import Gap, Leaf, Run, Table, Words
from nodetool_xl_desktop.markdown.reading import FRESH, Lead, read
from nodetool_xl_desktop.markdown.sections import Sections

#: A section of plain text is at least so long where it has lines to be cut at, and at most so long on one line.
PLAIN_SECTION, PLAIN_MOST = 1500, 4000


class Place(NamedTuple):
    """A place in a text: before a letter of a leaf of a section."""

    section: int
    leaf: int
    offset: int


class Page(Protocol):
    """A growing text and what it is read into."""

    @property
    def is_done(self) -> bool:
        """Whether all of the text has been cut; else `advance` goes on."""

    @property
    def again(self) -> frozenset[int]:
        """Sections before the first changed one that are to be read again, of the last `set_text` or `advance`."""

    def set_text(self, text: str, *, is_open: bool) -> int:
        """Take this text, of which more may come where it is open.

        Returns:
            the first section that is another now, or how many there are.
        """

    def advance(self) -> int:
        """Cut more of the text; returns the first section that is another now."""

    def __len__(self) -> int:
        """So many sections there are."""

    def source(self, index: int) -> str:
        """A section as it was written."""

    def lead(self, index: int) -> Lead:
        """What a section goes on with."""

    def leaves(self, index: int) -> tuple[Leaf, ...]:
        """Read a section."""


class MarkdownPage:
    """A text that is read as Markdown."""

    def __init__(self) -> None:
        self._sections = Sections()
        self._is_open = False

    @property
    def is_done(self) -> bool:
        """Whether all of the text has been cut."""
        return self._sections.done

    @property
    def again(self) -> frozenset[int]:
        """What is to be read again before the first changed section."""
        return self._sections.again

    def set_text(self, text: str, *, is_open: bool) -> int:
        """Take this text."""
        was_open, self._is_open = self._is_open, is_open
        first = self._sections.update(text, open=is_open)
        return min(first, max(len(self._sections) - 1, 0)) if was_open != is_open else first

    def advance(self) -> int:
        """Cut more of the text."""
        return self._sections.advance()

    def __len__(self) -> int:
        return len(self._sections)

    def source(self, index: int) -> str:
        """A section as it was written."""
        section = self._sections[index]
        return self._sections.text[section.start : section.end]

    def lead(self, index: int) -> Lead:
        """What a section goes on with."""
        return self._sections[index].lead

    def leaves(self, index: int) -> tuple[Leaf, ...]:
        """Read a section."""
        is_open = self._is_open and self._sections.has_open and index == len(self._sections) - 1
        return read(self.source(index), self._sections.references, self._sections[index].lead, open=is_open)


class PlainPage:
    """A text that is drawn as it was typed. A section ends before a line feed, which belongs to no section."""

    def __init__(self) -> None:
        self.is_done = True
        self.again: frozenset[int] = frozenset()
        self._text = ""
        self._spans: list[tuple[int, int]] = []

    def set_text(self, text: str, *, is_open: bool) -> int:
        """Take this text."""
        first = 0
        if self._spans and text.startswith(self._text):
            if len(text) == len(self._text):
                return len(self._spans)
            first = len(self._spans) - 1
        at = self._spans[first][0] if first else 0
        del self._spans[first:]
        self._text = text
        while at < len(text) or (self._spans and at > self._spans[-1][1]):  # behind the last line feed is a line
            end, begins = self._cut(at)
            self._spans.append((at, end))
            at = begins
        return first

    def advance(self) -> int:
        """There is nothing left to cut."""
        return len(self._spans)

    def __len__(self) -> int:
        return len(self._spans)

    def source(self, index: int) -> str:
        """A section as it was typed."""
        start, end = self._spans[index]
        return self._text[start:end]

    def lead(self, index: int) -> Lead:
        """Nothing."""
        del index
        return FRESH

    def leaves(self, index: int) -> tuple[Leaf, ...]:
        """One leaf for each section."""
        return (Leaf(Words((Run(self.source(index)),)), gap=Gap.NONE),)

    def _cut(self, start: int) -> tuple[int, int]:
        """Where a section that begins here ends, and where the next one begins."""
        if len(self._text) - start <= PLAIN_SECTION:
            return len(self._text), len(self._text)
        line = self._text.find("\n", start + PLAIN_SECTION, start + PLAIN_MOST)
        if line >= 0:
            return line, line + 1
        end = min(start + PLAIN_MOST, len(self._text))
        return end, end


def read_page(text: str, *, is_plain: bool = False) -> Page:
    """All of a text, cut at once; in any thread."""
    page: Page = PlainPage() if is_plain else MarkdownPage()
    page.set_text(text, is_open=False)
    while not page.is_done:
        page.advance()
    return page


def head_of(page: Page, index: int, leaves: tuple[Leaf, ...], at: int) -> Leaf | None:
    """The first piece of a table that goes on in this leaf; None where it does not go on.

    Args:
        page: what it stands in.
        index: of its section.
        leaves: of that section.
        at: which of these it is.
    """
    leaf = leaves[at]
    if not isinstance(leaf.content, Table) or leaf.content.header:
        return None
    while True:
        for each in reversed(leaves[:at]):
            if isinstance(each.content, Table) and each.content.header:
                return each
        if index == 0 or (at > 0 and not isinstance(leaves[0].content, Table)):
            return None
        table = page.lead(index).table
        index -= 1
        while index > 0 and table and page.lead(index).table == table:  # more of its rows: not read for this
            index -= 1
        leaves = page.leaves(index)
        at = len(leaves)
