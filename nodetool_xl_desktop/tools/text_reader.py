"""Reads the call that begins at a place of a text that is still arriving: its extent, and what it says.

Each method that reads returns the calls and where they end. Without calls, what it went over is text up to that end:
nothing is read twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from nodetool_xl_desktop.tools import text_forms as forms
from nodetool_xl_desktop.tools.text_forms import FoundCall
from nodetool_xl_desktop.tools.text_marks import (
    CALL_FENCES,
    CALL_MARKS,
    HEAD,
    LINE_OPENERS,
    MODULES,
    NOISE,
    OPENERS,
    STRAY_ENDS,
)
from nodetool_xl_desktop.tools.text_scan import LONGEST_CALL, Extent, Scan, Source, any_json_end, json_end, python_end
from nodetool_xl_desktop.tools.tool import Tool

#: Calls and where they end; without calls, where the text goes on.
Reading = tuple[list[FoundCall], int]

_SPACE = " \t\r\n"
_LINE_END = re.compile(r"\n")
_WORD = re.compile(r"[A-Za-z_]\w*")
_ENDS = {**OPENERS, **LINE_OPENERS}
_LONGEST_ID = 64
#: Where a value in tags ends; without the group it was left open.
_VALUE_ENDS = {
    "<parameter=": re.compile(r"(</parameter>)|\n(?:<parameter=|</function>)"),
    "<arg_key>": re.compile(r"(</arg_value>)"),
}


class Reader:
    """Reads the calls of `tools` in `source`."""

    def __init__(self, source: Source, tools: Mapping[str, Tool]) -> None:
        self._source = source
        self._tools = tools

    def python_name(self, place: int, words: Sequence[str] = ()) -> Scan[str]:
        """The name of the tool, or of one of `words`, that is called at `place` in Python's way; "" where none is."""
        names = (*self._tools, *words)
        heads = [f"{module}{name}{end}" for module in ("", *MODULES) for name in names for end in ("(", ".call(")]
        head = (yield from self._source.literal(place, heads))[:-1].removesuffix(".call")
        return head.rpartition(".")[2]

    def bare(self, start: int) -> Scan[Reading]:
        """A call without marks around it: it ends its line, or another one follows."""
        extent, calls = yield from self._read(start, (), False)
        if not calls:
            return [], max(extent.end, extent.failed, start + 1)
        if extent.failed >= 0:
            return calls, (yield from self._line_of(extent))
        end = yield from self._after(extent.end)
        return (calls, end) if end >= 0 else ([], extent.end)

    def headed(self, start: int) -> Scan[Reading]:
        """A tool's name and its arguments as JSON behind it, or below it: GLM 4, Functionary, Mistral without its mark.

        The first argument has to be one that the tool takes: a word before a brace is nothing rare.
        """
        source = self._source
        place = start + len((yield from source.literal(start, (HEAD,))))
        name = yield from source.literal(place, tuple(self._tools))
        after = place + len(name)
        char = yield from source.at(after)
        if not name or not char or char not in "\n[{":
            return [], after
        body = (yield from self._noise(after)) if char == "[" else after + (char == "\n")
        if (yield from source.at(body)) != "{":
            return [], after
        takes = self._tools[name].parameters
        firsts = [f"{quote}{key}{quote}" for key in takes.get("properties", {}) for quote in "\"'"]
        inside = yield from source.skip(body + 1)
        if not (yield from source.literal(inside, firsts if takes.get("required") else [*firsts, "}"])):
            return [], after
        extent = yield from any_json_end(source, body)
        end = (yield from self._line_of(extent)) if extent.failed >= 0 else (yield from self._after(extent.end))
        if end < 0:
            return [], extent.end
        return forms.from_named(name, source.text[body : extent.end], source.text[start:end], self._tools), end

    def marked(self, start: int, opener: str) -> Scan[Reading]:
        """A call behind `opener`; the mark that ends it may be missing."""
        ends = _ENDS[opener]
        inside = yield from self._noise(start + len(opener.rstrip("[")))
        if "```" in self._source.text[start:inside]:
            ends = ("```", *ends)
        if opener == "<function=":
            return (yield from self._named(start, inside, ends))
        if (yield from self._source.literal(inside, ("<function=",))):
            return (yield from self._named(start, inside + len("<function="), ("</function>", *ends)))
        named = yield from self._source.literal(inside, tuple(self._tools))
        if named and not (yield from self.python_name(inside)):
            return (yield from self._named(start, inside, ends))
        calls, extent = yield from self._series(start, inside, tagged=True)
        if not calls:
            return [], max(extent.failed, extent.end, start + len(opener))
        if extent.failed >= 0:
            return calls, (yield from self._cut(extent.end, ends))
        rest = (yield from self._rest_of_json(extent.end)) if ends else extent.end
        return calls, (yield from (self._ends if rest == extent.end else self._cut)(rest, ends))

    def fenced(self, start: int, line: int, mark: str, word: str) -> Scan[Reading]:
        """The calls of a block of code that holds nothing else; no calls where it does.

        Args:
            start: where its mark stands.
            line: where the line of its mark ends.
            mark: its backticks or tildes.
            word: what stands behind them.
        """
        words = ("print",) if word == "tool_code" else ()
        inside = yield from self._noise(line)
        calls, extent = yield from self._series(start, inside, words, tagged=word in CALL_FENCES or inside > line + 1)
        if not calls:
            return [], start
        if extent.failed >= 0:
            most = extent.end + LONGEST_CALL
            found = yield from self._source.search(re.compile(rf"\n[ \t]{{0,20}}{mark}"), extent.end, most, 100)
            return calls, found.end() if found else min(len(self._source.text), most)
        end = yield from self._ends(extent.end, ("</tool_call>",))
        place = yield from self._source.skip(end)
        if (yield from self._source.literal(place, (mark,))):
            return calls, place + len(mark)
        return ([], start) if (yield from self._source.at(place)) else (calls, end)

    def _read(self, place: int, words: Sequence[str], tagged: bool) -> Scan[tuple[Extent, list[FoundCall]]]:
        """What stands at `place`: how far it goes, and its calls; a broken one only where it is sure to be one."""
        source, char = self._source, (yield from self._source.at(place))
        inside = (yield from source.skip(place + 1)) if char == "[" else place
        if (yield from self.python_name(inside, words)):
            return (yield from self._read_python(place, inside))
        if char not in ("{", "[") or (char == "[" and (yield from source.at(inside)) != "{"):
            return Extent(place), []
        extent = yield from json_end(source, place, self._tools)
        raw = source.text[place : extent.end]
        if extent.failed < 0:
            return extent, forms.from_json(raw, self._tools, tagged=tagged)
        return extent, forms.broken(raw, self._tools, tagged=tagged) if extent.sure or tagged else []

    def _read_python(self, place: int, inside: int) -> Scan[tuple[Extent, list[FoundCall]]]:
        name = yield from self.python_name(inside, ("print",))
        first = self._source.text.index("(", inside) + 1
        word = yield from self._first_argument(first)
        if word is None and name != "print":
            return Extent(first), []
        extent = yield from python_end(self._source, place)
        raw = self._source.text[place : extent.end]
        calls = forms.from_python(raw, self._tools) if extent.failed < 0 else []
        if not calls and name in self._tools and self._meant(name, word or "", raw, whole=extent.failed < 0):
            calls = [FoundCall(name, {}, raw, "its arguments cannot be read, or it is not complete")]
        return extent, calls

    def _meant(self, name: str, word: str, raw: str, *, whole: bool) -> bool:
        """Whether what cannot be read was meant as a call, by its first argument, or by having texts as arguments."""
        known = word in self._tools[name].parameters.get("properties", {})
        return known or (whole and (word != "" or '"' in raw or "'" in raw))

    def _first_argument(self, place: int) -> Scan[str | None]:
        """The name of the argument there, "" where it is a value or nothing; None where it is prose."""
        source = self._source
        end = place = yield from source.skip(place)
        while (
            (char := (yield from source.at(end))) and end < place + 64 and _WORD.fullmatch(source.text, place, end + 1)
        ):
            end += 1
        word = source.text[place:end]
        if not word:
            return "" if char and char in ")\"'[{(+-.0123456789" else None
        after = yield from source.at((yield from source.skip(end)))
        if after == "=":
            return word
        value = word in ("True", "False", "None", "true", "false", "null") or after == "("
        return "" if value or (word in ("r", "R", "u") and char in ("'", '"')) else None

    def _after(self, end: int) -> Scan[int]:
        """The end of a bare call with the brackets and marks too many; -1 where prose follows on its line."""
        source, place = self._source, end
        while True:
            place = yield from source.skip(place, " \t\r")
            char = yield from source.at(place)
            if char in ("", "\n"):
                return end
            if char in "}]":
                end = place = place + 1
            elif word := (yield from source.literal(place, STRAY_ENDS)):
                end = place = place + len(word)
            elif char in ",;":
                end = yield from source.skip(place + 1, " \t")
                follows = yield from source.at(end)
                return end if follows in ("", "\n", "\r", "{", "[") or (yield from self.python_name(end)) else -1
            else:
                return end if char == "{" or (yield from source.literal(place, (*OPENERS, HEAD))) else -1

    def _line_of(self, extent: Extent) -> Scan[int]:
        """Where a broken call without marks ends: before the first line that does not belong to it."""
        if "\n" in self._source.text[extent.end : extent.failed]:
            return extent.end
        found = yield from self._source.search(_LINE_END, extent.failed)
        return found.start() if found else len(self._source.text)

    def _series(
        self, start: int, place: int, words: Sequence[str] = (), *, tagged: bool
    ) -> Scan[tuple[list[FoundCall], Extent]]:
        """Calls one after the other, and how far they go; it failed where the last one is broken."""
        calls: list[FoundCall] = []
        last = Extent(start)
        while True:
            place = yield from self._source.skip(place, _SPACE + ",;")
            extent, more = yield from self._read(place, words, tagged)
            if not more:
                return calls, (last if calls else extent)
            prefix = self._source.text[last.end : place]
            calls += [forms.with_raw(more[0], prefix + more[0].raw), *more[1:]]
            last = extent
            if extent.failed >= 0:
                return calls, extent
            place = yield from self._source.skip(extent.end, "}]")
            calls[-1] = forms.with_raw(calls[-1], calls[-1].raw + self._source.text[extent.end : place])
            last.end = place

    def _named(self, start: int, place: int, ends: Sequence[str]) -> Scan[Reading]:
        """A call whose name stands outside of its arguments."""
        source = self._source
        name = yield from source.literal(place, tuple(self._tools))
        after = place + len(name)
        char = yield from source.at(after)
        if not name or char.isalnum() or char in ("_", "-"):
            return [], place
        body = yield from self._noise(after + (char == ">"))
        extent, ended = Extent(body), True
        if (yield from source.at(body)) == "{":
            extent = yield from any_json_end(source, body)
        elif (yield from source.literal(body, ("<arg_key>", "<parameter="))):
            end = yield from self._cut((yield from self._pairs(body)), ends, paragraphs=False)
            mark = max((len(mark) for mark in ends if source.text.endswith(mark, body, end)), default=0)
            extent.end, ended = end - mark, mark > 0
        elif not (yield from source.literal(body, ends)):
            return [], after
        broken = extent.failed >= 0
        end = (yield from self._cut(extent.end, ends)) if broken else (yield from self._ends(extent.end, ends))
        body_text, raw = source.text[body : extent.end], source.text[start:end]
        return forms.from_named(name, body_text, raw, self._tools, ended=ended), end

    def _pairs(self, place: int) -> Scan[int]:
        """Beyond the tags that are closed; what stands between them may be anything, marks of calls included."""
        source, most = self._source, place + LONGEST_CALL
        while tag := (yield from source.literal((yield from source.skip(place)), tuple(_VALUE_ENDS))):
            inside = (yield from source.skip(place)) + len(tag)
            found = yield from source.search(_VALUE_ENDS[tag], inside, most, overlap=20)
            if found is None or not found.group(1):
                break
            place = found.end()
        return place

    def _noise(self, place: int) -> Scan[int]:
        """Beyond the spaces and the marks that may stand before a call."""
        while True:
            place = yield from self._source.skip(place)
            word = yield from self._source.literal(place, NOISE)
            if not word:
                return place
            place += len(word)
            if word == CALL_MARKS[1]:
                place += len((yield from self._call_id(place)))

    def _call_id(self, place: int) -> Scan[str]:
        end = place
        while (char := (yield from self._source.at(end))) and char.isalnum() and end - place < _LONGEST_ID:
            end += 1
        return self._source.text[place:end]

    def _ends(self, end: int, ends: Sequence[str]) -> Scan[int]:
        """Beyond the marks that end a call, or `end` where there are none."""
        while True:
            place = yield from self._source.skip(end)
            word = yield from self._source.literal(place, (*ends, *STRAY_ENDS))
            if not word:
                return end
            end = place + len(word)

    def _rest_of_json(self, end: int) -> Scan[int]:
        """Where more of the JSON goes on whose brackets were closed too early; `end` where it does not."""
        place = yield from self._source.skip(end)
        if (yield from self._source.at(place)) != ",":
            return end
        place = yield from self._source.skip(place + 1)
        return place if (yield from self._source.at(place)) in ('"', "'") else end

    def _cut(self, place: int, ends: Sequence[str], *, paragraphs: bool = True) -> Scan[int]:
        """Where a broken call ends: with its mark, or before the next call or the next paragraph."""
        marks = "|".join(map(re.escape, ends)) or "(?!)"
        stops = "|".join([re.escape(opener) for opener in OPENERS] + ["\n\n"] * paragraphs)
        longest = max(map(len, (*ends, *OPENERS)))
        most = place + LONGEST_CALL
        found = yield from self._source.search(re.compile(f"({marks})|{stops}"), place, most, longest)
        if found is None:
            return min(len(self._source.text), most)
        return found.end() if found.group(1) else found.start()
