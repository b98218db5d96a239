"""Which line of a text begins something in any case, whatever else is open: the places where it can be cut.

Only what is sure counts. Where a line may or may not belong to a list (it is not indented, and no empty line is before
it), nothing is cut until a line comes that ends every list.
"""

from __future__ import annotations

import re

from nodetool_xl_desktop.markdown.formula_marks import FORMULA_MARKS
from nodetool_xl_desktop.markdown.reading import FRESH, Lead

_FENCE = re.compile(r"(`{3,})[^`]*|(~{3,}).*", re.DOTALL)
_HEADING = re.compile(r"#{1,6}(?:[ \t]|$)")
_RULE = re.compile(r"([-*_])[ \t]*(?:\1[ \t]*){2,}")
_MARKER = re.compile(r"([-+*]|(\d{1,9})([.)]))([ \t]+|$)")
#: What an item of a list can begin with.
_MARKS = "-+*0123456789"

Cuts = tuple[Lead | None, Lead | None]
NOWHERE: Cuts = (None, None)


class Lines:
    """Looks at one line after the other."""

    def __init__(self, lead: Lead = FRESH) -> None:
        self._fence = ""
        self._formula = ""  # how the one ends that may be open
        self._item = 0  # where the content of an item of the list at the root begins, in columns; 0 for no list
        self._kind = ""  # of its marker
        self._number = lead.number  # of its next item, or what the next list begins with
        self._first_number = lead.number
        self._maybe = False  # a list may be open
        self._lost = False  # a fence may be open
        self._going = lead.words or lead.table != ""  # a line may go on with what is above it
        self._blank = False
        self._bare_item = False
        self._quote = self._note = False

    @property
    def in_fence(self) -> bool:
        """Whether fenced code is open at the root."""
        return self._fence != ""

    def look(self, line: str) -> Cuts:
        """Look at the next line.

        Returns:
            how what begins with it reads, and what begins behind it; None where no cut can be made.
        """
        bare = line.strip(" \t\r\n")
        if self._fence:
            return self._in_fence(line, bare)
        if not bare:
            return self._empty()
        blank, self._blank = self._blank, False
        indent = columns(line)
        if self._formula:
            self._maybe = True
            if not (indent <= 3 and _FENCE.fullmatch(bare)):
                if bare.endswith(self._formula):
                    self._formula = ""
                return NOWHERE
            self._formula = ""
        if self._lost:
            return NOWHERE
        if self._item or self._maybe:
            return self._in_list(bare, indent, blank)
        return self._at_root(bare, indent)

    def peek(self, beginning: str) -> Lead | None:
        """What begins with a line that is still written, where its first letter says enough."""
        first = beginning.lstrip(" ")[:1]
        indent = len(beginning) - len(beginning.lstrip(" "))
        if not first.strip() or indent > 3 or self._fence or self._formula or self._lost:
            return None
        if not self._item and not self._maybe:
            return None if self._going else FRESH
        outside = indent <= 1 or (not self._maybe and indent < self._item)
        return FRESH if self._blank and outside and first not in _MARKS else None

    def _in_fence(self, line: str, bare: str) -> Cuts:
        if len(bare) >= len(self._fence) and not bare.strip(self._fence[0]) and columns(line) <= 3:
            self._end_list()
            self._fence, self._blank, self._going = "", False, False
            return None, FRESH
        return NOWHERE

    def _empty(self) -> Cuts:
        if self._formula or self._bare_item:
            self._maybe = True
        self._formula = ""
        self._bare_item, self._blank, self._going = False, True, False
        return NOWHERE

    def _at_root(self, bare: str, indent: int) -> Cuts:
        free = not self._going
        if indent > 3:
            self._going = self._going or self._note
            return NOWHERE
        if (fence := _FENCE.fullmatch(bare)) is not None:
            self._fence = fence[1] or fence[2]
            return FRESH, None
        rule = _RULE.fullmatch(bare)
        if rule is not None and rule[1] == "-" and not free:
            return NOWHERE  # it may make the line above it a heading, or the head of a table
        if rule is not None or _HEADING.match(bare):
            self._going = self._quote = self._note = False
            return FRESH, FRESH
        return self._words(bare, indent, free)

    def _words(self, bare: str, indent: int, free: bool) -> Cuts:
        self._going = True
        if bare[0] == ">":
            cut = free or not self._quote
            self._quote = True
            return (FRESH if cut else None), None
        if (marker := _MARKER.match(bare)) is not None:
            return self._first_item(marker, bare, indent, free)
        self._open_formula(bare)
        if free:
            self._quote, self._note = False, bare.startswith("[^")
        return (FRESH if free else None), None

    def _first_item(self, marker: re.Match[str], bare: str, indent: int, free: bool) -> Cuts:
        empty = marker.end() == len(bare)
        if not free and (empty or (marker[2] and int(marker[2]) != 1)):
            self._maybe = True  # such a one does not end a paragraph, but begins a list behind other things
            return NOWHERE
        self._quote = self._note = False
        self._start_item(marker, bare, indent)
        first = self._first_number
        self._first_number = -1
        self._number = (first if first >= 0 else int(marker[2])) + 1 if marker[2] else -1
        return FRESH, None

    def _start_item(self, marker: re.Match[str], bare: str, indent: int) -> None:
        width = len(marker[1])
        self._bare_item = marker.end() == len(bare)
        space = columns(marker[4], indent + width) if not self._bare_item else 1
        self._item = indent + width + (space if space <= 4 else 1)
        self._kind = marker[3] or marker[1]
        self._going = False

    def _in_list(self, bare: str, indent: int, blank: bool) -> Cuts:
        sure = not self._maybe
        if sure and indent >= self._item:
            self._bare_item = False
            return NOWHERE
        fence = _FENCE.fullmatch(bare) is not None
        if indent > 3 or (not sure and indent > 1):
            self._lost = fence and indent <= 3
            self._maybe = True
            return NOWHERE
        rule = _RULE.fullmatch(bare)
        marker = _MARKER.match(bare) if rule is None else None
        if not sure and (marker is not None or (rule is not None and rule[1] == "-" and not blank)):
            return NOWHERE
        if marker is not None:
            return self._next_item(marker, bare, indent, blank)
        if fence or rule is not None or bare[0] == ">" or _HEADING.match(bare) or blank:
            self._end_list()
            return self._at_root(bare, indent)
        self._maybe = True
        self._open_formula(bare)
        return NOWHERE

    def _open_formula(self, bare: str) -> None:
        closing = FORMULA_MARKS.get(bare[:2], "")
        if closing and not bare[2:].endswith(closing):
            self._formula = closing

    def _next_item(self, marker: re.Match[str], bare: str, indent: int, blank: bool) -> Cuts:
        if self._kind != (marker[3] or marker[1]):
            self._end_list()
            return self._first_item(marker, bare, indent, True)
        self._start_item(marker, bare, indent)
        number = self._number
        if number >= 0:
            self._number += 1
        return Lead(number=number, tight=not blank), None

    def _end_list(self) -> None:
        self._item, self._kind, self._number = 0, "", -1
        self._first_number = -1
        self._maybe = self._going = self._quote = self._note = self._bare_item = False


def columns(line: str, start: int = 0) -> int:
    """How wide the space at the start of a line is, with tabs to every fourth column, which `start` is counted in."""
    at = start
    for letter in line:
        if letter == " ":
            at += 1
        elif letter == "\t":
            at += 4 - at % 4
        else:
            break
    return at - start
