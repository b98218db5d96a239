"""Where a call that stands in text ends, found while the text is still arriving.

Each scan is a generator: it yields where it needs more text, and returns when it knows. It gives up at the first sign
that cannot belong to a call, and it never looks back, so that time grows with the length of the text and with nothing
else, and the chunks that the text arrives in make no difference.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from nodetool_xl_desktop.tools.text_marks import FIRST_KEYS, LIST_KEY, NAME_KEYS, WRAPPER_KEYS

T = TypeVar("T")
Scan = Generator[None, None, T]

#: Characters that a call may have: beyond it the text is no longer held back.
LONGEST_CALL = 200_000
_DEEPEST = 60

_SPACE = " \t\r\n"
_WORD = re.compile(r"[\w.+-]*")
_STRING_STEP = {'"': re.compile(r'["\\]'), "'": re.compile(r"['\\]")}
_STRING_STEP_ON_LINE = {'"': re.compile(r'["\\\n]'), "'": re.compile(r"['\\\n]")}
_PYTHON_STEP = re.compile(r"""["'()\[\]{}\n]""")
_CLOSES = {"(": ")", "[": "]", "{": "}"}


@dataclass(slots=True)
class Source:
    """The text so far, and whether more will come."""

    text: str = ""
    ended: bool = False

    def at(self, place: int) -> Scan[str]:
        """The character at `place`, once it is there; "" beyond the end."""
        while place >= len(self.text) and not self.ended:
            yield
        return self.text[place : place + 1]

    def search(
        self, pattern: re.Pattern[str], place: int, most: int = 0, overlap: int = 0
    ) -> Scan[re.Match[str] | None]:
        """The first match from `place` on; None where the text ends, or `most` is reached, without one.

        `overlap` is one less than the longest match.
        """
        start = place
        while True:
            found = pattern.search(self.text, place)
            if found or self.ended or (most and len(self.text) > most):
                return found if found and not (most and found.end() > most + 1) else None
            place = max(start, len(self.text) - overlap)
            yield

    def literal(self, place: int, words: Iterable[str]) -> Scan[str]:
        """The longest of `words` that stands at `place`; "" where none does."""
        while True:
            here = self.text[place : place + 100]
            more = [word for word in words if len(word) > len(here) and word.startswith(here)]
            if not more or self.ended:
                return max((word for word in words if here.startswith(word)), key=len, default="")
            yield

    def skip(self, place: int, characters: str = _SPACE) -> Scan[int]:
        """The place of the first character from `place` on that is none of `characters`."""
        while (char := (yield from self.at(place))) and char in characters:
            place += 1
        return place


@dataclass(slots=True)
class Extent:
    """Where a scan came to.

    Attributes:
        end: one beyond the call; where it failed, one beyond what was still right.
        failed: where the first wrong thing begins; -1 where the call is whole.
        sure: whether it names a tool, and so is a call even where it is broken.
    """

    end: int
    failed: int = -1
    sure: bool = False


