"""From a section of Markdown to its leaves: markdown-it-py's blocks and words, and what becomes of them."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from nodetool_xl_desktop.markdown import block_rules, half_finished, inline_rules
from nodetool_xl_desktop.markdown.fences import code_of, read_fence
from nodetool_xl_desktop.markdown.leaves import (
    Align,
    Content,
    Formula,
    Frame,
    Gap,
    Leaf,
    Rule,
    Run,
    Table,
    Words,
)
from nodetool_xl_desktop.markdown.markers import Marker
from nodetool_xl_desktop.markdown.reading import FRESH, Lead, References
from nodetool_xl_desktop.markdown.runs import merged, runs_of

_ALIGN = {"left": Align.LEFT, "center": Align.CENTRE, "right": Align.RIGHT}
_NOTHING = re.compile(r"[ \t>]*")
_BREAK = re.compile(r"<br[ \t]*/?>", re.IGNORECASE)


@cache
def parser() -> MarkdownIt:
    """The one parser; it keeps nothing between two texts."""
    md = MarkdownIt("commonmark", {"html": False, "tasklists": True, "maxNesting": 100})
    md.inline = inline_rules.BoundedInline()
    md.enable(["strikethrough"])
    md.disable(["html_block", "html_inline"])
    block_rules.add_rules(md)
    inline_rules.add_rules(md)
    return md


def read_leaves(text: str, references: References, lead: Lead, *, is_open: bool) -> tuple[Leaf, ...]:
    """What `reading.read` does."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\N{REPLACEMENT CHARACTER}")
    if lead.words:
        return _words(text, references)
    if (code := read_fence(text, is_open=is_open)) is not None:
        return (Leaf(code),)
    text = lead.table + text
    if is_open:
        text = half_finished.completed_block(text)
    reader = _Reader(text, references, lead, is_open)
    return tuple(reader.leaves())


def blocks(text: str, env: dict[str, Any]) -> list[Token]:
    """The blocks of a text, unread within; what it defines is put into `env`."""
    tokens: list[Token] = []
    md = parser()
    md.block.parse(text, md, env, tokens)
    return tokens


def _words(text: str, references: References) -> tuple[Leaf, ...]:
    reader = _Reader("", references, FRESH, False)
    runs = reader.runs(text.strip("\n"))
    return (Leaf(Words(runs), gap=Gap.NONE),) if runs else ()


@dataclass(slots=True)
class _List:
    number: int | None
    first: bool = True


