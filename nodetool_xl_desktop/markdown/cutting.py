"""Where a long part of a text can be cut that `Lines` found no place in, by reading its blocks."""

from __future__ import annotations

import re

from markdown_it.token import Token

from nodetool_xl_desktop.markdown.leaf_reader import blocks
from nodetool_xl_desktop.markdown.reading import FRESH, Lead

#: A definition on one line, behind which another one may begin.
_DEFINITION = re.compile(r" {0,3}\[[^\[\]]+\]:[ \t]*\S")


def cut_between(text: str, lead: Lead, *, force: bool) -> tuple[int, Lead] | None:
    """Where to cut finished lines, in letters, and how what follows reads.

    Args:
        force: cut before the last line if there is no better place. Then its leaves may differ from those of the whole.
    """
    lines = text.splitlines(keepends=True) if "\r" in text else [line + "\n" for line in text.split("\n")[:-1]]
    head = lead.table.split("\n")[:-1] if lead.table else []
    tokens = blocks("\n".join(head) + ("\n" if head else "") + text.replace("\r\n", "\n").replace("\r", "\n"), {})
    found = _between_blocks(tokens, lead, lines, len(head)) if not lead.words else None
    if found is None and force:
        words = lead.words or (bool(tokens) and tokens[-1].type == "paragraph_close")
        found = len(lines) - 1, Lead(words=words)
    if found is None or found[0] <= 0:
        return None
    return len("".join(lines[: found[0]])), found[1]


def _between_blocks(tokens: list[Token], lead: Lead, lines: list[str], head: int) -> tuple[int, Lead] | None:
    roots = _at_level(tokens, 0)
    if len(roots) > 1:
        return roots[-1][1] - head, FRESH
    if not roots:
        is_safe = len(lines) > 1 and all(_DEFINITION.match(line) for line in lines[-2:])
        return (len(lines) - 1, FRESH) if is_safe else None
    root, start, end = roots[0]
    if root.type == "rows":
        table = lead.table or "".join(lines[start : start + 2])
        return (end - 1 - head, Lead(table=table)) if len(root.meta["rows"]) > 2 else None
    inner = _at_level(tokens, 1)
    line = inner[-1][1] if len(inner) > 1 else 0
    if line and root.type == "blockquote_open" and lines[line].lstrip(" ").startswith(">"):
        return line, FRESH
    if line and root.type in ("bullet_list_open", "ordered_list_open"):
        return line, _lead_of_item(root, lead, len(inner) - 1, tight=lines[line - 1].strip() != "")
    return None


def _at_level(tokens: list[Token], level: int) -> list[tuple[Token, int, int]]:
    """The blocks at a level, with their first line and the one behind the last."""
    return [
        (token, token.map[0], token.map[1])
        for token in tokens
        if token.level == level and token.map and token.nesting >= 0 and token.type != "inline"
    ]


def _lead_of_item(root: Token, lead: Lead, before: int, *, tight: bool) -> Lead:
    if root.type == "bullet_list_open":
        return Lead(tight=tight)
    start = root.attrGet("start")
    first = lead.number if lead.number >= 0 else 1 if start is None else int(start)
    return Lead(number=first + before, tight=tight)
