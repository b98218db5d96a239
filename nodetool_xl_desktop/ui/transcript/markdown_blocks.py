"""Where the blocks of a Markdown text end, so that only the last of a growing text is drawn anew."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: CommonMark 4.5: up to three spaces, three or more backticks or tildes, an info string (without backticks behind `).
_OPENING = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)\n?")


#: A line that Markdown draws as it stands: it begins with a letter, and nothing in it marks or links anything.
_PROSE = re.compile(r"[^\W\d_](?:(?!www)[^\n*_`\[\]#>|~<&\\!:/@])*")


def is_prose(block: str) -> bool:
    """Whether a block is a paragraph on one line without any mark, so that more words can just be added to it."""
    return _PROSE.fullmatch(block) is not None


def block_ends(text: str, start: int) -> list[int]:
    """Where blocks end from `start` on, which must be such a place itself or 0.

    A block ends behind an empty line, or behind the closing fence of code, and before an opening one; an empty line
    inside code ends nothing. Behind the last of these places the open block begins.
    """
    ends, position, fence, empty = [], start, "", True
    for line in text[start:].splitlines(keepends=True):
        if not fence and (opening := _opens(line)):
            if not empty:
                ends.append(position)
            fence, empty = opening, False
        elif fence:
            if _closes(line, fence) and line.endswith("\n"):
                ends.append(position + len(line))
                fence, empty = "", True
        elif line.strip():
            empty = False
        elif line.endswith("\n") and not empty:
            ends.append(position + len(line))
            empty = True
        position += len(line)
    return ends


@dataclass(frozen=True, slots=True)
class Fence:
    """A block of fenced code.

    Attributes:
        language: what its fence names.
        code: the lines in it, without the line feed behind the last one.
        closed: whether its closing fence is there.
    """

    language: str
    code: str
    closed: bool

    @classmethod
    def read(cls, block: str) -> Fence | None:
        """The fenced code that a block is; None where it is something else."""
        block = block.lstrip("\n")
        line = block.partition("\n")[0] + "\n"
        if not (fence := _opens(line)):
            return None
        lines = block[len(line) :].splitlines(keepends=True)
        closing = next((number for number, each in enumerate(lines) if _closes(each, fence)), None)
        code = "".join(lines if closing is None else lines[:closing]).removesuffix("\n")
        return cls(line.strip().lstrip(fence[0]).strip(), code, closing is not None)


def _opens(line: str) -> str:
    """The fence that a line opens, or nothing."""
    match = _OPENING.fullmatch(line)
    if match is None or (match["fence"][0] == "`" and "`" in match["info"]):
        return ""
    return match["fence"]


def _closes(line: str, fence: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(fence) and not bare.strip(fence[0]) and line[:4].strip() != ""
