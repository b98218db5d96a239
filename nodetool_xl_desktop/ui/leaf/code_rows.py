"""Code as rows on the screen: pure counting, so that 20,000 lines cost what is seen of them.

A row is a line, or a piece of one where it is wrapped or very long. In a font of one width the place of each letter is
known without laying anything out.
"""

from __future__ import annotations

from bisect import bisect_right
from unicodedata import combining, east_asian_width

#: Letters of a row; a longer line goes on in the next one, as one line of 10 MB could not be laid out.
LONGEST = 1000
TAB = 4
#: Lines that are shown, however many there are: 20,000 of them take 20 ms to count.
MOST_LINES = 50_000


def columns_of(text: str) -> int:
    """How many columns a row takes."""
    if text.isascii():
        return len(text.expandtabs(TAB)) if "\t" in text else len(text)
    return sum(_wide(letter) for letter in text)


def _wide(letter: str) -> int:
    if letter == "\t":
        return TAB
    if letter < "\u0300":
        return 1
    return 0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1


class Rows:
    """The rows of a text that grows at its end.

    Args:
        text: the code.
        columns: where lines are wrapped; 0 for nowhere.
        most: of the lines that get rows.
    """

    def __init__(self, text: str, columns: int = 0, most: int = MOST_LINES) -> None:
        self.columns = columns
        self.most = most
        #: Where each begins and ends, without the line feed.
        self.starts: list[int] = []
        self.ends: list[int] = []
        #: Of the widest row, in columns.
        self.widest = 0
        #: The number of lines in the text, and of those that have rows.
        self.lines = text.count("\n") + 1
        self.shown_lines = 0
        self._last_line = 0  # the first row of the last line
        self._add(text, 0)
        self.text = text

    def __len__(self) -> int:
        return len(self.starts)

    def grow(self, text: str) -> int:
        """Take a text that is the present one with more at its end.

        Returns:
            the first row that changed.
        """
        first, start = self._last_line, self.starts[self._last_line]
        self.lines += text.count("\n", len(self.text))
        if self.shown_lines < self.most or self.lines == self.shown_lines:
            del self.starts[first:], self.ends[first:]
            self.shown_lines -= 1
            self._add(text, start)
        self.text = text
        return first

    def row_of(self, offset: int) -> int:
        """The row in which a letter stands."""

        return max(0, bisect_right(self.starts, offset) - 1)

    def _add(self, text: str, start: int) -> None:
        while True:
            end = text.find("\n", start)
            self._last_line = len(self.starts)
            self.shown_lines += 1
            self._add_line(text, start, len(text) if end < 0 else end)
            if end < 0 or self.shown_lines >= self.most:
                return
            start = end + 1

    def _add_line(self, text: str, start: int, end: int) -> None:
        limit = self.columns or LONGEST
        while True:
            # No row has more letters than columns, but for marks above letters.
            cut = min(end, start + min(limit, LONGEST))
            if self.columns and (cut < end or end - start > limit // TAB):
                cut = self._wrap(text, start, cut, end)
            self.starts.append(start)
            self.ends.append(cut)
            self.widest = max(self.widest, columns_of(text[start:cut]))
            start = cut
            if start >= end:
                return

    def _wrap(self, text: str, start: int, cut: int, end: int) -> int:
        """Where a line is cut so that it fits: behind a space in its second half, or anywhere."""
        piece = text[start:cut]
        while columns_of(piece) > self.columns and len(piece) > 1:
            over = columns_of(piece) - self.columns
            piece = piece[: -max(1, over // TAB)]
        cut = start + len(piece)
        if cut >= end or text[cut] == " ":
            return min(end, cut + (cut < end and cut + 1 == end))
        space = text.rfind(" ", start + len(piece) // 2, cut)
        return space + 1 if space >= 0 else cut
