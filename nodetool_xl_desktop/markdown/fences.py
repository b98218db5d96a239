"""Fenced code: read at once where a section is nothing else, and what markdown-it leaves open about it elsewhere."""

from __future__ import annotations

import re

from markdown_it.common.utils import unescapeAll
from markdown_it.token import Token

from nodetool_xl_desktop.markdown.leaves import Code

_FENCE = re.compile(r"(?:[ \t]*\n)*+( {0,3})(`{3,}(?=[^`\n]*(?:\n|\Z))|~{3,})([^\n]*)(\n|\Z)")


def read_fence(text: str, *, is_open: bool) -> Code | None:
    """The code that a section is, however long it is; None where it is something else, or is not simple.

    Args:
        is_open: whether more will follow: a language or a closing fence in the last line may be half of one.
    """
    match = _FENCE.match(text)
    if match is None:
        return None
    fence, code = match[2], text[match.end() :]
    end = code.rstrip(" \t\n").rfind("\n") + 1
    last = code[end:].rstrip()
    closed = _closes(last, fence)
    if closed or (is_open and last and not last.strip(" " + fence[0])):
        code = code[:end]
    if _has_closing(code, fence) or (match[1] and "\t" in code):
        return None
    begin = code.rfind("\n") + 1
    if not code[begin:].strip(" \t"):
        code = code[:begin]
    if match[1]:
        code = re.sub(rf"^ {{1,{len(match[1])}}}", "", code, flags=re.MULTILINE)
    return Code(code.removesuffix("\n"), language_of(match[3]) if match[4] or not is_open else "", closed)


def code_of(token: Token, *, is_written: bool) -> Code:
    """The code of one of markdown-it's tokens.

    Args:
        is_written: whether its first line is the last one of a text that is still written.
    """
    if token.type == "code_block":
        return Code(token.content.removesuffix("\n"))
    lines = token.content.count("\n") + (token.content != "" and not token.content.endswith("\n"))
    height = token.map[1] - token.map[0] if token.map else 0
    closed = height == lines + 2
    language = "" if is_written and not closed and not token.content else language_of(token.info)
    return Code(token.content.removesuffix("\n"), language, closed)


def language_of(info: str) -> str:
    """The first word behind a fence."""
    words = unescapeAll(info).split(maxsplit=1)
    return words[0] if words else ""


def _closes(line: str, fence: str) -> bool:
    bare = line.lstrip(" ")
    return len(line) - len(bare) <= 3 and len(bare) >= len(fence) and not bare.strip(fence[0])


def _has_closing(code: str, fence: str) -> bool:
    """Whether a line of it closes it already; then more than code follows."""
    if fence not in code:
        return False
    return re.search(rf"^ {{0,3}}{fence}{fence[0]}*[ \t]*$", code, re.MULTILINE) is not None
