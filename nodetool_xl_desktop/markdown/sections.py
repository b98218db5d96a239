"""Where a growing text is cut into sections that can be read by themselves.

A cut is made only where reading the parts gives the same leaves as reading the whole: behind an empty line, before what
ends a paragraph in any case (a heading, a fence), between the items of a list. All sections but the last are finished
and never change. What goes on in the next one is in its `Lead`: the number of the next item, the head of a table.

Where a section grows beyond `LONG` letters, its blocks are read to find a place; beyond `TOO_LONG`, and in lines of
more than `LONG` letters, it is cut between two lines or words, and only there the leaves are not those of the whole (a
table in pieces is the other case). Fenced code is one section, however long. Where it is cut depends on the text
alone, not on the pieces in which it came.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from nodetool_xl_desktop.markdown.definitions import Definitions
from nodetool_xl_desktop.markdown.lines import Lines
from nodetool_xl_desktop.markdown.reading import FRESH, Lead, References

#: Letters of an open section, beyond which a place to cut it is sought; of a line, beyond which it is cut.
LONG = 4_000
#: Letters of an open section, beyond which it is cut before its last line.
TOO_LONG = 24_000
#: A line takes as long to read as this many letters; for both bounds it counts as so many more.
LINE = 16
#: How long one step may take, unless it is told otherwise.
BUDGET_S = 0.008


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a text.

    Attributes:
        start: where it begins in the text, in letters.
        end: where it ends.
        lead: what the reader has to know of what is before it.
    """

    start: int
    end: int
    lead: Lead = FRESH


