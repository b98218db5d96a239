"""Markdown that is still written, completed to what it will most likely be, so that nothing flickers or jumps.

A mark is hidden until it is known what it means; what is open is closed for now, so that bold is bold from its first
letter on; a table is one from the first cell of its head on. Whatever was guessed, the finished text is read as it is.
"""

from __future__ import annotations

import re

from nodetool_xl_desktop.markdown.block_rules import alignments, cells
from nodetool_xl_desktop.markdown.formula_marks import dollars_end

#: A longer line is no head of a table that anybody waits for.
MOST_HEAD = 2_000
#: The words of a link are not longer than this, as long as its address is not there.
MOST_LABEL = 100
#: A paragraph of more links is not written for people.
MOST_LINKS = 100

_PREFIX = re.compile(r"(?:[ \t>]|(?:[-+*]|\d{1,9}[.)])[ \t]+(?=\S|$))*+")
_PARTIAL = re.compile(
    r"(?:[-=]+|[*_]{1,3}|\+|#{1,6}[ \t]*|\d{1,9}[.)]?|`{1,2}|~{1,2}|\|[ \t]*|[$\\!<]|\$\$"
    r"|\[\^[^\]]{0,200}\]?:?[ \t]*|\[[^\]^][^\]]{0,200}\]:[ \t]*\S*)?"
)
_TASK = re.compile(r"\[(?:[ xX]\]?)?[ \t]*")
_NOTE = re.compile(r"\[\^[^\s\]]{0,200}$")
_TICKS = re.compile(r"`+")
_VARIABLE = re.compile(r"\$[A-Z_][A-Z_0-9]+\b|\$\d")


def completed_block(text: str) -> str:
    """The text without the start of a mark in its last line, and with the line below the head of a table."""
    start = text.rfind("\n") + 1
    last = text[start:]
    if last and len(last) < MOST_HEAD:
        prefix = _prefix(last)
        bare = last[len(prefix) :]
        if _PARTIAL.fullmatch(bare) or (prefix.strip(" \t>") and _TASK.fullmatch(bare)):
            text = text[:start]
    return text if "```" in text or "~~~" in text else _completed_table(text)


def _prefix(line: str) -> str:
    match = _PREFIX.match(line)
    return match[0] if match else ""


def _completed_table(text: str) -> str:
    """A row at the end of a text, with no table above it, is the head of one."""
    end = len(text) - 1 if text.endswith("\n") else len(text)
    lines: list[tuple[int, str]] = []
    while len(lines) < 3 and end >= 0:
        start = text.rfind("\n", 0, end) + 1
        lines.append((start, text[start:end]))
        end = start - 1
    rows = [_row(line) for _, line in lines]
    if rows and rows[0] and not any(rows[1:2]):
        return _with_line(text.rstrip("\n"), lines[0][1])
    if len(rows) > 1 and rows[0] and rows[1] and not any(rows[2:3]) and not rows[0].strip("|:- \t"):
        found = alignments(rows[0])
        if found is None or len(found) != len(cells(rows[1])):
            return _with_line(text[: lines[0][0]].rstrip("\n"), lines[1][1])
    return text


def _row(line: str) -> str:
    if len(line) > MOST_HEAD:
        return ""
    bare = line[len(_prefix(line)) :].strip()
    return bare if bare.startswith("|") and len(bare) > 1 else ""


def _with_line(text: str, head: str) -> str:
    prefix = _prefix(head)
    indent = "".join(letter if letter in " \t>" else " " for letter in prefix)
    return f"{text}\n{indent}|{'---|' * len(cells(head[len(prefix) :]))}"


def completed_words(source: str) -> tuple[str, str]:
    """A paragraph with what is open in it closed, and the rest of it that is shown as it stands."""
    if source.count("](") > MOST_LINKS:
        return source, ""
    source = _NOTE.sub("", source)
    return _Scan(source).completed()


