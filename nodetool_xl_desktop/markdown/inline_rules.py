"""How the words of a paragraph are read: formulas, references to footnotes and bare addresses, in bounded time."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from nodetool_xl_desktop.markdown.formula_marks import dollars_end

#: Steps of markdown-it within one paragraph, beyond which it is shown as it was written; its time grows with the square
#: of what is written to stop it, such as `[[[[[[`.
MOST_STEPS = 30_000
#: What markdown-it looks through, letter by letter, for the ends of links in one paragraph.
MOST_LETTERS = 400_000
#: One formula is not longer than this.
MOST_FORMULA_LETTERS = 4000

_NOTE = re.compile(r"\[\^([^\s\[\]]{1,200})\]")
_SCHEME = re.compile(r"(?:^|[^A-Za-z0-9])(https?|ftp)$", re.IGNORECASE)
_ADDRESS = re.compile(r"://[A-Za-z0-9\[][^\s<]*")
_TRAILING = "?!.,:*_~'\";"


class TooMuchWork(Exception):
    """A paragraph that was written to take long; nobody sees this."""


class _State(StateInline):
    """A paragraph that is read, with how much was done for it."""

    steps = 0


class BoundedInline(ParserInline):
    """markdown-it's reader of paragraphs, which gives up where its work does not end in time."""

    def skipToken(self, state: StateInline) -> None:  # noqa: N802 - as markdown-it calls it
        assert isinstance(state, _State)  # only `parse` makes them
        state.steps += 1
        if state.steps > MOST_STEPS:
            raise TooMuchWork
        super().skipToken(state)

    def parse(self, src: str, md: MarkdownIt, env: MutableMapping[str, Any], tokens: list[Token]) -> list[Token]:
        """Read a paragraph.

        Raises:
            TooMuchWork: nothing of `tokens` is of use then.
        """
        if src.count("](") * len(src) > MOST_LETTERS:
            raise TooMuchWork
        state = _State(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


def add_rules(md: MarkdownIt) -> None:
    """Add them to a parser."""
    md.inline.ruler.before("escape", "formula", formula)
    md.inline.ruler.before("newline", "address", address)
    md.inline.ruler.before("link", "note_reference", note_reference)


def formula(state: StateInline, silent: bool) -> bool:
    r"""`$...$`, `$$...$$`, `\(...\)` and `\[...\]` within a line."""
    at, source = state.pos, state.src
    if source[at] == "$":
        end, width = dollars_end(source, at)
    elif source[at] == "\\" and source[at + 1 : at + 2] in ("(", "["):
        end, width = _end_of_brackets(state, at), 2
    else:
        return False
    if end < 0 or end > state.posMax:
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.content, token.markup = source[at + width : end - width].strip(), source[at : at + width]
    state.pos = end
    return True


def _end_of_brackets(state: StateInline, at: int) -> int:
    closing = "\\)" if state.src[at + 1] == "(" else "\\]"
    # Only the last one is looked up in each paragraph, so that a thousand openings cost one search.
    if state.html_terminator_last(closing) < at + 2:
        return -1
    end = state.src.find(closing, at + 2, at + MOST_FORMULA_LETTERS)
    inside = state.src[at + 2 : end] if end > 0 else ""
    if not any(letter.isalnum() for letter in inside) or "\n\n" in inside or state.src[at : at + 2] in inside:
        return -1
    return end + 2


def note_reference(state: StateInline, silent: bool) -> bool:
    """`[^label]` of a footnote that is there."""
    if not state.src.startswith("[^", state.pos):
        return False
    match = _NOTE.match(state.src, state.pos, state.posMax)
    if match is None or not any(match[1] in notes for notes in state.env.get("notes", ())):
        return False
    if not silent:
        token = state.push("note_reference", "", 0)
        token.content = match[1]
    state.pos = match.end()
    return True


def address(state: StateInline, silent: bool) -> bool:
    """`https://...` in the middle of words, by GFM's rules of where it ends."""
    at = state.pos
    if silent or state.linkLevel > 0 or not state.src.startswith("://", at):
        return False
    scheme = _SCHEME.search(state.src, max(0, at - 6), at)
    match = _ADDRESS.match(state.src, at, state.posMax) if scheme else None
    if scheme is None or match is None or not state.pending.endswith(scheme[1]):
        return False
    rest = end_of_address(match[0])
    if len(rest) < 4:
        return False
    url = state.md.normalizeLink(scheme[1] + rest)
    if not state.md.validateLink(url):
        return False
    state.pending = state.pending[: -len(scheme[1])]
    push_link(state, url, scheme[1] + rest)
    state.pos = at + len(rest)
    return True


def push_link(state: StateInline, url: str, text: str) -> None:
    """Put a link to an address that stands as it is."""
    opening = state.push("link_open", "a", 1)
    opening.attrs = {"href": url}
    state.push("text", "", 0).content = text
    state.push("link_close", "a", -1)


def end_of_address(text: str) -> str:
    """An address without what follows it in a sentence: its full stop, a bracket that was open before it."""
    end, closing = len(text), text.count(")") - text.count("(")
    while end and (text[end - 1] in _TRAILING or (text[end - 1] == ")" and closing > 0)):
        closing -= text[end - 1] == ")"
        end -= 1
    return text[:end]