class Sections(Sequence[Section]):
    """The sections of one text.

    Attributes:
        text: the whole of it; the sections cover what of it has been looked at.
        done: whether that is all of it.
        again: sections before the first changed one that have to be read again, since what they refer to is defined
            otherwise now; as of the last call of `update` or `advance`.
    """

    def __init__(self) -> None:
        self.text = ""
        self.done = True
        self.again: frozenset[int] = frozenset()
        self._is_open = False
        self._begin()

    def _begin(self) -> None:
        self._sections: list[Section] = []
        self._lines = Lines()
        self._definitions = Definitions()
        self._has_open = False  # the last section is the open one
        self._arrived: set[str] = set()
        self._at = 0  # all lines before it are looked at
        self._known_end = 0  # of the line that begins there
        self._searched = 0  # no line ends between it and `_at`
        self._in_long_line = False
        self._start = 0  # of the open section
        self._lead = FRESH
        self._line_count = 0  # of the open section
        self._tried = LONG  # how large the open section may grow until a place is sought again

    @property
    def has_open(self) -> bool:
        """Whether the last section is one that may still grow."""
        return self._has_open

    @property
    def references(self) -> References:
        """What the text defines, as far as it has been looked at."""
        return self._definitions.references

    def __len__(self) -> int:
        return len(self._sections)

    @overload
    def __getitem__(self, index: int) -> Section: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Section]: ...
    def __getitem__(self, index: int | slice) -> Section | Sequence[Section]:
        return self._sections[index]

    def update(self, text: str, *, open: bool = False, budget_s: float = BUDGET_S) -> int:  # noqa: A002
        """Take this text from now on, which mostly is the one before with more at its end.

        Args:
            open: whether more will follow; then a definition in its last line is not one yet.
            budget_s: how long it may look at it; where that is not enough, `done` is False, and `advance` goes on.

        Returns:
            the first section that may have changed; those before it are as they were, apart from `again`.
        """
        first = None
        if not text.startswith(self.text):
            self._begin()
            first = 0
        self.text, self._is_open = text, open
        changed = self.advance(budget_s)
        return changed if first is None else first

    def advance(self, budget_s: float = BUDGET_S) -> int:
        """Look at more of the text.

        Returns:
            as of `update`.
        """
        until = time.perf_counter() + budget_s
        if self._has_open:
            self._sections.pop()
        first = len(self._sections)
        self._arrived = set()
        self.done = False
        while self._step():
            if time.perf_counter() > until:
                break
        else:
            self.done = True
            self._peek()
        end = len(self.text) if self.done else max(self._at, self._start)
        self._has_open = self._start < end
        if self._has_open:
            self._sections.append(Section(self._start, end, self._lead))
        finished = min(self._at, end) if self._is_open else end
        self._arrived |= self._definitions.open(self.text, self._start, finished)
        self.again = frozenset(index for index in self._definitions.users(self._arrived) if index < first)
        return first

    def _step(self) -> bool:
        """Look at the next line, or at a piece of one that is very long; whether there was something to do."""
        start, end = self._at, self._end_of_line()
        if self._in_long_line or (end < 0 and self._is_long(start, len(self.text))) or self._is_long(start, end):
            return self._step_in_long_line(start, end)
        if end < 0:
            return False
        before, after = self._lines.look(self.text[start:end])
        self._at = end
        if before is not None:
            self._cut(start, before)
        self._line_count += 1
        if after is not None:
            self._cut(end, after)
        elif self._size(end) > self._tried and not self._lines.in_fence:
            self._search(end)
        return True

    def _end_of_line(self) -> int:
        """Where the line ends that begins at `_at`; -1 where its end is not there yet. Nothing is searched twice."""
        if self._known_end > self._at:
            return self._known_end
        text, begin = self.text, max(self._at, self._searched)
        feed = text.find("\n", begin)
        limit = feed if feed >= 0 else len(text)
        ret = text.find("\r", begin, limit)
        if 0 <= ret < len(text) - 1:
            self._known_end = ret + 2 if text[ret + 1] == "\n" else ret + 1
        elif feed >= 0:
            self._known_end = feed + 1
        else:
            self._searched = ret if ret >= 0 else limit
            return -1
        return self._known_end

    def _is_long(self, start: int, end: int) -> bool:
        return end - start > LONG and not self._lines.in_fence

    def _step_in_long_line(self, start: int, end: int) -> bool:
        if not self._in_long_line:
            before, _ = self._lines.look(self.text[start : start + LONG])
            if self._lines.in_fence:  # the line opens it
                self._cut(start, FRESH)
                return end >= 0 and self._skip(end)
            self._cut(start, before or FRESH)
            self._in_long_line = True
            return True
        known = end if end >= 0 else len(self.text)
        if known - self._start > LONG:
            space = self.text.rfind(" ", self._start + LONG // 2, self._start + LONG)
            self._cut(space if space >= 0 else self._start + LONG, Lead(words=True))
            return True
        if end < 0:
            return False
        self._cut(end, FRESH)
        self._in_long_line = False
        self._lines = Lines()
        return self._skip(end)

    def _skip(self, end: int) -> bool:
        self._at = end
        return True

    def _peek(self) -> None:
        """Cut before the line that is being written, where its first letter says enough."""
        if self._in_long_line:
            return
        lead = self._lines.peek(self.text[self._at : self._at + 8])
        if lead is not None:
            self._cut(self._at, lead)

    def _cut(self, at: int, lead: Lead) -> None:
        if at <= self._start:
            return
        if at - self._start < LONG and not self.text[self._start : at].strip():
            self._lead = lead  # empty lines are no section of their own
        else:
            self._sections.append(Section(self._start, at, self._lead))
            self._arrived |= self._definitions.close(self.text, self._start, at, len(self._sections) - 1)
            self._start, self._tried, self._line_count = at, LONG, 0
            self._lead = lead

    def _size(self, end: int) -> int:
        return end - self._start + LINE * self._line_count

    def _search(self, end: int) -> None:
        """Find a place in an open section that has become long, and look at its rest again from there."""
        size = self._size(end)
        if not self.text[self._start : end].strip():
            self._cut(end, FRESH)
            return
        from nodetool_xl_desktop.markdown import cutting  # noqa: PLC0415 - as in `reading`

        found = cutting.cut_between(self.text[self._start : end], self._lead, force=size > TOO_LONG)
        if found is None:
            self._tried = min(2 * size, max(TOO_LONG, size))
            return
        self._cut(self._start + found[0], found[1])
        self._at, self._lines = self._start, Lines(found[1])
        self._known_end = self._searched = 0
