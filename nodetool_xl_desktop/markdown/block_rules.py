"""What markdown-it does not read as chats need it: tables without a token for each cell, formulas, notes, depth.

Each rule is one of markdown-it's block rules: it looks at a line, and where the line begins its block it says so
(`silent`) or takes it.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

from nodetool_xl_desktop.markdown.formula_marks import FORMULA_MARKS

#: Deeper than this, what is there is shown as it was written. markdown-it itself would drop it without a word.
MOST_LEVELS = 40
#: One formula is not longer than this, in lines.
MOST_FORMULA_LINES = 200

_DELIMITERS = re.compile(r"[|:\-][|:\- \t]*")
_DELIMITER = re.compile(r":?-+:?")
_PIPE = re.compile(r"(?<!\\)\|")
_FENCE = re.compile(r"`{3}|~{3}")
_NOTE = re.compile(r"\[\^([^\s\[\]]{1,200})\]:")


def add_rules(md: MarkdownIt) -> None:
    """Add them to a parser."""
    ends = ["paragraph", "reference", "blockquote"]
    md.block.ruler.before("code", "too_deep", too_deep, {"alt": []})
    md.block.ruler.before("fence", "formula", formula, {"alt": [*ends, "list"]})
    md.block.ruler.before("reference", "note", note, {"alt": ["paragraph", "reference"]})
    md.block.ruler.before("paragraph", "rows", rows, {"alt": ["paragraph", "reference"]})


def cells(line: str) -> list[str]:
    """The cells of a row; a pipe behind a backslash is a letter of its cell."""
    columns = _PIPE.split(line.strip())
    if columns[0] == "":
        columns.pop(0)
    if columns and columns[-1] == "":
        columns.pop()
    return [column.replace("\\|", "|").strip() for column in columns]


def alignments(line: str) -> list[str] | None:
    """What the line below a header says of the columns: "left", "center" or "right" for each; None for another line."""
    bare = line.strip()
    if _DELIMITERS.fullmatch(bare) is None or "-" not in bare:
        return None
    columns = bare.removeprefix("|").removesuffix("|").split("|")
    out = []
    for column in columns:
        mark = column.strip()
        if _DELIMITER.fullmatch(mark) is None:
            return None
        out.append(("center" if mark.startswith(":") else "right") if mark.endswith(":") else "left")
    return out


def rows(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """GFM's table, as one token with its cells as they were written."""
    if start + 2 > end or state.sCount[start + 1] < state.blkIndent or state.is_code_block(start + 1):
        return False
    below = _line(state, start + 1)
    if below[:1] not in ("|", "-", ":") or below[:2] in ("- ", "-\t") or len(below) < 2:
        return False
    header = _line(state, start)
    if "|" not in header or state.is_code_block(start):
        return False
    aligns = alignments(below)
    first = cells(header) if aligns else []
    if not aligns or len(first) != len(aligns):
        return False
    if silent:
        return True
    parent, state.parentType = state.parentType, "table"
    ends, body, line = state.md.block.ruler.getRules("blockquote"), [first], start + 2
    while line < end and state.sCount[line] >= state.blkIndent and not state.is_code_block(line):
        text = _line(state, line)
        if not text or any(rule(state, line, end, True) for rule in ends):
            break
        body.append(_fitted(cells(text), len(aligns)))
        line += 1
    state.parentType = parent
    token = state.push("rows", "table", 0)
    token.meta = {"rows": body, "aligns": aligns}
    token.map = [start, line]
    state.line = line
    return True


def _fitted(row: list[str], width: int) -> list[str]:
    """A row with more cells than its table has columns; nothing of it is lost, unlike on GitHub."""
    return [*row[: width - 1], "|".join(row[width - 1 :])] if len(row) > width else row


def formula(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    r"""`$$` or `\[` at the start of a line, to its closing mark at the end of a line; no empty line lies between."""
    mark = "" if state.is_code_block(start) else _line(state, start)[:2]
    closing = FORMULA_MARKS.get(mark)
    found = _formula_lines(state, start, end, closing) if closing else None
    if closing is None or found is None:
        return False
    source, behind, closed = found
    if not source.strip() or closing in source.replace("\\\\", "") or not (closed or state.env.get("open")):
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.content, token.markup, token.meta = source.strip(), mark, {"closed": closed}
        token.map = [start, behind]
        state.line = behind
    return True


def _formula_lines(state: StateBlock, start: int, end: int, closing: str) -> tuple[str, int, bool] | None:
    """What lies between the marks, the line behind it, and whether the closing one is there or the text ends before."""
    source, line = [_line(state, start)[2:]], start
    while not source[-1].endswith(closing) or (closing == "$$" and source[-1].endswith("\\$$")):
        line += 1
        if line >= end or line - start > MOST_FORMULA_LINES or state.isEmpty(line):
            return ("\n".join(source), line, False) if line == end == state.lineMax else None
        following = _line(state, line)
        if state.sCount[line] < state.blkIndent or _FENCE.match(following) or following.startswith("\\["):
            return None
        source.append(following)
    return "\n".join(source).removesuffix(closing), line + 1, True


def note(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """`[^label]:` and what is indented below it: a footnote, drawn where it stands."""
    match = None if state.is_code_block(start) else _NOTE.match(_line(state, start))
    if match is None:
        return False
    if silent:
        return True
    state.env.setdefault("defined", set()).add(match[1])
    token = state.push("note_open", "", 1)
    token.meta = {"label": match[1]}
    token.map = bounds = [start, start + 1]
    begin, shift, count = state.bMarks[start], state.tShift[start], state.sCount[start]
    indent, parent = state.blkIndent, state.parentType
    at = begin + shift + match.end()
    while at < state.eMarks[start] and state.src[at] in " \t":
        at += 1
    state.bMarks[start], state.tShift[start], state.sCount[start] = at, 0, state.blkIndent + 4
    state.blkIndent += 4
    state.parentType = "footnote"
    if at < state.eMarks[start]:
        state.md.block.tokenize(state, start, end)
    else:
        state.line = start + 1
        if start + 1 < end and not state.isEmpty(start + 1) and state.sCount[start + 1] >= state.blkIndent:
            state.md.block.tokenize(state, start + 1, end)
    state.blkIndent, state.parentType = indent, parent
    state.bMarks[start], state.tShift[start], state.sCount[start] = begin, shift, count
    bounds[1] = state.line
    state.push("note_close", "", -1)
    return True


def too_deep(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Where quotes and lists lie deeper than anybody reads: the rest of them as it was written."""
    if silent or state.level < MOST_LEVELS:
        return False
    line = start + 1
    while line < end and (state.isEmpty(line) or state.sCount[line] >= state.blkIndent):
        line += 1
    token = state.push("plain", "", 0)
    token.content = state.getLines(start, line, state.blkIndent, False).rstrip()
    token.map = [start, line]
    state.line = line
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()