class _Scan:
    """Goes once over a paragraph and remembers what is open."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._open: list[tuple[str, int]] = []  # emphasis: its letter, how many of them
        self._brackets: list[int] = []
        self._end = len(source)
        self._tail = ""  # what closes what cannot hold emphasis: code, a link
        self._rest = ""

    def completed(self) -> tuple[str, str]:
        at = 0
        while at < self._end:
            letter = self._source[at]
            if letter == "\\":
                at = self._escape(at)
            elif letter == "`":
                at = self._code(at)
            elif letter == "$":
                at = self._dollar(at)
            elif letter in "*_~":
                at = self._emphasis(at)
            else:
                if letter == "[":
                    self._brackets.append(at)
                elif letter == "]" and self._brackets:
                    opening = self._brackets.pop()
                    if at + 1 == self._end:
                        self._brackets.append(opening)  # nobody knows yet whether an address follows
                        self._stop(at)
                    at = self._link(at)
                at += 1
        shown = self._without_bracket() + self._tail
        closing = "".join(letter * count for letter, count in reversed(self._open))
        if not closing or self._rest:
            return shown, self._rest
        shown = shown.rstrip()
        while shown and shown[-1] in "*_~" and not shown.endswith("\\" + shown[-1]):
            # nothing stands behind the last mark yet
            if not closing:
                break
            shown, closing = shown[:-1], closing[1:]
        return shown.rstrip() + closing, ""

    def _without_bracket(self) -> str:
        """What is shown of it, without the bracket that will most likely turn out to begin a link."""
        shown = self._source[: self._end]
        opening = self._brackets[-1] if self._brackets and not self._tail and not self._rest else -1
        if opening < 0 or self._end - opening > MOST_LABEL or shown[max(opening - 1, 0) : opening].isalnum():
            return shown
        return shown[:opening].removesuffix("!") + shown[opening + 1 :]

    def _stop(self, end: int, rest: str = "") -> int:
        self._end, self._rest = end, rest
        return end

    def _escape(self, at: int) -> int:
        following = self._source[at + 1 : at + 2]
        if not following:
            return self._stop(at)
        if following in "([":
            closing = self._source.find("\\)" if following == "(" else "\\]", at + 2)
            return closing + 2 if closing >= 0 else self._stop(at, self._source[at + 1 :])
        return at + 2

    def _code(self, at: int) -> int:
        match = _TICKS.match(self._source, at)
        assert match is not None
        for other in _TICKS.finditer(self._source, match.end()):
            if len(other[0]) == len(match[0]):
                return other.end()
        code = self._source[match.end() :].rstrip("`")
        if not code.strip():
            return self._stop(at)
        self._source = self._source[: match.end()] + code
        self._tail = match[0] if not code.endswith("`") else " " + match[0]
        return self._stop(len(self._source))

    def _dollar(self, at: int) -> int:
        end, _ = dollars_end(self._source, at)
        if end > 0:
            return end
        double = self._source.startswith("$$", at)
        inside = self._source[at + 1 + double :]
        before = self._source[at - 1] if at else " "
        unlikely = _VARIABLE.match(self._source, at) or inside[:1].isspace() or before.isalnum() or len(inside) > 300
        if unlikely or "$" in inside:
            return at + 1 + double
        return self._stop(at, self._source[at:] if inside else "")

    def _link(self, at: int) -> int:
        """Behind the words of a link: its address, which is not shown while it is written."""
        if not self._source.startswith("](", at):
            return at
        depth = 0
        for end in range(at + 1, min(self._end, at + MOST_HEAD)):
            depth += {"(": 1, ")": -1}.get(self._source[end], 0)
            if depth == 0:
                return end
        if self._end - at >= MOST_HEAD:
            return at
        self._tail = "()"
        self._stop(at + 1)
        return at

    def _emphasis(self, at: int) -> int:
        letter, end = self._source[at], at
        while end < self._end and self._source[end] == letter:
            end += 1
        count = end - at
        before = self._source[at - 1] if at else " "
        after = self._source[end] if end < self._end else ""
        if letter == "~" and count != 2:
            return end if after else self._stop(at)
        known = [index for index, (each, _) in enumerate(self._open) if each == letter]
        if not after:
            return self._stop(at)  # nobody knows yet whether it opens or closes
        if known and not before.isspace() and not (letter == "_" and after.isalnum()):
            self._close(known[-1], count)
        elif not after.isspace() and count <= 3 and not (before.isalnum() and (letter == "_" or count == 1)):
            self._open.append((letter, count))
        return end

    def _close(self, index: int, count: int) -> None:
        letter, width = self._open[index]
        del self._open[index:]
        if count < width:
            self._open.append((letter, width - count))
