"""Finds the calls that a model writes as text, in a whole answer or while it streams.

Models without native tools write calls as they were told to, and models with them write calls in forms that the
engine's parser does not wait for. What is no call has to reach the person as it is and at once: text is held back only
as long as it can still become a call.

What stands in reasoning, in inline code, in a quotation or in a block of other code is talk about calls: left alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from nodetool_xl_desktop.tools import text_forms as forms
from nodetool_xl_desktop.tools.text_forms import FoundCall
from nodetool_xl_desktop.tools.text_marks import FENCES, HEAD, LINE_OPENERS, OPENERS, QUOTES, REASONING
from nodetool_xl_desktop.tools.text_reader import Reader, Reading
from nodetool_xl_desktop.tools.text_scan import Scan, Source
from nodetool_xl_desktop.tools.tool import Tool

__all__ = ["FoundCall", "Parsed", "TextCalls", "parse"]

_SPACE = " \t\r\n"
#: The characters of prose that may begin something else, with what may follow them.
_MARK = re.compile(r"[\n`]|<(?=[\w|\N{FULLWIDTH VERTICAL LINE}]|\Z)|[{\[](?=[\s\"'\w{]|\Z)")
_LINE_END = re.compile(r"\n")
_CODE_END = re.compile(r"[`\n]")
#: What stands before a value in a JSON object, and before an object in a list.
_WITHIN_DATA = ('":', "':", "},")
#: A line that begins with so many spaces is code.
_CODE_INDENT = 4
_LONGEST_FENCE = 20
_LONGEST_FENCE_WORD = 40
#: So much that is done with is cut off at once; cutting at each character would copy the text each time.
_TRIM = 10_000


@dataclass(frozen=True, slots=True)
class Parsed:
    """An answer without its calls, and the calls in the order in which they stand."""

    text: str
    calls: tuple[FoundCall, ...]


def parse(text: str, tools: Sequence[Tool]) -> Parsed:
    """Find the calls of `tools` in a whole answer."""
    stream = TextCalls(tools)
    parts = [*stream.feed(text), *stream.finish()]
    prose = "".join(part for part in parts if isinstance(part, str))
    return Parsed(prose, tuple(part for part in parts if isinstance(part, FoundCall)))


class TextCalls:
    """Finds the calls of `tools` in an answer while it arrives; what comes out does not depend on the chunks."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._source = Source()
        self._names = tuple(tool.name for tool in tools)
        self._reader = Reader(self._source, {tool.name: tool for tool in tools})
        self._out: list[str | FoundCall] = []
        self._place = 0
        self._before = ""  # the character before the place; "" at the beginning
        self._tail = ""  # the last two before it that are no spaces
        self._fresh = True  # whether the line has had only spaces so far
        self._indent = 0
        self._scan = self._run()

    def feed(self, delta: str) -> list[str | FoundCall]:
        """More of the answer; returns what is certain by now."""
        self._source.text += delta
        next(self._scan, None)
        return self._take()

    def finish(self) -> list[str | FoundCall]:
        """The answer has ended; returns the rest of it."""
        self._source.ended = True
        next(self._scan, None)
        return self._take()

    def _take(self) -> list[str | FoundCall]:
        """What has come out since, its texts joined."""
        taken: list[str | FoundCall] = []
        texts: list[str] = []
        for part in self._out:
            if isinstance(part, str):
                texts.append(part)
                continue
            taken += ["".join(texts), part] if texts else [part]
            texts = []
        self._out = []
        return [*taken, "".join(texts)] if texts else taken

    def _text(self, end: int) -> None:
        """All up to `end` is text."""
        piece = self._source.text[self._place : end]
        if not piece:
            return
        line = piece[piece.rfind("\n") + 1 :]
        if len(line) < len(piece):
            self._fresh, self._indent = True, 0
        if line.strip():
            self._fresh = False
        elif self._fresh:
            self._indent += len(line.expandtabs(_CODE_INDENT))
        self._out.append(piece)
        self._before = piece[-1]
        end_of_words = piece.rstrip()
        if end_of_words:
            self._tail = ((end_of_words[:-1].rstrip() or self._tail)[-1:] + end_of_words[-1])[-2:]
        self._place = end

    def _settle(self, reading: Reading) -> None:
        """What was read comes out: as calls, the last of which has what their raws leave, or as text."""
        calls, end = reading
        if not calls:
            self._text(end)
            return
        left = end - self._place - sum(len(call.raw) for call in calls)
        last = forms.with_raw(calls[-1], calls[-1].raw + self._source.text[end - left : end])
        self._out += [*calls[:-1], last]
        self._place = end
        self._begin_line()

    def _begin_line(self) -> None:
        """What comes next may be what stands at the beginning of a line only."""
        self._before, self._tail, self._fresh, self._indent = " ", "", True, 0

    def _run(self) -> Scan[None]:
        source = self._source
        while char := (yield from source.at(self._place)):
            self._trim()
            if self._fresh and char in _SPACE:
                self._text(self._place + 1)
                continue
            if self._fresh:
                self._fresh = False
                if (yield from self._line_start(char)):
                    continue
            mark = _MARK.search(source.text, self._place)
            self._text(mark.start() if mark else len(source.text))
            if mark:
                yield from self._mark(mark.group())

    def _trim(self) -> None:
        if self._place > _TRIM:
            self._source.text, self._place = self._source.text[self._place :], 0

    def _line_start(self, char: str) -> Scan[bool]:
        """What means something at the beginning of a line only; whether it was there."""
        if char == ">":
            if (yield from self._source.literal(self._place, (HEAD,))):
                self._settle((yield from self._reader.headed(self._place)))
            if not self._fresh:
                yield from self._pass_until(_LINE_END, 1)
            return True
        if char in "`~" and (yield from self._source.literal(self._place, (char * 3,))):
            return (yield from self._fence(char))
        if self._indent >= _CODE_INDENT:
            return False
        if opener := (yield from self._source.literal(self._place, LINE_OPENERS)):
            self._settle((yield from self._reader.marked(self._place, opener)))
            return True
        called = yield from self._reader.python_name(self._place)
        if called or (yield from self._source.literal(self._place, self._names)):
            read = self._reader.bare if called else self._reader.headed
            self._settle((yield from read(self._place)))
            return True
        return False

    def _mark(self, char: str) -> Scan[None]:
        place = self._place
        if char == "`":
            fence = self._before in (" ", ":") and (yield from self._source.literal(place, ("```",)))
            if not (fence and (yield from self._fence("`", within=True))):
                yield from self._inline_code()
            return
        word = (yield from self._source.literal(place, (*OPENERS, *REASONING))) if char in "<[" else ""
        if word in REASONING:
            yield from self._pass_until(re.compile(re.escape(REASONING[word])), len(REASONING[word]))
            self._begin_line()  # the answer begins behind it
        elif word and self._before and self._before in QUOTES:
            yield from self._quoted(word)
        elif word:
            self._settle((yield from self._reader.marked(place, word)))
        elif char in "{[" and self._indent < _CODE_INDENT and self._may_begin():
            self._settle((yield from self._reader.bare(place)))
        else:
            self._text(place + 1)

    def _may_begin(self) -> bool:
        """Whether a call without marks can begin here: not within a word, and not as a part of other data."""
        within_data = self._tail in _WITHIN_DATA or self._tail.endswith(("[", "="))
        return not within_data and (not self._before or self._before in f"{_SPACE}:")

    def _pass_until(self, end: re.Pattern[str], longest: int) -> Scan[None]:
        """Text up to and with `end`, which has `longest` characters at most, passed on as it comes."""
        source, at = self._source, self._place
        while not (found := end.search(source.text, at)) and not source.ended:
            self._text(len(source.text))
            source.text = source.text[max(at, self._place - longest + 1) :]  # enough to know the end by
            at, self._place = 0, len(source.text)
            yield
        self._text(found.end() if found else len(source.text))

    def _quoted(self, opener: str) -> Scan[None]:
        """A call that is talked about: text up to its end, or that of the paragraph."""
        self._text(self._place + len(opener))
        if (yield from self._source.at(self._place)) not in tuple(QUOTES):
            ends = ("\n\n", *OPENERS[opener])
            yield from self._pass_until(re.compile("|".join(map(re.escape, ends))), max(map(len, ends)))

    def _inline_code(self) -> Scan[None]:
        """From a run of backticks to the next one of the same length, or to the end of the line."""
        length = (yield from self._source.skip(self._place, "`")) - self._place
        self._text(self._place + length)
        while (char := (yield from self._source.at(self._place))) and char != "\n":
            self._trim()
            end = yield from self._source.skip(self._place, "`")
            if end - self._place == length:
                self._text(end)
                return
            found = _CODE_END.search(self._source.text, max(end, self._place + (char != "`")))
            self._text(found.start() if found else len(self._source.text))

    def _fence(self, char: str, *, within: bool = False) -> Scan[bool]:
        """A block of code: calls where it holds nothing else, else passed on as it is.

        One that begins `within` a line (Command R) is one only where its word says so; else nothing is done.
        """
        source, start = self._source, self._place
        inside = yield from source.skip(start, char)
        mark = source.text[start:inside][:_LONGEST_FENCE]
        line = yield from self._fence_word(inside)
        word = source.text[inside : max(line, inside)].strip().lower()
        if within and not word:
            return False
        if line >= 0:
            reading = yield from self._reader.fenced(start, line, mark, word)
            if reading[0]:
                self._settle(reading)
                return True
        self._text(inside)
        yield from self._rest_of_block(mark)
        return True

    def _fence_word(self, place: int) -> Scan[int]:
        """Where the line of a block's mark ends; -1 where it has a word that a block of calls does not have."""
        end = place
        while (char := (yield from self._source.at(end))) and char != "\n":
            end += 1
            word = self._source.text[place:end].strip().lower()
            if end - place > _LONGEST_FENCE_WORD or not any(known.startswith(word) for known in FENCES):
                return -1
        return end if char and self._source.text[place:end].strip().lower() in FENCES else -1

    def _rest_of_block(self, mark: str) -> Scan[None]:
        while True:
            yield from self._pass_until(_LINE_END, 1)
            place = yield from self._source.skip(self._place, " \t")
            if not (yield from self._source.at(place)):
                return
            if (yield from self._source.literal(place, (mark,))):
                end = yield from self._source.skip(place, f"{mark[0]} \t\r")
                if (yield from self._source.at(end)) in ("", "\n"):
                    self._text(end)
                    return