@dataclass(slots=True)
class _Json:
    """The scan of one JSON value, or of a Python dict, as it stands in the text, while it can still be a call."""

    source: Source
    names: Iterable[str]
    start: int
    stack: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    expect: str = "value"
    sure: bool = False
    good: int = 0

    def run(self) -> Scan[Extent]:
        place = self.good = self.start
        while True:
            place = yield from self.source.skip(place)
            char = yield from self.source.at(place)
            end = -1
            if char and place - self.start <= LONGEST_CALL:
                end = yield from self._token(char, place)
            if end < 0:
                return Extent(self.good, place, self.sure)
            self.good = place = end
            if not self.stack:
                return Extent(end, -1, self.sure)

    def _token(self, char: str, place: int) -> Scan[int]:
        """Take one token; the place after it, or -1 where it is wrong there."""
        if char in "{[":
            return self._open(char, place)
        if char in "}]":
            return self._close(char, place)
        if char in ",:":
            return self._mark(char, place)
        if char in "\"'":
            return (yield from self._string(char, place))
        return (yield from self._scalar(place))

    def _open(self, char: str, place: int) -> int:
        wrong = self.expect not in ("value", "value or end") or len(self.stack) >= _DEEPEST
        if wrong or (not self.sure and self._in_list() and char == "["):
            return -1
        self.stack.append(char)
        self.keys.append("")
        self.expect = "key or end" if char == "{" else "value or end"
        return place + 1

    def _close(self, char: str, place: int) -> int:
        if not self.stack or _CLOSES[self.stack[-1]] != char or self.expect in ("colon", "value", "key"):
            return -1
        self.stack.pop()
        self.keys.pop()
        self.expect = "comma or end"
        return place + 1

    def _mark(self, char: str, place: int) -> int:
        if char == ":":
            if self.expect != "colon":
                return -1
            self.expect = "value"
        else:
            if self.expect != "comma or end":
                return -1
            self.expect = "key or end" if self.stack[-1] == "{" else "value or end"
        return place + 1

    def _string(self, quote: str, place: int) -> Scan[int]:
        key = self.expect in ("key or end", "key")
        if not key and self.expect not in ("value", "value or end"):
            return -1
        watched = not self.sure and self._at_call()
        if not self.sure and self._in_list():
            return -1
        allowed = self._allowed(key) if watched else None
        end = yield from self._string_end(quote, place, allowed)
        if end < 0:
            return -1
        content = self.source.text[place + 1 : end - 1]
        if allowed is not None and content not in allowed:
            return -1
        if key:
            self.keys[-1] = content
            self.expect = "colon"
        else:
            self.sure = self.sure or (self._names_tool() and content in self.names)
            self.expect = "comma or end"
        return end

    def _at_call(self) -> bool:
        """Whether the keys here are those of a call: at the top, in a list of calls, or in its "function"."""
        outer = 2 if self._listed() else 1 if self.stack[:1] == ["["] else 0
        inner = self.stack[outer:]
        return inner == ["{"] or (inner == ["{", "{"] and self.keys[outer] in WRAPPER_KEYS)

    def _listed(self) -> bool:
        return self.stack[:2] == ["{", "["] and self.keys[0] == LIST_KEY

    def _in_list(self) -> bool:
        """Whether this is a place between calls."""
        return self.stack == ["["] or (len(self.stack) == 2 and self._listed())

    def _names_tool(self) -> bool:
        return bool(self.stack) and self._at_call() and self.keys[-1] in NAME_KEYS

    def _allowed(self, key: bool) -> Iterable[str] | None:
        """What may stand here; None: anything."""
        if key:
            return FIRST_KEYS
        if self.keys[-1] == "type":
            return ("function", "tool_call", "function_call")
        return self.names if self.keys[-1] in NAME_KEYS else None

    def _string_end(self, quote: str, place: int, allowed: Iterable[str] | None) -> Scan[int]:
        """One beyond the closing quote; -1 where there is none, or where it cannot be one of `allowed`."""
        on_line = not self.sure
        step = (_STRING_STEP_ON_LINE if on_line else _STRING_STEP)[quote]
        if allowed is not None:
            word = yield from self.source.literal(place + 1, [f"{one}{quote}" for one in allowed])
            return place + 1 + len(word) if word else -1
        at = place + 1
        while True:
            found = yield from self.source.search(step, at, self.start + LONGEST_CALL)
            if found is None or found.group() == "\n":
                return -1
            if found.group() == quote:
                return found.end()
            at = found.end() + 1  # what a backslash stands before

    def _scalar(self, place: int) -> Scan[int]:
        if self.expect not in ("value", "value or end"):
            return -1
        if not self.sure and (self._in_list() or (self._at_call() and self._allowed(False))):
            return -1
        end = place
        while (char := (yield from self.source.at(end))) and _WORD.fullmatch(char) and end - place < 400:
            end += 1
        self.expect = "comma or end"
        return end if end > place else -1


def json_end(source: Source, start: int, names: Iterable[str]) -> Scan[Extent]:
    """The extent of the JSON value at `start`, as long as it can still be a call of one of `names`."""
    return (yield from _Json(source, names, start).run())


def any_json_end(source: Source, start: int) -> Scan[Extent]:
    """The extent of the JSON value at `start`, of any content."""
    return (yield from _Json(source, (), start, sure=True).run())


def python_end(source: Source, start: int) -> Scan[Extent]:
    """The extent of a Python call or list at `start`, up to where its brackets are closed."""
    stack: list[str] = []
    at = start
    while True:
        found = yield from source.search(_PYTHON_STEP, at, start + LONGEST_CALL)
        if found is None:
            return Extent(at, at)
        char, at = found.group(), found.end()
        if char in _CLOSES and len(stack) < _DEEPEST:
            stack.append(_CLOSES[char])
        elif char in "\"'":
            at = yield from _python_string(source, found.start(), start + LONGEST_CALL)
            if at < 0:
                return Extent(found.start(), found.start())
        elif char == "\n":
            if (yield from source.at((yield from source.skip(at, " \t\r")))) in ("\n", ""):  # a blank line
                return Extent(found.start(), found.start())
        elif not stack or stack.pop() != char:
            return Extent(found.start(), found.start())
        if not stack:
            return Extent(at)


def _python_string(source: Source, start: int, most: int) -> Scan[int]:
    """One beyond the string that begins at `start`; -1 where its line, or all the text, ends before it does."""
    quote = yield from source.at(start)
    triple = (yield from source.literal(start, (quote * 3,))) != ""
    at = start + (3 if triple else 1)
    while True:
        found = yield from source.search((_STRING_STEP if triple else _STRING_STEP_ON_LINE)[quote], at, most)
        if found is None or found.group() == "\n":
            return -1
        at = found.end()
        if found.group() == "\\":
            at += 1
        elif not triple:
            return at
        elif (yield from source.literal(found.start(), (quote * 3,))):
            return found.start() + 3