class _Reader:
    """From markdown-it's tokens to leaves."""

    def __init__(self, text: str, references: References, lead: Lead, is_open: bool) -> None:
        self._lead = lead
        self._open = is_open
        self._frames: list[Frame] = []
        self._marker = ""
        self._opened = Token("", "", 0)  # the item that the marker stands at
        self._lists: list[_List] = []
        self._tight = False  # the next leaf follows in a list without an empty line
        self._line = -1  # where the last leaf began
        self._env: dict[str, Any] = {"references": ChainMap({}, references.links), "notes": references.notes}  # type: ignore[arg-type]
        self._lines = text.split("\n")
        self._tokens: list[Token] = []
        if text:
            self._env["open"] = is_open
            self._tokens = blocks(text, self._env)
        if self._env.get("defined"):
            self._env["notes"] = (*references.notes, self._env["defined"])
        self._last = next((token for token in reversed(self._tokens) if token.type in ("inline", "rows")), None)

    def runs(self, source: str, *, half: bool = False) -> tuple[Run, ...]:
        """The runs of a paragraph; `half` where it is not finished."""
        rest = ""
        if half:
            source, rest = half_finished.completed_words(source)
        tokens: list[Token] = []
        md = parser()
        try:
            md.inline.parse(source, md, self._env, tokens)
        except (inline_rules.TooMuchWork, RecursionError):
            return (Run(source + rest),)
        return merged([*runs_of(tokens), Run(rest)]) if rest else merged(runs_of(tokens))

    def leaves(self) -> Iterator[Leaf]:
        """All of them."""
        tokens, at = self._tokens, 0
        while at < len(tokens):
            token = tokens[at]
            if token.type in ("paragraph_open", "heading_open"):
                words = self._paragraph(tokens[at + 1], token)
                if words.runs or self._marker:
                    yield self._leaf(words, token)
                at += 3
                continue
            if (content := self._content(token)) is not None:
                yield self._leaf(content, token)
            else:
                yield from self._frame(token)
            at += 1

    def _paragraph(self, inline: Token, opening: Token) -> Words:
        level = int(opening.tag[1]) if opening.type == "heading_open" else 0
        runs = self.runs(inline.content, half=self._open and inline is self._last)
        return Words(runs, level)

    def _content(self, token: Token) -> Content | None:
        content: Content | None = None
        match token.type:
            case "fence" | "code_block":
                content = code_of(
                    token, is_written=self._open and token.map == [len(self._lines) - 1, len(self._lines)]
                )
            case "hr":
                content = Rule()
            case "formula":
                content = Formula(token.content, bool(token.meta["closed"]))
            case "plain":
                content = Words((Run(token.content),))
            case "rows":
                content = self._table(token)
        return content

    def _table(self, token: Token) -> Table:
        aligns, body = token.meta["aligns"], token.meta["rows"]
        header = not (self._lead.table and token.map and token.map[0] == 0)
        first = 0 if header else 1
        last = len(body) - 1 if self._open and token is self._last else -1
        out = []
        for number, row in enumerate(body[first:], first):
            made = [self._cell(cell, number == last and at == len(row) - 1) for at, cell in enumerate(row)]
            out.append((*made, *((),) * (len(aligns) - len(made))))
        return Table(tuple(out), tuple(_ALIGN[align] for align in aligns), header)

    def _cell(self, source: str, half: bool) -> tuple[Run, ...]:
        if not source:
            return ()
        if "<" in source:
            source = _BREAK.sub("\\\n", source)  # there is no other way to break a line in a cell
        if half:  # not what may be a formula: its source would push the columns to and fro
            source, _ = half_finished.completed_words(source)
        return self.runs(source)

    def _leaf(self, content: Content, token: Token) -> Leaf:
        gap = Gap.NORMAL
        below_empty = self._is_below_empty(self._opened if self._marker else token)
        if self._tight and not below_empty:
            gap = Gap.SMALL
        if self._lead.table and token.map and token.map[0] == 0:
            gap = Gap.NONE
        marker, self._marker = self._marker, ""
        self._tight = Frame.ITEM in self._frames
        return Leaf(content, tuple(self._frames), marker, gap)

    def _is_below_empty(self, token: Token) -> bool:
        line = token.map[0] if token.map else self._line
        before, self._line = self._line, line
        if line <= 0 or line == before or _NOTHING.fullmatch(self._lines[line - 1]) is None:
            return False
        return self._lines[line - 1].count(">") <= self._frames.count(Frame.QUOTE)

    def _frame(self, token: Token) -> Iterator[Leaf]:
        match token.type:
            case "blockquote_open":
                self._frames.append(Frame.QUOTE)
            case "blockquote_close" | "note_close" | "list_item_close":
                if self._marker:
                    yield self._leaf(Words(()), self._opened)
                self._frames.pop()
                self._tight = Frame.ITEM in self._frames
            case "bullet_list_open" | "ordered_list_open":
                if self._marker:
                    yield self._leaf(Words(()), self._opened)
                self._lists.append(_List(self._start(token)))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
                self._tight = Frame.ITEM in self._frames
            case "list_item_open":
                self._item(token)
            case "note_open":
                self._frames.append(Frame.ITEM)
                self._marker, self._opened = Marker(note=token.meta["label"]).shown, token
                self._tight = False

    def _start(self, token: Token) -> int | None:
        if token.type == "bullet_list_open":
            return None
        if self._lead.number >= 0 and token.map and token.map[0] == 0 and not self._frames:
            return self._lead.number
        start = token.attrGet("start")
        return 1 if start is None else int(start)

    def _item(self, token: Token) -> None:
        around = self._lists[-1]
        if around.first:
            goes_on = token.map is not None and token.map[0] == 0 and not self._frames
            self._tight = (self._lead.tight and goes_on) or Frame.ITEM in self._frames
        else:
            self._tight = True
        around.first = False
        self._frames.append(Frame.ITEM)
        self._opened = token
        checked = token.meta.get("checked") if token.meta else None
        if around.number is None:
            self._marker = Marker(checked=checked).shown
        else:
            self._marker = Marker(around.number, token.markup, checked).shown
            around.number += 1
